"""Acts on many runs: due rows that workers take part by part, resumed wherever one was killed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Select, func, select

from autoloop.base.due import DueKind
from autoloop.base.errors import Conflict, Invalid
from autoloop.base.i18n import _
from autoloop.base.ids import new_id
from autoloop.base.services import Service, Services
from autoloop.businesses.models import Segment
from autoloop.engine.models import BULK_VERBS, ENDED, BulkJob, Workflow, WorkflowRun
from autoloop.engine.moving import move_runs
from autoloop.engine.services.rerunning import rerun
from autoloop.engine.services.run_filter import checked_filter, conditions
from autoloop.engine.services.runs import GOING, STANDING, Runs

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["KIND", "TAKES", "Bulk", "work"]

log = logging.getLogger(__name__)

PART = 500
TRIES = 5
REST = timedelta(seconds=10)

TAKES: dict[str, tuple[str, ...]] = {
    "cancel": (*GOING, *STANDING),
    "pause": GOING,
    "resume": STANDING,
    "retry": ("failed",),
    "rerun": ENDED,
    "move": (*GOING, *STANDING),
}
"""The statuses whose runs a verb can change; it passes over the others."""

LEFT = {"retry": "cannot_be_retried"}

PROBE = "select exists (select 1 from bulk_jobs where due_at <= now())"


class Bulk(Service):
    """One verb over all runs that a filter finds."""

    def count(self, verb: str, given: Mapping[str, Any]) -> tuple[int, int]:
        """How many runs the verb would change, and how many more the filter finds. Raises Invalid."""
        verb, filter = _checked_verb(verb), checked_filter(given)
        self._check_rows(filter)
        return self._count(verb, filter)

    def begin(self, verb: str, given: Mapping[str, Any], *, why: str | None = None) -> BulkJob:
        """Do it, as due work, to the runs that are there now; `why` is what their journals say."""
        return self._begin(_checked_verb(verb), checked_filter(given), why)

    def move(self, given: Mapping[str, Any], to: UUID, nodes: Mapping[str, str | None]) -> BulkJob:
        """Take the runs that a filter finds to another version, by a map of its nodes (`engine.moving`)."""
        filter = checked_filter(given) | {"move": {"to": str(to), "nodes": dict(nodes)}}
        return self._begin("move", filter, None)

    def undo(self, job: BulkJob) -> BulkJob:
        """Resume what a pause held and nobody has touched since. Stops the pause first. Raises Conflict."""
        self._hold(job)
        if job.verb != "pause":
            raise Conflict(_("Only a pause can be undone."), code="NOTHING_TO_UNDO")
        if job.status == "going":
            _end(job, "stopped", "undone")
        return self._begin("resume", {"paused_with": job.why}, None, undo_of=job)

    def find(self, id: UUID) -> BulkJob | None:
        return self.session.get(BulkJob, (self.workspace_id, id))

    def rows(self, workflow_id: UUID | None = None) -> Select[Any]:
        found = select(BulkJob).where(BulkJob.workspace_id == self.workspace_id)
        return found if workflow_id is None else found.where(BulkJob.workflow_id == workflow_id)

    def stop(self, job: BulkJob) -> BulkJob:
        """Do it to no more runs. What is done stays done. Raises Conflict if it is over."""
        self._hold(job)
        if job.status != "going":
            raise Conflict(_("This is over already."), code="JOB_OVER")
        _end(job, "stopped", "by a person")
        self.session.flush()
        self.session.refresh(job)
        return job

    def _hold(self, job: BulkJob) -> None:
        self.session.refresh(job, with_for_update={"key_share": True})

    def _begin(
        self, verb: str, filter: dict[str, Any], why: str | None, undo_of: BulkJob | None = None
    ) -> BulkJob:
        self._check_rows(filter)
        workflow = UUID(filter["workflow_id"]) if "workflow_id" in filter else undo_of and undo_of.workflow_id
        total, others = self._count(verb, filter)
        id = new_id()
        job = BulkJob(
            workspace_id=self.workspace_id,
            id=id,
            workflow_id=workflow,
            verb=verb,
            filter=filter,
            why=why or _why(verb, datetime.now(UTC)),
            undo_of=undo_of.id if undo_of is not None else None,
            total=total,
            skipped={"other_status": others} if others else {},
            # Not now(): a run that entered while this transaction waited for its workflow is meant too.
            created_at=func.clock_timestamp(),
            due_at=func.clock_timestamp(),
            user_id=self.services.user_id,
        )
        if not total:
            _end(job, "done")
        self.add(job)
        self.session.refresh(job)
        self.services.nudge("bulk")
        return job

    def _check_rows(self, filter: Mapping[str, Any]) -> None:
        """Raises Invalid where it names a workflow or segment that is not there."""
        for name, table, said in (
            ("workflow_id", Workflow, _("There is no such workflow.")),
            ("segment", Segment, _("There is no such segment.")),
        ):
            if name in filter and self.session.get(table, (self.workspace_id, UUID(filter[name]))) is None:
                raise Invalid(details={name: [said]})

    def _count(self, verb: str, filter: Mapping[str, Any]) -> tuple[int, int]:
        taken = WorkflowRun.status.in_(TAKES[verb])
        counted = select(func.count().filter(taken), func.count().filter(~taken)).where(
            *_meant(self.workspace_id, filter)
        )
        found = self.session.execute(counted.select_from(WorkflowRun)).one()
        return found[0], found[1]


def _checked_verb(verb: str) -> str:
    if verb not in BULK_VERBS:
        raise Invalid(details={"verb": [_("This is none of: cancel, pause, resume, retry, rerun.")]})
    return verb


def _why(verb: str, at: datetime) -> str:
    """What the runs say; of a pause, the moment tells which one an undo takes back."""
    said = {"cancel": "cancelled in bulk", "retry": "tried again in bulk"}
    return said.get(verb, f"{verb}d in bulk at {at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d} UTC")


def _meant(workspace: UUID, filter: Mapping[str, Any]) -> list[Any]:
    if "paused_with" in filter:
        mine = WorkflowRun.reason == filter["paused_with"]
        return [WorkflowRun.workspace_id == workspace, WorkflowRun.status == "paused", mine]
    found = conditions(workspace, filter)
    if "move" in filter:
        found += [WorkflowRun.version_id != UUID(filter["move"]["to"]), ~WorkflowRun.is_test]
    return found


def work(runtime: Runtime) -> int:
    """Do the next part of one job. Returns how many runs were looked at, at least 1; 0 if none is due.

    Cursor, counts and what happens to the runs are one commit: a killed worker leaves the part undone.
    """
    held: tuple[UUID, UUID] | None = None
    try:
        with runtime.unit("worker") as services:
            job = services.session.scalars(_due()).one_or_none()
            if job is None:
                return 0
            held = (job.workspace_id, job.id)
            services.enter(job.workspace_id)
            services.user_id = job.user_id
            return max(_next_part(services, job), 1)
    except Exception:
        if held is None:
            raise
        log.exception("a part of the bulk job %s failed", held[1])
        with runtime.unit("worker") as services:
            _set_aside(services, held)
        return 1


def _due() -> Select[Any]:
    due = select(BulkJob).where(BulkJob.due_at <= func.now()).order_by(BulkJob.due_at).limit(1)
    return due.with_for_update(key_share=True, skip_locked=True)


def _next_part(services: Services, job: BulkJob) -> int:
    meant = [
        *_meant(job.workspace_id, job.filter),
        WorkflowRun.status.in_(TAKES[job.verb]),
        WorkflowRun.started_at <= job.created_at,
    ]
    if job.cursor is not None:
        meant.append(WorkflowRun.id > job.cursor)
    found = select(WorkflowRun.id).where(*meant).order_by(WorkflowRun.id).limit(PART)
    runs = list(services.session.scalars(found))
    changed, skipped = _do(services, job, runs)
    job.seen, job.changed, job.attempts = job.seen + len(runs), job.changed + changed, 0
    job.skipped = {
        reason: job.skipped.get(reason, 0) + skipped.get(reason, 0)
        for reason in job.skipped.keys() | skipped.keys()
    }
    if len(runs) < PART:
        _end(job, "done")
    else:
        job.cursor, job.due_at = runs[-1], func.clock_timestamp()
    services.nudge("advance", "route")
    return len(runs)


def _do(services: Services, job: BulkJob, runs: list[UUID]) -> tuple[int, dict[str, int]]:
    """Change these runs, in order of their ids. Returns how many changed, and why the others did not."""
    if not runs:
        return 0, {}
    if job.verb == "move":
        return move_runs(services, runs, UUID(job.filter["move"]["to"]), job.filter["move"]["nodes"], job.why)
    if job.verb == "rerun":
        done = rerun(services, runs)
        return len(done.started), done.refused
    verb = getattr(services(Runs), job.verb)
    changed = len(verb(runs) if job.verb == "resume" else verb(runs, job.why))
    left = len(runs) - changed
    return changed, {LEFT.get(job.verb, "other_status"): left} if left else {}


def _set_aside(services: Services, key: tuple[UUID, UUID]) -> None:
    """After an error: rest, and after some of them stop, so that it holds up no other job."""
    job = services.session.get(BulkJob, key, with_for_update={"key_share": True})
    if job is None or job.status != "going":
        return
    job.attempts += 1
    if job.attempts >= TRIES:
        _end(job, "stopped", "it failed again and again; see the log")
    else:
        job.due_at = func.clock_timestamp() + REST * job.attempts


def _end(job: BulkJob, status: str, reason: str | None = None) -> None:
    job.status, job.reason, job.due_at, job.ended_at = status, reason, None, func.clock_timestamp()


KIND = DueKind("bulk", PROBE, work)
