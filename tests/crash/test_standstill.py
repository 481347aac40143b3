"""A worker that stands still in the middle of what it writes holds nobody up: its session is ended for it."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from autoloop.base import scheduler, standstill
from autoloop.settings import Settings
from tests.crash.faults import Fault
from tests.crash.story import Story
from tests.crash.test_outside import at_rest, is_stopped
from tests.crash.worker import start_worker
from tests.functional.mail_world import until

pytestmark = pytest.mark.timeout(120)

STANDING = """select state from pg_stat_activity where application_name = 'crash:piped' and xact_start is not null
  and wait_event = 'ClientRead'"""
HELD = "select count(*) from run_batches"


def test_no_pipeline_outlives_its_worker(
    story: Story, hit: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL takes its session for active and has no time limit for it; a scheduler looks for such."""
    story.enter()
    worker = start_worker(hit, "piped", Fault("advance, piped", 1, "stop"))
    until(lambda: is_stopped(worker))
    until(lambda: story.sql(STANDING) == [("active",)])
    assert story.sql(HELD) == [(1,)]
    monkeypatch.setattr(standstill, "SECONDS", 1.0)
    stop = threading.Event()
    watch = threading.Thread(target=scheduler.run, args=(story.runtime, stop))
    watch.start()
    try:
        until(lambda: not story.sql(STANDING))
        assert story.to_rest(), story.why
        assert len(story.taken) == 3
    finally:
        stop.set()
        watch.join()
    os.kill(worker.pid or 0, signal.SIGCONT)
    worker.join(60)
    assert worker.exitcode == 0
    at_rest(story)
