"""Conditions: what each operator means, that nothing raises, and that they explain themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoloop.plugins import Happening, compile_condition
from autoloop.plugins.conditions import FIELD_OPERATORS, BadCondition
from autoloop.plugins.testing import context
from autoloop.plugins.testing.fakes import NOW

RUN = context().run_id
DAY = timedelta(days=1)


def ask(op: str, found: Any, wanted: Any = None) -> bool:
    spec = {"field": "contact.x", "op": op} | ({} if wanted is None else {"value": wanted})
    return compile_condition(spec).test(context(contact={"x": found}))


@pytest.mark.parametrize(
    ("op", "wanted", "yes", "no"),
    [
        ("is", "Pro", ["pro", "PRO"], ["prof", None, 3, ["pro"], True]),
        ("is", 3, [3, 3.0], ["3", None, True]),
        ("is", True, [True], [1, "true", None]),
        ("is_not", "pro", ["x", None, 3], ["PRO"]),
        ("exists", None, ["x", 0, False, [1]], [None, "", [], {}]),
        ("missing", None, [None, "", []], ["x", 0]),
        ("in", ["a", 3], ["A", 3], ["b", "3", None]),
        ("not_in", ["a", 3], ["b", None], ["A", 3]),
        ("contains", "acme", ["An ACME thing"], ["x", None, 3]),
        ("not_contains", "acme", ["x", None, 3], ["ACME"]),
        ("starts_with", "a", ["Ada"], ["bA", None]),
        ("ends_with", ".com", ["a@b.COM"], ["a.com.au", 1]),
        ("gt", 3, [3.5, 4], [3, "4", None, True]),
        ("lte", 3, [3, -1], [3.1, "1"]),
        ("has", "vip", [["VIP", "x"]], [["v"], "vip", None]),
        ("has_not", "vip", [["v"], None], [["vip"]]),
        (
            "before",
            "2026-03-01",
            ["2026-02-28", "2026-02-28T23:59:59+00:00"],
            ["2026-03-01", "soon", 3, None],
        ),
        (
            "within_days",
            2,
            [(NOW - DAY).isoformat()],
            [(NOW + DAY).isoformat(), (NOW - 3 * DAY).isoformat(), "x"],
        ),
        ("older_than_days", 2, [(NOW - 3 * DAY).isoformat()], [(NOW - DAY).isoformat(), None]),
        ("in_next_days", 2, [(NOW + DAY).isoformat()], [(NOW - DAY).isoformat()]),
    ],
)
def test_operator(op: str, wanted: Any, yes: list[Any], no: list[Any]) -> None:
    assert [ask(op, found, wanted) for found in yes] == [True] * len(yes)
    assert [ask(op, found, wanted) for found in no] == [False] * len(no)


def test_groups_nest_and_say_what_decided() -> None:
    plan = {"field": "contact.plan", "value": "pro"}
    made = compile_condition(
        {
            "all": [
                {"any": [plan, {"field": "contact.age", "op": "gt", "value": 5}]},
                {"none": [{"email": "bounced"}]},
            ]
        }
    )
    assert made.needs.contact and made.needs.events == {"email.bounced"}
    answer, trail = made.explain(context(contact={"plan": "free", "age": 7}))
    assert answer and [(each.get("field"), each["found"], each["answer"]) for each in trail] == [
        ("contact.plan", "free", False),
        ("contact.age", 7, True),
        (None, 0, False),
    ]


def test_events_count_by_data_age_and_run() -> None:
    happenings = [
        Happening("order.paid", NOW - 5 * DAY, {"sum": 3, "tags": ["a", "b"]}),
        Happening("order.paid", NOW, {"sum": 9}),
        Happening("email.opened", NOW, {"run_id": RUN, "node": "m1"}),
        Happening("email.opened", NOW, {"run_id": "another", "node": "m1"}),
    ]

    def holds(spec: dict[str, Any]) -> bool:
        return compile_condition(spec).test(context(happenings=happenings))

    assert holds({"event": "order.paid", "at_least": 2}) and not holds({"event": "order.paid", "at_least": 3})
    assert not holds({"event": "order.paid", "at_least": 2, "within_days": 1})
    assert holds({"event": "order.paid", "match": {"tags": ["b"]}}) and holds({"event": "a.b", "op": "never"})
    assert holds({"email": "opened", "node": "m1"}) and not holds({"email": "opened", "at_least": 2})
    assert holds({"email": "opened", "at_least": 2, "of": "contact"})


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        (3, ""),
        ({"all": 3}, "all"),
        ({"all": [{"any": [{"field": "x"}]}]}, "all.0.any.0.field"),
        ({"field": "contact.x", "op": "like", "value": 1}, "op"),
        ({"field": "contact.x", "op": "gt", "value": "1"}, "value"),
        ({"field": "contact.x", "op": "exists", "value": 1}, "value"),
        ({"field": "contact.x", "op": "before", "value": "soon"}, "value"),
        ({"field": "contact.x", "value": 1, "hue": 2}, "hue"),
        ({"email": "eaten"}, "email"),
        ({"event": "a", "at_least": 0}, "at_least"),
        ({"field": "contact.x", "event": "a"}, ""),
    ],
)
def test_bad_conditions_say_where(spec: Any, place: str) -> None:
    with pytest.raises(BadCondition) as caught:
        compile_condition(spec)
    assert caught.value.place == place


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["2026-03-01", "9999-12-31T23:59:59-14:00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(FIELD_OPERATORS)), VALUES, VALUES)
def test_no_value_raises(op: str, found: Any, wanted: Any) -> None:
    try:
        made = compile_condition({"field": "contact.x", "op": op, "value": wanted})
    except BadCondition:
        return
    assert made.test(context(contact={"x": found})) in (True, False)
