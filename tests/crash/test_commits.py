"""A worker is hit at each of its commits, one after the other; another one goes on, and nothing is lost or doubled."""

from __future__ import annotations

import os
import random
import signal
from functools import partial

import pytest

from autoloop.settings import Settings
from tests.crash.faults import HOWS, Fault
from tests.crash.story import Story
from tests.crash.test_outside import at_rest, is_stopped
from tests.crash.worker import Process, start_worker
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
    few = [1, chance.randint(2, 9)] if how in KILLING else [chance.randint(1, 5)]
    for nth in range(1, MOST) if pytestconfig.getoption("--thorough", False) else few:
        story.enter()
        worker = start_worker(hit, f"{kind}{nth}{how}", Fault(kind, nth, how))
        worker.join(60)
        over = worker.exitcode == 0 and how in KILLING  # it did not come so far
        assert over or worker.exitcode == (-signal.SIGKILL if how in KILLING else 0)
        assert not over or nth > 1
        assert story.to_rest(), story.why
        assert story.broken() == [], f"{kind}, commit {nth}, {how}"
        if over:
            break


def stands_or_is_over(worker: Process) -> bool:
    return not worker.is_alive() or is_stopped(worker)


@pytest.mark.parametrize("kind", KINDS)
def test_stopped_at_a_commit(
    story: Story, hit: Settings, kind: str, chance: random.Random, pytestconfig: pytest.Config
) -> None:
    """Another one takes over what it holds while it stands still; what it does when it goes on again is void."""
    for nth in range(1, 8) if pytestconfig.getoption("--thorough", False) else [chance.randint(1, 4)]:
        story.enter()
        worker = start_worker(hit, f"{kind}{nth}stop", Fault(kind, nth, "stop"))
        until(partial(stands_or_is_over, worker), 60)
        at_rest(story)
        if worker.is_alive():
            os.kill(worker.pid or 0, signal.SIGCONT)
        worker.join(60)
        assert worker.exitcode == 0
        at_rest(story)
