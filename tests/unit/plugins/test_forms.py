"""Settings that do not fit: each problem with its place, in words for people."""

from __future__ import annotations

from typing import Any

import pytest

from autoloop.plugins.forms import ConfigProblems, read_config
from autoloop_plugins.steps.ab_split import ABSplit
from autoloop_plugins.steps.add_tag import AddTag
from autoloop_plugins.steps.wait import Wait
from autoloop_plugins.steps.wait_until import WaitUntilStep as WaitUntil


@pytest.mark.parametrize(
    ("step", "config", "problems"),
    [
        (AddTag, {"tag": 5}, {"tag": "must be a text"}),
        (AddTag, {"tag": ["x"]}, {"tag": "must be a text"}),
        (AddTag, {}, {"tag": "Required"}),
        (ABSplit, {"arms": 5}, {"arms": "must be a list"}),
        (ABSplit, {"arms": [5, {"name": "b"}]}, {"arms.0": "must be an object"}),
        (
            AddTag,
            {"tag": "x", "colour": "red", "size": 5},
            dict.fromkeys(("colour", "size"), "There is no such setting"),
        ),
        (Wait, {"amount": "nan"}, {"amount": "must be a number"}),
        (
            ABSplit,
            {"arms": [{"name": "a", "weight": "NaN"}, {"name": "b"}], "holdout": "nan"},
            {"arms.0.weight": "must be a number", "holdout": "must be a number"},
        ),
        (Wait, {"amount": "soon"}, {"amount": '"soon" is not a number'}),
        (
            ABSplit,
            {"arms": [{"name": "a"}, {"name": "b", "wait": 2}]},
            {"arms.1.wait": "There is no such setting"},
        ),
        (ABSplit, {"arms": [{"name": 5}, {"name": "b"}]}, {"arms.0.name": "must be a text"}),
        (AddTag, 5, {"": "must be an object"}),
        (WaitUntil, {"mode": "weekday", "days": [2, 1.5]}, {"days.1": "must be a whole number"}),
        (
            WaitUntil,
            {"mode": "time", "offset": True, "every_year": "no"},
            {"offset": "must be a whole number", "every_year": "must be true or false"},
        ),
        (Wait, {"amount": True}, {"amount": "must be a number"}),
    ],
)
def test_each_problem_has_its_place_and_plain_words(step: Any, config: Any, problems: dict[str, str]) -> None:
    with pytest.raises(ConfigProblems) as raised:
        read_config(step(), config)
    assert raised.value.problems == problems


def test_numbers_and_truths_may_be_written_as_forms_and_addresses_write_them() -> None:
    config = {
        "mode": "weekday",
        "days": ["2", 3.0],
        "offset": "-1",
        "every_year": "on",
        "working_days_only": "0",
    }
    read = read_config(WaitUntil(), config)
    assert (list(read["days"]), read["offset"], read["every_year"]) == ([2, 3], -1, True)
    assert read["working_days_only"] is False
