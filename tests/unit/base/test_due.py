from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoloop.base.due import backoff, share_of


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_back_off_is_full_jitter_below_its_cap(attempt: int, chance: float) -> None:
    base, cap = timedelta(seconds=2), timedelta(hours=6)
    wait = backoff(attempt, base=base, cap=cap, chance=lambda: chance)
    assert timedelta(0) <= wait <= cap
    highest = backoff(attempt, base=base, cap=cap, chance=lambda: 1.0)
    assert highest == min(cap, base * 2 ** min(attempt - 1, 30))


@pytest.mark.parametrize(
    ("batch", "tenants", "share"),
    [(100, 1, 100), (100, 3, 50), (100, 7, 20), (100, 100, 1), (1000, 9, 200), (1, 5, 1)],
)
def test_shares_are_round_so_that_plans_repeat(batch: int, tenants: int, share: int) -> None:
    assert share_of(batch, tenants) == share


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_shares_of_all_fill_the_batch(batch: int, tenants: int) -> None:
    assert share_of(batch, tenants) * tenants >= batch
