"""Schedules: the clock of triggers that tick. Each tick becomes one enrolment, whoever is late or killed."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from autoloop.base.due import DueKind
from autoloop.base.ids import new_id
from autoloop.base.services import Services
from autoloop.engine.models import EnrolmentRow, Schedule, WorkflowTrigger
from autoloop.plugins.clocks import BadCron, Timetable, last_tick, next_tick
from autoloop.plugins.forms import ConfigProblems, read_config

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["KIND", "follow", "work"]

log = logging.getLogger(__name__)

BATCH = 100
LATE = timedelta(minutes=5)

PROBE = "select exists (select 1 from schedules where due_at <= now())"

CLAIM = text(f"""
select s.workspace_id, s.id, s.workflow_id, s.trigger_id, s.cron, s.timezone, s.whom, s.missed, s.due_at,
  w.status = 'live' as live, clock_timestamp() as now
from schedules s join automation_workflows w on w.workspace_id = s.workspace_id and w.id = s.workflow_id
where s.due_at <= now() order by s.due_at limit {BATCH} for no key update of s skip locked""")

MOVE = text("""
update schedules set due_at = :next, ticked_at = coalesce(:ticked, ticked_at)
where workspace_id = :workspace and id = :id""")


def follow(services: Services, workflow_id: UUID) -> None:
    """Make a workflow's schedules what its triggers say. One whose timetable stays keeps its next tick."""
    session, workspace = services.session, services.workspace_id
    triggers = session.scalars(
        select(WorkflowTrigger).where(
            WorkflowTrigger.workspace_id == workspace,
            WorkflowTrigger.workflow_id == workflow_id,
            WorkflowTrigger.is_active,
        )
    )
    wanted = {row.id: timetable for row in triggers if (timetable := _timetable(services, row))}
    mine = (Schedule.workspace_id == workspace, Schedule.workflow_id == workflow_id)
    held = {row.trigger_id: row for row in session.scalars(select(Schedule).where(*mine))}
    session.execute(delete(Schedule).where(*mine, Schedule.trigger_id.not_in(wanted)))
    now = services.clock.now()
    for trigger, timetable in wanted.items():
        row = held.get(trigger)
        if row is None:
            row = Schedule(workspace_id=workspace, id=new_id(), workflow_id=workflow_id, trigger_id=trigger)
            session.add(row)
        elif (row.cron, row.timezone) == (timetable.cron, timetable.timezone):
            row.whom, row.missed = dict(timetable.whom), timetable.missed
            continue
        row.cron, row.timezone = timetable.cron, timetable.timezone
        row.whom, row.missed = dict(timetable.whom), timetable.missed
        row.due_at = next_tick(timetable.cron, timetable.timezone, now)
    session.flush()


def _timetable(services: Services, row: WorkflowTrigger) -> Timetable | None:
    trigger = services.registrations.plugins.trigger(row.type)
    if trigger is None:
        return None
    try:
        found: Timetable | None = trigger.timetable(read_config(trigger, row.config, row.config_version))
    except ConfigProblems as error:
        log.warning("the trigger %s of workflow %s does not tick: %s", row.type, row.workflow_id, error)
        return None
    return found


def work(runtime: Runtime) -> int:
    """Tick what is due. Several workers take turns: a tick's enrolment and the next moment are one commit."""
    with runtime.unit("worker") as services:
        due = services.session.execute(CLAIM).all()
        for row in due:
            _tick(services, row)
        if due:
            services.nudge("enrol")
    return len(due)


def _tick(services: Services, row: Any) -> None:
    try:
        following = next_tick(row.cron, row.timezone, row.now)
        tick = max(last_tick(row.cron, row.timezone, row.now + timedelta(seconds=1)), row.due_at)
    except BadCron:  # a zone that this machine no longer knows
        log.exception("schedule %s cannot tick; it is tried again in an hour", row.id)
        following, tick = row.now + timedelta(hours=1), None
    if tick is not None and (not row.live or (row.missed == "skip" and row.now - tick > LATE)):
        tick = None
    if tick is not None:
        services.session.execute(_enrolment(row, tick))
    values = {"workspace": row.workspace_id, "id": row.id, "next": following, "ticked": tick}
    services.session.execute(MOVE, values)


def _enrolment(row: Any, tick: datetime) -> Any:
    """One row for this tick, however often it is written."""
    values = {
        "workspace_id": row.workspace_id,
        "id": new_id(),
        "workflow_id": row.workflow_id,
        "trigger": "schedule",
        "trigger_id": row.trigger_id,
        "entry_key": f"tick:{row.trigger_id}:{tick:%Y-%m-%dT%H:%MZ}",
        "whom": row.whom,
        "event": {"name": "schedule.ticked", "data": {"tick": tick.isoformat()}},
        "due_at": func.now(),
    }
    return insert(EnrolmentRow).values(values).on_conflict_do_nothing()


KIND = DueKind("schedule", PROBE, work)
