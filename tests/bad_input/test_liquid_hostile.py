"""Hostile templates are refused or end soon, and small, also fifty at once."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoloop.base.liquid import FILTERS, HTML, TemplateInvalid, parse

CORPUS = Path(__file__).with_name("liquid_corpus.py")


@pytest.fixture(scope="module")
def figures() -> dict:
    done = subprocess.run(
        [sys.executable, str(CORPUS)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(CORPUS.parents[2])},
        timeout=90,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_each_alone_is_quick_and_small(figures: dict) -> None:
    assert len(figures["alone"]) >= 50
    slow = {name: seconds for name, (seconds, _) in figures["alone"].items() if seconds > 0.25}
    assert not slow
    assert figures["alone_peak"] < 50


def test_fifty_at_once_take_less_than_a_second_and_100_mb(figures: dict) -> None:
    assert figures["together"] < 1
    assert figures["together_peak"] < 100


def test_refusals_say_which_line_and_why(figures: dict) -> None:
    outcomes = {name: outcome for name, (_, outcome) in figures["alone"].items()}
    assert outcomes["range joined"] == "Line 1: a list is longer than 10,000 entries"
    assert outcomes["includes itself"] == "Line 1: unexpected tag 'include'"
    assert outcomes["attributes of objects"] == "rendered 0"
    assert outcomes["date width"].startswith("Line 1: “%9” is not part")
    with pytest.raises(TemplateInvalid, match=r"Line 3: “if” is not closed") as caught:
        parse("a\nb\n{% if x %}", HTML)
    assert caught.value.line == 3
    assert caught.value.status == 400


PIECES = [
    *(
        "{{",
        "}}",
        "{%",
        "%}",
        "-",
        " ",
        "\n",
        '"',
        "'",
        "|",
        ":",
        ",",
        ".",
        "(",
        ")",
        "[",
        "]",
        "..",
        "==",
        "x",
    ),
    *(
        "if",
        "endif",
        "else",
        "for i in",
        "endfor",
        "assign x =",
        "capture x",
        "endcapture",
        "case",
        "when",
        "cycle",
    ),
    *(
        "contact.name",
        "9",
        "-1.5",
        "true",
        "nil",
        "empty",
        "reversed",
        "limit:2",
        "raw",
        "endraw",
        "forloop.index",
    ),
    *FILTERS,
]
DATA = {"contact": {"name": "Ann", "list": [1, "b", None, {"k": [2.5]}], "n": -3}, "x": [3, "1", {}]}


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join))
def test_no_text_makes_anything_but_an_answer_or_a_refusal(source: str) -> None:
    try:
        parse(source, HTML).render(DATA)
    except TemplateInvalid as error:
        assert error.line >= 1


VALUES = st.sampled_from(
    ["contact.name", "contact.list", "contact.n", "x", "nil", "'a,b'", "(1..3)", "1.5", "contact"]
)
CALLS = st.tuples(st.sampled_from(sorted(FILTERS)), st.lists(VALUES, max_size=2))


@settings(max_examples=600, deadline=None)
@given(VALUES, st.lists(CALLS, max_size=3))
def test_no_filter_fails_in_another_way_on_any_value(value: str, calls: list[tuple[str, list[str]]]) -> None:
    filters = "".join(f" | {name}{': ' + ', '.join(args) if args else ''}" for name, args in calls)
    with contextlib.suppress(TemplateInvalid):
        parse(f"{{{{ {value}{filters} }}}}", HTML).render(DATA)
