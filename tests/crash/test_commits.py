"""A worker is hit at each of its commits, one after the other; another one goes on, and nothing is lost or doubled."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from functools import partial
from itertools import takewhile

import pytest

from autoloop.base import standstill
from autoloop.settings import Settings
from tests.crash.faults import HOWS, Fault
from tests.crash.story import Story
from tests.crash.test_outside import at_rest, is_stopped
from tests.crash.worker import UNHIT, Process, start_worker
from tests.functional.mail_world import until

pytestmark = pytest.mark.timeout(0)

KINDS = ("route", "schedule", "enrol", "advance", "perform", "mail")
KILLING = ("before", "after")
MOST = 40


def test_a_story_without_faults(story: Story) -> None:
    story.enter()
    assert story.to_rest(), story.why
    assert story.broken() == [] and len(story.taken) == 3


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("kind", KINDS)
def test_hit_at_its_commits(
    story: Story, hit: Settings, kind: str, how: str, chance: random.Random, pytestconfig: pytest.Config
) -> None:
    def is_hit(nth: int) -> bool:
        story.enter()
        worker = start_worker(hit, f"{kind}{nth}{how}", Fault(kind, nth, how))
        worker.join(60)
        came = worker.exitcode != UNHIT
        assert not came or worker.exitcode == (-signal.SIGKILL if how in KILLING else 0)
        assert story.to_rest(), story.why
        assert story.broken() == [], f"{kind}, commit {nth}, {how}"
        return came

    hit_once(is_hit, chance.randint(2, 9), thorough=pytestconfig.getoption("--thorough", False))


def hit_once(is_hit: Callable[[int], bool], some: int, *, thorough: bool) -> None:
    """At some commit, or at the first where work is done in fewer; thoroughly at one after the other."""
    if not thorough:
        assert is_hit(some) or is_hit(1)
        return
    hits = list(takewhile(is_hit, range(1, MOST)))
    assert hits


def stands_or_is_over(worker: Process) -> bool:
    return not worker.is_alive() or is_stopped(worker)


@pytest.mark.parametrize("kind", KINDS)
def test_stopped_at_a_commit(
    story: Story,
    hit: Settings,
    kind: str,
    chance: random.Random,
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another one takes over what it holds while it stands still; what it does when it goes on again is void."""
    monkeypatch.setattr(standstill, "SECONDS", 1.0)

    def look_and_work() -> None:
        with story.runtime.worker_engine.begin() as connection:
            standstill.end_standing(connection)
        story.work()

    def is_hit(nth: int) -> bool:
        story.enter()
        worker = start_worker(hit, f"{kind}{nth}stop", Fault(kind, nth, "stop"))
        until(partial(stands_or_is_over, worker), 60)
        at_rest(story, look_and_work)
        if worker.is_alive():
            os.kill(worker.pid or 0, signal.SIGCONT)
        worker.join(60)
        assert worker.exitcode in (0, UNHIT)
        at_rest(story)
        return worker.exitcode == 0

    hit_once(is_hit, chance.randint(2, 4), thorough=pytestconfig.getoption("--thorough", False))
