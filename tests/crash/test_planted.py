"""The suite proves itself: each of eight planted bugs turns it red, and without the bug the same is green."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import psutil
import pytest

from autoloop.settings import Settings
from tests.crash.faults import Fault
from tests.crash.planted import PLANTED
from tests.crash.story import SOON, Story
from tests.crash.worker import UNHIT, Process, start_worker
from tests.functional.mail_world import until
from tests.unit.engine.graphs import graph

pytestmark = pytest.mark.timeout(0)

ROUNDS = 4
PASSED = "select 1 from run_steps where workspace_id = :w and node = 'wait'"
Worker = Callable[..., Process]


def begin(story: Story, drawn: dict[str, Any], people: int = 1) -> None:
    workflow = story.publish(drawn)
    story.admit(workflow, [story.contact() for _ in range(people)])


def one_mail(story: Story, kind: str = "transactional") -> dict[str, Any]:
    config = {"template_id": story.template, "kind": kind, "on_unknown": "resend"}
    return graph(("mail", "send_email", config), ("tag", "add_tag", {"tag": "x"}), edges="mail:sent>tag")


def stopped_at_the_mark(story: Story, worker: Worker) -> None:
    """Two workers sleep with the same mail in hand; the first wakes up after the second has taken it over."""
    begin(story, one_mail(story))
    asleep: list[Process] = []

    def sleep(verb: str, _: Any) -> None:
        if verb == "DATA" and asleep:
            os.kill(asleep[-1].pid or 0, signal.SIGSTOP)

    story.sink.usual = sleep
    for name in ("first", "second"):
        asleep.append(worker(name))
        until(lambda: psutil.Process(asleep[-1].pid).status() == psutil.STATUS_STOPPED)
        story.let_time_pass()
    story.sink.behave()
    for each in asleep:
        os.kill(each.pid or 0, signal.SIGCONT)
        each.join(30)


def killed_once_taken(story: Story, worker: Worker) -> None:
    """The mail is written down at the sink; its worker does not live to hear that."""
    begin(story, one_mail(story))
    held: list[Process] = []

    def kill() -> None:
        story.sink.behave()
        held[0].kill()

    story.sink.taken = kill
    held.append(worker("first"))
    held[0].join(30)
    assert held[0].exitcode == -signal.SIGKILL


def waiting_for_a_moment(story: Story, worker: Worker) -> None:
    begin(story, graph(("wait", "wait", SOON), ("tag", "add_tag", {"tag": "x"}), edges="wait>tag"))
    worker("first").join(30)


def silenced_while_staged(story: Story, worker: Worker) -> None:
    """They unsubscribe while their mail stands at the server, before its first octet."""
    begin(story, one_mail(story, "marketing"))

    def silence(verb: str, session: Any) -> None:
        if verb == "DATA":
            story.silence(session.recipient)

    story.sink.usual = silence
    worker("first").join(30)
    story.sink.behave()


def deferred_once(story: Story, worker: Worker) -> None:
    begin(story, one_mail(story))
    story.sink.usual = lambda verb, session: "451 4.3.0 later" if verb == "." else None
    worker("first").join(30)
    story.sink.behave()


def killed_after_the_reply(story: Story, worker: Worker) -> None:
    """Killed right after each commit of the delivery: the messages that should have followed never go."""
    for nth in range(2, 8):
        begin(story, one_mail(story))
        hit = worker(f"worker{nth}", fault=Fault("mail", nth, "after"))
        hit.join(30)
        if hit.exitcode == UNHIT:
            return


def told_while_advanced(story: Story, worker: Worker) -> None:
    """Mail's fate arrives between what a worker reads of a run and what it writes."""
    mail = one_mail(story)["nodes"][0]["config"]
    steps: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("fork", "fork", {}),
        ("mail", "send_email", mail),
        ("wait", "wait", SOON),
    )
    begin(story, graph(*steps, edges="fork:a>mail fork:b>wait"))
    while not story.sql(PASSED):
        worker("first", fault=Fault("advance", 0, "meanwhile")).join(30)


SCENES: dict[str, tuple[Callable[[Story, Worker], None], str]] = {
    "no fence": (stopped_at_the_mark, "under a fence that somebody else held"),
    "mark after send": (killed_once_taken, "the sink has each Message-ID once"),
    "retry on unknown": (killed_once_taken, "the sink has each Message-ID once"),
    "timer not swept": (waiting_for_a_moment, "nothing that is due is left"),
    "suppression checked early": (silenced_while_staged, "was begun once its address was suppressed"),
    "new Message-ID per retry": (deferred_once, "was offered as"),
    "ack-only state": (killed_after_the_reply, "a mail that is waited for can still come"),
    "lost wake": (told_while_advanced, "a mail that is waited for can still come"),
}
"""What is played for each bug, and what the checker must say then."""


def told(story: Story, settings: Settings, bug: str, planted: str | None) -> list[str]:
    """Play a bug's scene with and without it; all workers have it. What the checker says in the end."""
    worker = partial(start_worker, settings, planted=planted)
    SCENES[bug][0](story, worker)
    story.to_rest(lambda: worker("later").join(60), rounds=ROUNDS if planted else 1000)
    return story.broken()


def test_there_is_a_scene_for_each_bug() -> None:
    assert set(SCENES) == set(PLANTED) and len(PLANTED) == 8


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(story: Story, hit: Settings, bug: str) -> None:
    found = told(story, replace(hit, worker_batch=1), bug, bug)
    assert any(SCENES[bug][1] in sentence for sentence in found), f"nobody noticed “{bug}”: {found}"


@pytest.mark.parametrize("bug", PLANTED)
def test_the_same_without_it(story: Story, hit: Settings, bug: str) -> None:
    assert told(story, replace(hit, worker_batch=1), bug, None) == []
