"""A worker is hit at each of its commits, one after the other; another one goes on, and nothing is lost or doubled."""

from __future__ import annotations

import random
import signal

import pytest

from autoloop.settings import Settings
from tests.crash.faults import HOWS, Fault
from tests.crash.story import Story
from tests.crash.worker import start_worker

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
    few = [1, chance.randint(2, 4), chance.randint(5, 9)] if how in KILLING else [1, chance.randint(2, 5)]
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
