"""Large enrolments: due rows that workers take part by part, resumed wherever one was killed."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Select, func, select

from autoloop.base.due import DueKind
from autoloop.base.errors import Conflict, NotFound
from autoloop.base.i18n import _
from autoloop.base.ids import new_id
from autoloop.base.services import Service, Services
from autoloop.engine.models import EnrolmentRow, Workflow, WorkflowVersion
from autoloop.engine.services import audience
from autoloop.engine.services.enrolment import Entering, Entrance, enter, open_entrance
from autoloop.engine.services.sieve import Sieve, mails_of

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["KIND", "Enrolments", "begin_row", "work"]

log = logging.getLogger(__name__)

PART = 5_000
PAUSED = timedelta(seconds=30)

PROBE = "select exists (select 1 from enrolments where due_at <= now())"


class Enrolments(Service):
    """Sets of contacts on their way into a workflow."""

    def begin(
        self, workflow_id: UUID, whom: Mapping[str, Any], *, entry_key: str | None = None
    ) -> EnrolmentRow:
        """Let a set in, as due work: {"all": true}, {"tag": name} or {"segment": id}.

        A second call with the same `entry_key` gives the first one's row. Raises NotFound, Invalid, or
        Conflict if the workflow is not live.
        """
        chosen = audience.checked_whom(whom)
        workflow = self.session.get(Workflow, (self.workspace_id, workflow_id))
        if workflow is None:
            raise NotFound
        if workflow.status != "live":
            raise Conflict(_("Only a live workflow takes contacts."), code="WORKFLOW_NOT_LIVE")
        row = begin_row(self.workspace_id, workflow_id, entry_key or str(new_id()), chosen)
        if entry_key is not None:
            known = self._of_key(workflow_id, entry_key)
            if known is not None:
                return known
        row.user_id, row.api_key_id = self.services.user_id, self.services.key_id
        row.total = audience.count(self.session, self.workspace_id, chosen, active=False)
        self.add(row)
        self.services.nudge("enrol")
        return row

    def find(self, id: UUID) -> EnrolmentRow | None:
        return self.session.get(EnrolmentRow, (self.workspace_id, id))

    def rows(self, workflow_id: UUID | None = None) -> Select[Any]:
        found = select(EnrolmentRow).where(EnrolmentRow.workspace_id == self.workspace_id)
        return found if workflow_id is None else found.where(EnrolmentRow.workflow_id == workflow_id)

    def stop(self, row: EnrolmentRow) -> EnrolmentRow:
        """Let no more in. Who is in stays in."""
        self.session.refresh(row, with_for_update={"key_share": True})
        if row.status != "going":
            raise Conflict(_("This enrolment is over already."), code="ENROLMENT_OVER")
        _end(row, "stopped", "by a person")
        self.session.flush()
        self.session.refresh(row)
        return row

    def _of_key(self, workflow_id: UUID, entry_key: str) -> EnrolmentRow | None:
        found = self.rows(workflow_id).where(EnrolmentRow.entry_key == entry_key)
        return self.session.scalars(found).one_or_none()


def begin_row(workspace: UUID, workflow: UUID, entry_key: str, whom: Mapping[str, Any]) -> EnrolmentRow:
    """A row that is due now, not yet in the session."""
    return EnrolmentRow(
        workspace_id=workspace,
        id=new_id(),
        workflow_id=workflow,
        trigger="manual",
        entry_key=entry_key,
        whom=dict(whom),
        due_at=func.now(),
    )


def work(runtime: Runtime) -> int:
    """Let the next part of one enrolment in. Returns how many contacts were looked at, at least 1.

    Cursor, counts and runs are one commit: a killed worker leaves the part undone, never done twice.
    """
    with runtime.unit("worker") as services:
        due = (
            select(EnrolmentRow)
            .where(EnrolmentRow.due_at <= func.now())
            .order_by(EnrolmentRow.due_at)
            .limit(1)
            .with_for_update(key_share=True, skip_locked=True)
        )
        row = services.session.scalars(due).one_or_none()
        if row is None:
            return 0
        taken = _next_part(services, row)
        services.nudge("advance")
    return max(taken, 1)


def _next_part(services: Services, row: EnrolmentRow) -> int:
    try:
        door = open_entrance(services, row.workspace_id, row.workflow_id)
    except Conflict as error:
        workflow = services.session.get(Workflow, (row.workspace_id, row.workflow_id))
        if workflow is not None and workflow.status == "paused":
            row.due_at = func.now() + PAUSED
        else:
            _end(row, "stopped", str(error))
        return 0
    people, barred = _people(services, row, door)
    people_of = {"user_id": row.user_id, "api_key_id": row.api_key_id}
    origin = {"enrolment_id": row.id, **{name: id for name, id in people_of.items() if id is not None}}
    entering = [
        Entering(id, row.entry_key, row.trigger, row.trigger_id, row.event, origin=origin)
        for id, reason in people
        if reason is None
    ]
    done = enter(services, door, entering)
    for reason, count in barred.items():
        done.skip(reason, count)
    row.seen += len(people)
    row.started += len(done.started)
    row.skipped = {
        reason: row.skipped.get(reason, 0) + done.skipped.get(reason, 0)
        for reason in row.skipped.keys() | done.skipped.keys()
    }
    if len(people) < PART:
        _end(row, "done")
    else:
        row.cursor, row.due_at = people[-1][0], func.clock_timestamp()
    return len(people)


def _people(
    services: Services, row: EnrolmentRow, door: Entrance
) -> tuple[Sequence[tuple[UUID, str | None]], dict[str, int]]:
    """The next contacts, each with the reason why it may not start; and how many there are by reason.

    A schedule takes the active contacts as they are; what a person starts is sieved as the preview says.
    """
    if row.trigger != "manual":
        ids = audience.part(services.session, row.workspace_id, row.whom, row.cursor, PART)
        return [(id, None) for id in ids], {}
    services.enter(row.workspace_id)
    version = services.session.get(WorkflowVersion, (row.workspace_id, door.version_id))
    assert version is not None
    found = Sieve(services, row.workflow_id, row.whom, mails_of(version.graph)).part(row.cursor, PART)
    barred = Counter(reason for _, reason in found if reason is not None)
    return [(id, reason) for id, reason in found], dict(barred)


def _end(row: EnrolmentRow, status: str, reason: str | None = None) -> None:
    row.status, row.reason, row.due_at, row.ended_at = status, reason, None, func.clock_timestamp()


KIND = DueKind("enrol", PROBE, work)
