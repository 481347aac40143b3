"""A contact and the workflows: in which it is, was, or is not, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from autoloop.base.i18n import _
from autoloop.base.ids import id_floor
from autoloop.base.services import Service
from autoloop.engine.chains import MOST
from autoloop.engine.explain.runs import RunStory
from autoloop.engine.explain.telling import moment
from autoloop.engine.models import EventRow, Workflow, WorkflowRun, WorkflowTrigger, WorkflowVersion
from autoloop.engine.models.states import ENDED
from autoloop.plugins.forms import read_config
from autoloop.plugins.triggers import TriggerEvent

__all__ = ["ContactStory"]

MOST_WORKFLOWS = 100
MOST_RUNS = 10
MOST_EVENTS = 50
REMEMBERED = timedelta(days=90)
NOT_LIVE = {
    "draft": _("it is a draft, and nobody enters before it is published"),
    "paused": _("it is paused"),
    "archived": _("it is put away"),
}


class ContactStory(Service):
    """For each workflow of the workspace, or for one."""

    def of(self, contact_id: UUID, workflow_id: UUID | None = None) -> dict[str, Any]:
        """{"contact_id", "workflows": [{"workflow_id", "name", "state": in | was | never, "sentence",
        "because", "triggers", "runs"}], "mail": [...]}: those that it is or was in first, then the newest, a
        hundred in all. Test runs count nowhere, here neither. Changes nothing."""
        explain = self.services.registrations.explainers.get("contact")
        runs = self._runs(contact_id, workflow_id)
        found = self._workflows(workflow_id, runs)
        triggers = self._triggers([row.id for row in found])
        events: dict[str, Sequence[EventRow]] = {}
        return {
            "contact_id": str(contact_id),
            "workflows": [
                self._workflow(row, runs.get(row.id, []), triggers.get(row.id, []), contact_id, events)
                for row in found
            ],
            "mail": explain(self.services, contact_id=contact_id) if explain else [],
        }

    def _workflows(self, workflow_id: UUID | None, been: Collection[UUID]) -> Sequence[Workflow]:
        query = select(Workflow).where(Workflow.workspace_id == self.workspace_id)
        if workflow_id is not None:
            query = query.where(Workflow.id == workflow_id)
        order = (Workflow.id.in_(been).desc(), Workflow.id.desc())
        return self.session.scalars(query.order_by(*order).limit(MOST_WORKFLOWS)).all()

    def _runs(self, contact_id: UUID, workflow_id: UUID | None) -> dict[UUID, list[WorkflowRun]]:
        """Of each workflow its newest runs; one that goes on comes first, however old it is."""
        going = WorkflowRun.ended_at.is_(None)
        newest = func.row_number().over(
            partition_by=WorkflowRun.workflow_id, order_by=(going.desc(), WorkflowRun.id.desc())
        )
        ranked = select(WorkflowRun, newest.label("place")).where(
            WorkflowRun.workspace_id == self.workspace_id,
            WorkflowRun.contact_id == contact_id,
            ~WorkflowRun.is_test,
        )
        if workflow_id is not None:
            ranked = ranked.where(WorkflowRun.workflow_id == workflow_id)
        part = ranked.subquery()
        run = aliased(WorkflowRun, part)
        found: dict[UUID, list[WorkflowRun]] = {}
        for row in self.session.scalars(select(run).where(part.c.place <= MOST_RUNS).order_by(part.c.place)):
            found.setdefault(row.workflow_id, []).append(row)
        return found

    def _workflow(
        self,
        workflow: Workflow,
        runs: Sequence[WorkflowRun],
        triggers: Sequence[WorkflowTrigger],
        contact_id: UUID,
        events: dict[str, Sequence[EventRow]],
    ) -> dict[str, Any]:
        told: dict[str, Any] = {
            "workflow_id": str(workflow.id),
            "name": workflow.name,
            "status": workflow.status,
            "runs": [_brief(run) for run in runs],
            "triggers": [],
        }
        current = next((run for run in runs if run.status not in ENDED), None)
        if current is not None:
            return told | self._in_it(current)
        if workflow.status != "live":
            why = [NOT_LIVE.get(workflow.status, workflow.status)]
        else:
            told["triggers"] = [self._trigger(each, contact_id, events) for each in triggers]
            why = [each["sentence"] for each in told["triggers"]]
            if not why:
                why = [_("nothing starts it but people")]
        if runs:
            return told | self._was_in_it(runs[0], workflow, told["triggers"])
        return told | {
            "state": "never",
            "sentence": _("Was never in it: ${why}.", mapping={"why": _joined(why)}),
            "because": why,
        }

    def _in_it(self, run: WorkflowRun) -> dict[str, Any]:
        return {
            "state": "in",
            "run_id": str(run.id),
            "sentence": _("Is in it since ${at}.", mapping={"at": moment(run.started_at)}),
            "because": [each["sentence"] for each in self.services(RunStory).standing(run)],
        }

    def _was_in_it(
        self, run: WorkflowRun, workflow: Workflow, triggers: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        rule = self._reentry(workflow)
        again = {
            "once": _("each contact enters once"),
            "always": _("it may enter again each time"),
            "not_active": _("it may enter again, now that it is not in it"),
        }.get(str(rule))
        if again is None and isinstance(rule, Mapping):
            days = int(rule.get("after_days") or 0)
            on = {"at": moment(run.started_at + timedelta(days=days)), "days": days}
            again = _("it may enter again ${days} days after it began, from ${at} on", mapping=on)
        closed = NOT_LIVE.get(workflow.status)
        parts = {
            "from": moment(run.started_at),
            "until": moment(run.ended_at),
            "status": run.status,
        }
        since = run.started_at.isoformat()
        refused = [each["sentence"] for each in triggers if each.get("refused_at", "") > since]
        return {
            "state": "was",
            "run_id": str(run.id),
            "sentence": _("Was in it from ${from} to ${until}: ${status}.", mapping=parts),
            "because": [each for each in (run.reason, again, closed, *refused) if each],
            "reentry": rule,
        }

    def _reentry(self, workflow: Workflow) -> Any:
        version = (
            self.session.get(WorkflowVersion, (workflow.workspace_id, workflow.live_version_id))
            if workflow.live_version_id
            else None
        )
        settings = (version.graph.get("settings") or {}) if version is not None else {}
        return settings.get("reentry", "once")

    def _triggers(self, workflow_ids: Sequence[UUID]) -> dict[UUID, list[WorkflowTrigger]]:
        query = select(WorkflowTrigger).where(
            WorkflowTrigger.workspace_id == self.workspace_id,
            WorkflowTrigger.workflow_id.in_(workflow_ids),
            WorkflowTrigger.is_active,
        )
        found: dict[UUID, list[WorkflowTrigger]] = {}
        for row in self.session.scalars(query.order_by(WorkflowTrigger.id)):
            found.setdefault(row.workflow_id, []).append(row)
        return found

    def _trigger(
        self, row: WorkflowTrigger, contact_id: UUID, events: dict[str, Sequence[EventRow]]
    ) -> dict[str, Any]:
        """Why a trigger has not started a run for the contact, with what it was compared with."""
        told: dict[str, Any] = {"trigger_id": str(row.id), "type": row.type, "config": dict(row.config)}
        trigger = self.services.registrations.plugins.trigger(row.type)
        if trigger is None:
            said = _("the trigger ${name} is missing here", mapping={"name": row.type})
            return told | {"sentence": said, "event": row.event_name, "compared": []}
        if row.event_name is None:
            said = _("“${title}” does not go by what the contact does", mapping={"title": trigger.title})
            if row.type == "manual":
                said = _("nobody started it by hand for this contact")
            return told | {"sentence": said, "event": None, "compared": []}
        try:
            settings = read_config(trigger, row.config, row.config_version)
            wants = trigger.summary(settings)
            if row.event_name not in events:
                events[row.event_name] = self._events(row.event_name, contact_id)
            compared = [self._compare(trigger, settings, each) for each in events[row.event_name]]
        except Exception as error:  # a plugin may fail in any way
            parts = {"title": trigger.title, "error": f"{type(error).__name__}: {error}"[:200]}
            said = _("the trigger “${title}” fails: ${error}", mapping=parts)
            return told | {"sentence": said, "event": row.event_name, "compared": []}
        said = _verdict(row, wants, compared)
        refused = [each["at"] for each in compared if each["fits"] and each["chain"] > MOST]
        told |= {"refused_at": refused[0]} if refused else {}
        return told | {"sentence": said, "event": row.event_name, "wants": wants, "compared": compared}

    def _events(self, name: str, contact_id: UUID) -> Sequence[EventRow]:
        query = select(EventRow).where(
            EventRow.workspace_id == self.workspace_id,
            EventRow.contact_id == contact_id,
            EventRow.name == name,
            EventRow.id >= id_floor(self.clock.now() - REMEMBERED),
        )
        return self.session.scalars(query.order_by(EventRow.id.desc()).limit(MOST_EVENTS)).all()

    def _compare(self, trigger: Any, settings: Mapping[str, Any], event: EventRow) -> dict[str, Any]:
        fits = bool(trigger.accepts(TriggerEvent(event.name, event.data, event.occurred_at), settings))
        return {
            "event_id": str(event.id),
            "at": event.received_at.isoformat(),
            "data": dict(event.data),
            "fits": fits,
            "chain": event.chain,
            "pending": bool(event.pending),
        }


def _verdict(row: WorkflowTrigger, wants: str, compared: Sequence[Mapping[str, Any]]) -> Any:
    parts: dict[str, Any] = {"wants": wants, "event": row.event_name, "n": len(compared)}
    if not compared:
        return _("“${wants}”: no ${event} of this contact in 90 days", mapping=parts)
    fitting = [each for each in compared if each["fits"]]
    if not fitting:
        parts |= {"data": str(compared[0]["data"])[:200], "at": moment(compared[0]["at"])}
        return _(
            "“${wants}”: ${n} × ${event} came, and none fits; the last, of ${at}, had ${data}", mapping=parts
        )
    parts["at"] = moment(fitting[0]["at"])
    if fitting[0]["pending"]:
        return _("“${wants}”: ${event} of ${at} fits, and is about to be looked at", mapping=parts)
    if fitting[0]["at"] < row.created_at.isoformat():
        parts["since"] = moment(row.created_at)
        return _(
            "“${wants}”: ${event} of ${at} fits, but came before the trigger was there (${since})",
            mapping=parts,
        )
    if fitting[0]["chain"] > MOST:
        parts["chain"] = fitting[0]["chain"]
        return _(
            "“${wants}”: ${event} of ${at} fits, but was refused: workflows start each other round and round, and it "
            "came of the run number ${chain} in a row",
            mapping=parts,
        )
    return _("“${wants}”: ${event} of ${at} fits, but the workflow took nobody then", mapping=parts)


def _brief(run: WorkflowRun) -> dict[str, Any]:
    return {
        "run_id": str(run.id),
        "status": run.status,
        "reason": run.reason,
        "started_at": run.started_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
    }


def _joined(parts: Sequence[Any]) -> Any:
    joined = parts[0]
    for each in parts[1:10]:
        joined = _("${one}; ${other}", mapping={"one": joined, "other": each})
    return joined
