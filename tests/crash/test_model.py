"""The engine beside a model of it: what people and accidents do in any order, and what must come of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.exc import DBAPIError

from autoloop.base.runtime import Runtime
from autoloop.businesses.services import Contacts
from autoloop.engine.models import Workflow, WorkflowRun
from autoloop.engine.services import versions
from autoloop.engine.services.runs import Runs
from tests.crash.outside import PostOffice, Server
from tests.crash.reference import DAY, Model, Walk
from tests.crash.story import Story, tell
from tests.factories import make_tenant
from tests.unit.engine.graphs import graph

PEOPLE = st.integers(0, 2)
JOURNAL = """select run_id, node || ':' || port from run_steps
where workspace_id = :w and outcome = 'next' order by run_id, seq"""


@contextmanager
def crashing(nth: int, after: bool) -> Iterator[None]:
    """The connection breaks at a commit: before it, or after it and before its answer."""
    usual, left = psycopg.Connection.commit, [nth]

    def commit(connection: Any) -> None:
        left[0] -= 1
        if left[0] != 0:
            usual(connection)
            return
        if after:
            usual(connection)
        connection.close()
        raise psycopg.OperationalError("crashed")

    psycopg.Connection.commit = commit  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        psycopg.Connection.commit = usual  # type: ignore[method-assign]


class Engine(RuleBasedStateMachine):
    """Three people, one workflow in several versions. Nothing is worked off but by `turn` and `crash`."""

    runtime: Runtime
    post: PostOffice
    server: Server

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.story = Story(self.runtime, make_tenant(self.runtime), self.post, self.server)
        self.workflow = self.story.publish(self.drawn())
        self.people = [self.story.contact() for _ in range(3)]
        self.addresses = list(self.story.people)
        self.runs: list[tuple[Walk, UUID]] = []
        self.rested = True

    def drawn(self) -> dict[str, Any]:
        mail = {"template_id": self.story.template}
        wait = {"event": "answered", "timeout": {"amount": self.model.version}}
        steps = (
            ("mail", "send_email", mail),
            ("answer", "wait_for_event", wait),
            ("more", "send_email", mail),
        )
        edges = "mail:sent>answer mail:failed>answer mail:skipped>answer answer:timeout>more"
        return graph(*steps, edges=edges, reentry="always", exit_rules=[{"event": "bounced"}])

    def here(self, person: int) -> bool:
        return person not in self.model.gone

    def held(self, person: int, status: str) -> list[tuple[Walk, UUID]]:
        return [(walk, run) for walk, run in self.runs if walk.person == person and walk.status == status]

    def work(self, *kinds: str) -> None:
        found = self.runtime.registrations.due_kinds
        while sum(found[kind].work(self.runtime) for kind in kinds):
            pass

    @rule(person=PEOPLE)
    def start(self, person: int) -> None:
        if not self.here(person):
            return
        self.story.admit(self.workflow, [self.people[person]])
        run = self.story.sql("select id from workflow_runs where workspace_id = :w order by id desc limit 1")[
            0
        ][0]
        self.model.start(person)
        self.runs.append((self.model.walks[-1], run))
        self.rested = False

    @precondition(lambda self: self.rested)
    @rule(person=PEOPLE, twice=st.booleans())
    def answer(self, person: int, twice: bool) -> None:
        if self.here(person):
            tell(self.story, self.people[person], "answered", twice=twice)
            self.work("route")
            self.model.answer(person)
            self.rested = False

    @rule(person=PEOPLE)
    def bounce(self, person: int) -> None:
        if self.here(person):
            tell(self.story, self.people[person], "bounced")
            self.work("route")
            self.model.bounce(person)
            self.rested = False

    @rule(person=PEOPLE)
    def suppress(self, person: int) -> None:
        self.story.silence(self.addresses[person])
        self.model.silent.add(person)

    @rule(person=PEOPLE)
    def erase(self, person: int) -> None:
        if self.here(person):
            with self.runtime.unit("web", self.story.tenant.id) as services:
                contacts = services(Contacts)
                contact = contacts.find(self.people[person])
                assert contact is not None
                contacts.delete(contact)
            self.model.erase(person)
            self.runs = [(walk, run) for walk, run in self.runs if walk.person != person]

    @rule(person=PEOPLE, verb=st.sampled_from(["pause", "resume", "cancel"]))
    def control(self, person: int, verb: str) -> None:
        held = self.held(person, "paused" if verb == "resume" else "active")
        with self.runtime.unit("web", self.story.tenant.id) as services:
            getattr(services(Runs), verb)([run for _, run in held])
        for walk, _ in held:
            getattr(self.model, verb)(walk)
        self.rested = False

    @precondition(lambda self: self.rested)
    @rule(hours=st.sampled_from([1, DAY, 3 * DAY]))
    def time(self, hours: int) -> None:
        """The past moves away."""
        self.model.hour += hours
        self.rested = False
        with self.runtime.unit("worker") as services:
            found = services.session.query(WorkflowRun).where(
                WorkflowRun.workspace_id == self.story.tenant.id
            )
            for run in found.where(WorkflowRun.ended_at.is_(None)):
                run.positions = [earlier(position, hours) for position in run.positions]
                if run.due_at is not None:
                    run.due_at -= timedelta(hours=hours)

    @rule()
    def edit(self) -> None:
        self.model.version += 1
        with self.runtime.unit("web", self.story.tenant.id) as services:
            row = services.session.get(Workflow, (self.story.tenant.id, self.workflow))
            assert row is not None
            versions.add(services, row, self.drawn())

    @rule(kind=st.sampled_from(["advance", "mail", "route"]), nth=st.integers(1, 4), after=st.booleans())
    def crash(self, kind: str, nth: int, after: bool) -> None:
        with crashing(nth, after), suppress(DBAPIError, psycopg.Error):
            self.work(kind)
        self.turn()

    @rule()
    def nudge(self) -> None:
        """Nobody asked for it, and nothing is due."""
        if self.rested:
            self.work("route", "advance", "mail")

    @rule()
    def turn(self) -> None:
        for _ in range(2):
            self.story.let_time_pass()
            self.work("route", "advance", "mail", "mail_lapsed", "mail_unknown")
        self.model.turn()
        self.rested = True

    @invariant()
    def alike(self) -> None:
        if not self.rested:
            return
        steps: dict[UUID, list[str]] = {run: [] for _, run in self.runs}
        for run, step in self.story.sql(JOURNAL):
            steps[run].append(step)
        states = dict(self.story.sql("select id, status from workflow_runs where workspace_id = :w"))
        for walk, run in self.runs:
            assert steps[run] == walk.journal
            assert states[run] == "waiting" if walk.goes else states[run] == walk.status
        assert len(states) == len(self.runs)

    def teardown(self) -> None:
        self.turn()
        self.alike()
        assert self.story.broken() == []
        gone = {self.addresses[person] for person in self.model.gone}
        mine = [address for _, address in self.story.taken if address not in gone]
        sent = [self.addresses[person] for person, _ in self.model.mails if self.here(person)]
        assert sorted(mine) == sorted(sent)


def earlier(position: dict[str, Any], hours: int) -> dict[str, Any]:
    wait = position.get("wait", {})
    if "until" not in wait:
        return position
    until = datetime.fromisoformat(wait["until"]) - timedelta(hours=hours)
    return {**position, "wait": {**wait, "until": until.isoformat()}}


@pytest.mark.timeout(300)
def test_the_engine_does_what_the_model_says(
    healthy: Runtime, post: PostOffice, server: Server, pytestconfig: pytest.Config
) -> None:
    given = {"runtime": healthy, "post": post, "server": server}
    machine = type("Engine", (Engine,), given)
    thorough = pytestconfig.getoption("--thorough", False)
    examples = 400 if thorough else 25
    phases = (Phase.explicit, Phase.generate, *((Phase.shrink,) if thorough else ()))
    usual = settings(
        max_examples=examples, stateful_step_count=15, deadline=None, print_blob=True, phases=phases
    )
    run_state_machine_as_test(machine, settings=settings(usual, suppress_health_check=list(HealthCheck)))
