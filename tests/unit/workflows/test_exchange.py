"""Documents of workflows: what goes out comes in again unchanged; what is none is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autoloop.base.errors import Invalid
from autoloop.engine.graph import check
from autoloop.plugins.registry import Registry
from autoloop.workflows.checking import check_triggers, references
from autoloop.workflows.exchange import document, plain_json, read_document, replaced

EXAMPLE = Path(__file__).parents[3] / "examples" / "workflows" / "three-step-outreach.json"


def test_the_example_is_a_document_that_may_be_published():
    held = json.loads(EXAMPLE.read_text())
    assert read_document(held) == held
    plugins = Registry.load()
    assert check(held["graph"], plugins) == []
    assert list(check_triggers(held["triggers"], plugins)) == []
    assert {node for _, node, _, _ in references(held["graph"], plugins)} == {
        "mail_1",
        "mail_2a",
        "mail_2b",
        "mail_3",
    }


def test_a_document_round_trips():
    out = document("A", "b", {"nodes": [], "extra": [1, None]}, [{"type": "manual", "config": {}}])
    assert read_document(json.loads(json.dumps(out))) == out


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_what_the_database_cannot_hold_is_no_plain_json(text):
    for value in (text, [text], {"a": {"b": text}}, {text: 1}):
        with pytest.raises(Invalid):
            plain_json(value, "contact")


def test_ids_are_replaced_wherever_they_stand_and_nothing_else():
    assert replaced({"a": ["x", {"b": "x"}, 1], "x": "y"}, {"x": "z"}) == {
        "a": ["z", {"b": "z"}, 1],
        "x": "y",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"autoloop": "template"},
        {"schema": 2},
        {"name": ""},
        {"name": 7},
        {"graph": []},
        {"triggers": [1]},
        {"description": None},
        {"more": 1},
    ],
)
def test_what_is_no_document_is_refused(change):
    with pytest.raises(Invalid):
        read_document(document("A", "", {}, []) | change)


def nested(depth: int) -> dict:
    value: dict = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize("value", [nested(100), {"a": 10**30}, {"a": float("inf")}, {"a": "x" * 1_000_001}])
def test_what_the_database_cannot_hold_is_refused(value):
    with pytest.raises(Invalid):
        plain_json(value, "graph")


def test_triggers_are_checked_with_their_place():
    given = [
        {"type": "event", "config": {}},
        {"type": "none"},
        7,
        {"type": "event", "config": {"event": "a.b"}},
    ]
    found = [(problem.code, problem.field) for problem in check_triggers(given, Registry.load())]
    assert found == [
        ("CONFIG", "triggers.0.config.event"),
        ("UNKNOWN_TRIGGER", "triggers.1.type"),
        ("SHAPE", "triggers.2"),
    ]
