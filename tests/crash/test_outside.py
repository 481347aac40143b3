"""What lies outside fails in every way: mail servers, machines that stop for a while, clocks, deadly contacts."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import psutil
import pytest

from autoloop.embedded.smtp_sink import SmtpSession
from autoloop.settings import Settings
from tests.crash.faults import Fault
from tests.crash.story import Story, tell
from tests.crash.test_planted import begin, one_mail
from tests.crash.worker import Process, start_worker
from tests.functional.mail_world import until
from tests.unit.engine.graphs import graph

pytestmark = pytest.mark.timeout(0)

VERBS = ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY", ".")
REPAIR = """update provider_accounts set updated_at = clock_timestamp(),
  config = jsonb_set(config, '{port}', to_jsonb(cast(:port as int))) where workspace_id = :w"""


def at_rest(story: Story, work: Callable[[], None] | None = None) -> None:
    story.sink.behave()
    assert story.to_rest(work), story.why
    assert story.broken() == []


def is_stopped(process: Process) -> bool:
    return bool(psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)


def fail_at(verb: str, answer: str, reached: set[str], said: str, _: SmtpSession) -> str | None:
    if said != verb:
        return None
    reached.add(verb)
    return answer


@pytest.mark.parametrize("answer", ["close", "421 4.3.2 going down"])
def test_the_server_fails_at_each_verb(story: Story, hit: Settings, answer: str) -> None:
    reached: set[str] = set()
    for verb in VERBS if answer == "close" else VERBS[:-2]:
        begin(story, one_mail(story), people=3)
        story.sink.usual = partial(fail_at, verb, answer, reached)
        start_worker(hit, f"at{verb}").join(60)
        at_rest(story)
    assert len(reached) == (7 if answer == "close" else 5)
    assert len(story.taken) == 3 * len(reached)


@pytest.mark.parametrize("end", ["hangs", "hangs up"])
def test_it_takes_the_mail_and_never_says_so(story: Story, hit: Settings, end: str) -> None:
    """Unknown, not lost, not retried: sent again only because the step says so, as another mail."""
    begin(story, one_mail(story))

    def take(verb: str, session: SmtpSession) -> str | None:
        if verb == ".":
            session._keep()
            return "hang" if end == "hangs" else "close"
        return None

    story.sink.usual = take
    worker = start_worker(hit, "first")
    until(lambda: bool(story.taken))
    if end == "hangs":
        worker.kill()
    worker.join(60)
    at_rest(story)
    states = [
        row[0] for row in story.sql("select status from email_logs where workspace_id = :w order by id")
    ]
    assert states == ["resent", "accepted"] and len(story.taken) == 2


@pytest.mark.parametrize("what", ["refused", "black hole"])
def test_nobody_is_there(story: Story, hit: Settings, what: str) -> None:
    begin(story, one_mail(story), people=2)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        if what == "black hole":
            nobody.listen()
        story.sql(REPAIR, port=nobody.getsockname()[1])
        worker = start_worker(hit, "first")
        if what == "black hole":
            nobody.settimeout(60)
            silent, _ = nobody.accept()  # kept: a connection that nobody holds is closed, and no hole
            with silent:
                assert story.sql("select 1 from email_logs where workspace_id = :w and lease_until > now()")
                worker.kill()
                worker.join(60)
        worker.join(60)
        assert worker.exitcode == (-signal.SIGKILL if what == "black hole" else 0)
    states = {row[0] for row in story.sql("select status from email_logs where workspace_id = :w")}
    assert states == {"intent"} and story.broken(at_rest=False) == []
    story.sql(REPAIR, port=story.sink.port)
    at_rest(story)
    assert len(story.taken) == 2


def test_a_worker_stops_in_a_call_and_wakes_up_too_late(story: Story, hit: Settings) -> None:
    """Another one has made the call meanwhile, with the same key; what the first comes back with is not written."""
    asleep: list[Process] = []

    def sleep() -> None:
        if asleep:
            os.kill(asleep.pop().pid or 0, signal.SIGSTOP)

    story.server.meanwhile = sleep
    story.enter(["event"])
    first = start_worker(hit, "first")
    asleep.append(first)
    until(lambda: is_stopped(first))
    story.let_time_pass()
    second = start_worker(hit, "second")
    second.join(60)
    os.kill(first.pid or 0, signal.SIGCONT)
    first.join(60)
    story.server.meanwhile = lambda: None
    at_rest(story)
    assert [len(story.server.calls[key]) for key in story.calls] == [2]


@pytest.mark.parametrize("how", ["ahead", "behind"])
def test_a_clock_is_off_by_an_hour(story: Story, hit: Settings, how: str) -> None:
    """Workers trust the database's: nothing comes early, nothing comes late."""
    half = graph(("wait", "wait", {"amount": 30, "unit": "minutes"}))
    begin(story, half)
    story.enter()
    worked = story.to_rest(lambda: start_worker(hit, how, Fault("", 0, how)).join(60), rounds=5)
    assert not worked  # who waits for half an hour is waiting still
    left = story.sql("select id from workflow_runs where workspace_id = :w and ended_at is null")
    assert len(left) == 1 and story.broken() == [] and len(story.taken) == 3
    waits = "select due_at - started_at between interval '29 min' and interval '31 min' from workflow_runs where id = :id"
    assert story.sql(waits, id=left[0][0]) == [(True,)]


@pytest.mark.parametrize("way", ["let in by somebody", "let in by an event"])
def test_a_contact_that_kills_its_worker_each_time(story: Story, hit: Settings, way: str) -> None:
    """By an event it kills a router first, which has it walk at once; and no second one."""
    drawn = graph(("d", "deadly", {}), ("tag", "add_tag", {"tag": "x"}), edges="d>tag")
    workflow = story.publish(drawn, {"type": "event", "config": {"event": "came"}})
    people = [*(story.contact() for _ in range(5)), story.contact(title="deadly")]
    by_event = way == "let in by an event"
    if by_event:
        for each in people:
            tell(story, each, "came")
    else:
        story.admit(workflow, people)
    deaths: list[Any] = []

    def work() -> None:
        worker = start_worker(hit, f"worker{len(deaths)}")
        worker.join(60)
        deaths.append(worker.exitcode)

    assert story.to_rest(work), story.why
    assert deaths.count(9) == 5 + by_event
    ends = story.sql(
        "select status, count(*) from workflow_runs where workspace_id = :w group by 1 order by 1"
    )
    assert ends == [("completed", 5), ("quarantined", 1)] and story.broken() == []
