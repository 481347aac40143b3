"""Delays grow with failures and end; attempts for one address go one after the other."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from autoloop.accounts.services import Lockout
from autoloop.accounts.services.lockout import FORGOTTEN, LONGEST, delay
from autoloop.base.clock import FixedClock


@pytest.fixture
def clock(runtime, monkeypatch):
    clock = FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    monkeypatch.setattr(runtime, "clock", clock)
    return clock


def test_the_first_failures_are_free_then_delays_double():
    assert [delay(n).total_seconds() for n in range(1, 8)] == [0, 0, 1, 2, 4, 8, 16]
    assert delay(1000) == LONGEST


def test_delays_hold_end_and_are_forgotten(runtime, clock):
    def fail():
        with runtime.unit("web") as services:
            return services(Lockout).failed("Ada@Example.org")

    def wait():
        with runtime.unit("web") as services:
            return services(Lockout).wait("ada@example.org ")

    assert [fail(), fail(), fail(), fail()] == [0, 0, 1, 2]
    assert wait() == 2
    clock.advance(timedelta(seconds=1))
    assert wait() == 1
    clock.advance(timedelta(seconds=1))
    assert wait() == 0
    for _each in range(20):
        assert fail() <= 900
    clock.advance(LONGEST)
    assert wait() == 0
    clock.advance(FORGOTTEN)
    assert fail() == 0
    with runtime.unit("web") as services:
        services(Lockout).succeeded("ada@example.org")
    assert [fail(), fail(), fail()] == [0, 0, 1]


def test_twenty_guesses_at_once_get_three_looks(runtime, clock):
    looked = []

    def guess():
        with runtime.unit("web") as services:
            lockout = services(Lockout)
            if lockout.wait("many@example.org") == 0:
                looked.append(lockout.failed("many@example.org"))

    threads = [threading.Thread(target=guess) for _each in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looked) == 3
