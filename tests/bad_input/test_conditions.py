"""Whatever is sent as a condition is answered: counted, or refused with its place."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoloop.plugins.conditions import FIELD_OPERATORS

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(
        ["", "contact.", "contact.fields.a.b", "business.tags", "\0", "2026-02-30", "x" * 2000, 10**40]
    ),
    st.lists(st.one_of(st.text(max_size=5), st.integers(), st.none()), max_size=4),
    st.dictionaries(st.sampled_from(["a", "field", "all"]), st.integers(), max_size=2),
)
KEYS = st.sampled_from(
    [
        "all",
        "any",
        "none",
        "field",
        "op",
        "value",
        "event",
        "email",
        "match",
        "within_days",
        "at_least",
        "node",
        "of",
        "x",
    ]
)
LEAVES = st.one_of(
    st.fixed_dictionaries(
        {
            "field": st.one_of(
                st.sampled_from(["contact.title", "contact.fields.x", "business.created_at"]), ODD
            ),
            "op": st.sampled_from([*FIELD_OPERATORS, "like"]),
        },
        optional={"value": ODD},
    ),
    st.fixed_dictionaries(
        {"event": st.one_of(st.just("a.b"), ODD)},
        optional={
            "op": st.sampled_from(["happened", "never", "is"]),
            "match": ODD,
            "within_days": ODD,
            "at_least": ODD,
        },
    ),
    st.dictionaries(KEYS, ODD, max_size=4),
)
ANY = st.recursive(
    LEAVES,
    lambda inner: st.dictionaries(
        st.sampled_from(["all", "any", "none"]), st.lists(inner, max_size=3), min_size=1, max_size=2
    ),
    max_leaves=6,
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
@given(ANY)
def test_any_condition_is_counted_or_refused(api: Any, spec: Any) -> None:
    answer = api.app.post_json(
        api.url("segments/count"),
        {"condition": spec},
        headers={"Authorization": f"Bearer {api.key}"},
        expect_errors=True,
    )
    assert answer.status_int in (200, 400), answer.text
    if answer.status_int == 400:
        assert answer.json["details"] or answer.json["error"]


def test_a_condition_that_is_very_deep_is_refused(api: Any) -> None:
    for deep, places in ((100, ["condition" + 10 * ".all.0"]), (5_000, [])):
        spec = b'{"all": [' * deep + b'{"field": "contact.title"}' + b"]}" * deep
        body = b'{"condition": ' + spec + b"}"
        assert list(api.post("segments/count", body, status=400).json["details"]) == places
