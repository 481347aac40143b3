"""Expressions in settings: typed, checked early, bounded, and honest about what they need."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import colander
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoloop.plugins.expressions import ExpressionError, ExpressionType, compile_expressions, needs_of
from autoloop.plugins.facts import Needs
from autoloop.plugins.forms import json_schema
from autoloop.plugins.testing import context

CTX = context(
    contact={"email": "ada@example.com", "fields": {"age": 7, "seats": "12", "list": [1, 2], "off": False}},
    business={"name": "Analytical Engines"},
    event={"name": "order.paid", "data": {"sum": 3.5}},
    variables={"round": 2},
    outputs={"look": {"body": {"items": ["a"]}}},
)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("{{ contact.fields.age }}", 7),
        (" {{ contact.fields.age | plus: 1 }} ", 8),
        ("{{ contact.fields.list }}", [1, 2]),
        ("{{ contact.fields.off }}", False),
        ("{{ contact.fields.none }}", None),
        ("{{ contact.fields }}", CTX.contact["fields"]),
        ("{{ event.data.sum }}", 3.5),
        ("{{ vars.round }}", 2),
        ("{{ variables.round }}", 2),
        ("{{ outputs.look.body.items.first }}", "a"),
        ("{{ steps.look.body }}", {"items": ["a"]}),
        ("{{ run.visit }}", 1),
        ("{{ now }}", "2026-03-02T09:00:00+00:00"),
        ("{{ now | date: '%d.%m.' }}", "02.03."),
        ("{{ contact.fields.age }} years", "7 years"),
        ("{% if contact.email %}yes{% endif %}", "yes"),
        ("plain", "plain"),
        (5, 5),
        ({"to": "{{ business.name }}", "n": ["{{ vars.round }}", None]}, {"to": "Analytical Engines", "n": [2, None]}),
    ],
)  # fmt: skip
def test_a_single_output_keeps_its_type(source: Any, found: Any) -> None:
    assert CTX.evaluate(compile_expressions(source)) == found


@pytest.mark.parametrize(
    ("source", "as_", "found"),
    [
        ("{{ contact.fields.seats }}", "number", 12),
        ("{{ contact.fields.age }}", "text", "7"),
        ("{{ contact.fields.none }}", "text", ""),
        ("{{ contact.fields.none }}", "list", []),
        ("{{ contact.fields.off }}", "boolean", False),
        ("{{ 'Yes' }}", "boolean", True),
        ("2026-05-0{{ vars.round }}", "date", date(2026, 5, 2)),
        ("2026-05-01T10:00Z", "moment", datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("{{ now }}", "moment", CTX.now),
    ],
)
def test_a_wanted_type_is_given(source: str, as_: Any, found: Any) -> None:
    assert CTX.evaluate(compile_expressions(source), as_) == found


@pytest.mark.parametrize(
    ("source", "as_"),
    [
        ("{{ contact.email }}", "number"),
        ("{{ contact.fields.none }}", "number"),
        ("{{ contact.fields.off }}", "number"),
        ("{{ 'nan' }}", "number"),
        ("{{ contact.email }}", "boolean"),
        ("{{ contact.email }}", "date"),
        ("{{ contact.email }}", "list"),
        ("{{ contact.fields }}", "text"),
        ("{{ 'x' | split: '' | divided_by: 0 }}", "text"),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence(source: str, as_: Any) -> None:
    with pytest.raises(ExpressionError) as told:
        CTX.evaluate(compile_expressions(source), as_)
    assert len(str(told.value)) > 10


@pytest.mark.parametrize(
    ("type_", "value", "message"),
    [
        (ExpressionType(), "{{ contact.email", "not closed"),
        (ExpressionType(), "{{ a | no_such }}", "no filter"),
        (ExpressionType(), "{% include 'x' %}", "include"),
        (ExpressionType(), "x" * 70_000, "65,536"),
        (ExpressionType(), {"deep": ["{% if %}"]}, "Line 1"),
        (ExpressionType("number"), "seven", "must be a number, or an expression"),
        (ExpressionType("date"), "tomorrow", "must be a date"),
    ],
)
def test_a_bad_one_is_refused_when_settings_are_read(type_: Any, value: Any, message: str) -> None:
    with pytest.raises(colander.Invalid, match=message):
        colander.SchemaNode(type_).deserialize(value)


def test_settings_without_an_expression_are_converted_at_once() -> None:
    assert colander.SchemaNode(ExpressionType("number")).deserialize("7") == 7
    assert json_schema(colander.SchemaNode(ExpressionType("number")))["x-ui"] == {"widget": "expression"}


def test_what_an_expression_reads_is_declared() -> None:
    both = compile_expressions({"a": ["{{ contact.email }}"], "b": "{% if business.name %}x{% endif %}"})
    assert needs_of(both) == Needs(contact=True, business=True)
    assert needs_of(compile_expressions("{{ vars.contact }}"), "contact.email") == Needs()


@pytest.mark.parametrize(
    "source",
    [
        "{{ (1..30000000) | join }}",
        "{% for a in (1..9999) %}{% for b in (1..9999) %}x{% endfor %}{% endfor %}",
        "{{ contact.big | append: contact.big }}",
        "{{ contact.big }}",
    ],
)
def test_the_work_is_bounded(source: str) -> None:
    with pytest.raises(ExpressionError):
        context(contact={"big": "x" * 70_000}).evaluate(compile_expressions(source), "text")


@given(st.text(alphabet="{}%| '\"abc.()[]:,1-", max_size=60))
def test_any_text_is_read_or_refused(source: str) -> None:
    try:
        read = colander.SchemaNode(ExpressionType(), missing="").deserialize("{{" + source)
    except colander.Invalid:
        return
    with suppress(ExpressionError):
        CTX.evaluate(read, "text")
