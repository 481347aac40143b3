"""A small world for engine tests: contacts, live workflows, and the worker's kinds called by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pyramid.config import Configurator
from sqlalchemy import text

from autoloop.base.clock import FixedClock
from autoloop.base.events import Event, emit
from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.businesses.models import Contact
from autoloop.engine.models import RunStep, Workflow, WorkflowRun, WorkflowTrigger
from autoloop.engine.requests import EmailRequest, NewStimulus
from autoloop.engine.services import stimuli, versions
from autoloop.engine.services.enrolment import Enrolment, enrol
from autoloop.settings import Settings

__all__ = ["World", "engine_only"]


def engine_only(settings: Settings) -> Runtime:
    """A runtime with the engine and what lies below it; nobody answers its mails."""
    config = Configurator()
    config.include("autoloop.base.registrations")
    registry = config.registry
    registry.runtime = Runtime(settings, registry.registrations)
    config.include("autoloop.plugins.registry")
    config.include("autoloop.engine")
    config.commit()
    return registry.runtime


@dataclass
class World:
    """One workspace. `mails` holds what runs asked for; `answer` tells them what became of it."""

    runtime: Runtime
    workspace_id: UUID
    mails: list[EmailRequest] = field(default_factory=list)
    ended: list[UUID] = field(default_factory=list)

    def __post_init__(self) -> None:
        handlers = self.runtime.registrations.effect_handlers
        handlers["send_email"] = lambda services, requests: self.mails.extend(requests)
        handlers["end_runs"] = lambda services, runs: self.ended.extend(run for _, run in runs)

    def contacts(self, count: int = 1, **values: Any) -> list[UUID]:
        ids = [new_id() for _ in range(count)]
        with self.runtime.unit("web", self.workspace_id) as services:
            for key in ids:
                email = f"{key.hex[-8:]}-{key.hex[:12]}@example.com"
                row = Contact(
                    workspace_id=self.workspace_id, id=key, email=email, email_normal=email, **values
                )
                services.session.add(row)
        return ids

    def workflow(self, graph: dict[str, Any], *triggers: tuple[str, dict[str, Any]]) -> UUID:
        """A live workflow; triggers as (type, settings)."""
        with self.runtime.unit("web", self.workspace_id) as services:
            workflow = Workflow(workspace_id=self.workspace_id, id=new_id(), name="Test")
            services.session.add(workflow)
            services.session.flush()
            versions.add(services, workflow, graph)
            workflow.status = "live"
            for kind, config in triggers:
                trigger = self.runtime.registrations.plugins.trigger(kind)
                name = trigger.event_name(config)
                row = WorkflowTrigger(
                    workspace_id=self.workspace_id,
                    workflow_id=workflow.id,
                    type=kind,
                    config=config,
                    event_name=name,
                )
                services.session.add(row)
        return workflow.id

    def enrol(self, workflow: UUID, contacts: Sequence[UUID], **options: Any) -> Enrolment:
        with self.runtime.unit("web", self.workspace_id) as services:
            return enrol(services, workflow, contacts, **options)

    def happen(self, name: str, contact: UUID, data: dict[str, Any] | None = None, **more: Any) -> None:
        with self.runtime.unit("web", self.workspace_id) as services:
            emit(services, [Event(self.workspace_id, name, contact, data or {}, **more)])

    def answer(self, port: str = "sent") -> None:
        """Tell every run what became of the mails it asked for."""
        asked, self.mails[:] = list(self.mails), []
        with self.runtime.unit("worker") as services:
            told = [
                NewStimulus(
                    mail.workspace_id,
                    mail.run_id,
                    "email",
                    {"port": port},
                    f"email:{mail.node}:{mail.visit}:{port}",
                    mail.node,
                    mail.visit,
                )
                for mail in asked
            ]
            stimuli.add(services, told)

    def settle(self) -> None:
        """Work all kinds until nothing is due."""
        kinds = [
            self.runtime.registrations.due_kinds[name] for name in ("bulk", "route", "advance", "perform")
        ]
        while sum(kind.work(self.runtime) for kind in kinds) or self.runtime.finish():
            pass

    def later(self, **delta: float) -> None:
        """Move time on, for this runtime."""
        if not isinstance(self.runtime.clock, FixedClock):
            self.runtime.clock = FixedClock(datetime.now(UTC))
        self.runtime.clock.advance(timedelta(**delta))
        self.settle()

    def run(self, run_id: UUID) -> WorkflowRun:
        with self.runtime.unit("worker") as services:
            found = services.session.get(WorkflowRun, (self.workspace_id, run_id))
            assert found is not None
            return found

    def path(self, run_id: UUID) -> list[str]:
        """The run's journal as "node:port" or "node:outcome"."""
        with self.runtime.unit("worker") as services:
            query = services.session.query(RunStep).where(RunStep.run_id == run_id).order_by(RunStep.seq)
            return [f"{step.node}:{step.port or step.outcome}" for step in query]

    def count(self, table: str, where: str = "true") -> int:
        with self.runtime.unit("worker") as services:
            sql = text(f"select count(*) from {table} where workspace_id = :workspace and {where}")
            return services.session.execute(sql, {"workspace": self.workspace_id}).scalar_one()
