"""Runs that are over begin anew: the same contact, the live version, an entry of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy import text

from autoloop.base.errors import Conflict, NotFound
from autoloop.base.i18n import _
from autoloop.base.ids import new_id
from autoloop.base.services import Services
from autoloop.engine.services.enrolment import Entering, Entrance, by_person, enter, open_entrance

__all__ = ["REFUSED", "Rerun", "rerun"]

REFUSED = {
    "still_going": _("This run is not over yet. Cancel it first, or wait for its end."),
    "is_in_it_now": _("The contact is in this workflow now, by another run."),
    "workflow_not_live": _("The workflow is not live."),
    "archived": _("The contact is archived."),
    "test_run": _("This was a test run. Start another test run instead."),
    "was_here_before": _("The contact entered in the same moment by another way."),
}

WORKFLOWS = text("""
select distinct workflow_id from workflow_runs
where workspace_id = :workspace and id = any(cast(:runs as uuid[])) order by 1
""")

OLD = text("""
select r.id, r.workflow_id, r.contact_id, r.is_test, r.ended_at, r.variables -> 'event' as event,
  (select c.status from business_contacts c where c.workspace_id = r.workspace_id and c.id = r.contact_id)
    as contact_status
from workflow_runs r
where r.workspace_id = :workspace and r.id = any(cast(:runs as uuid[])) order by r.id for no key update of r
""")

GOING = text("""
select distinct workflow_id, contact_id from workflow_runs
where workspace_id = :workspace and contact_id = any(cast(:contacts as uuid[]))
  and workflow_id = any(cast(:workflows as uuid[])) and ended_at is null and not is_test
""")


@dataclass(slots=True)
class Rerun:
    """New run ids, and how many were refused, by reason (the keys of REFUSED)."""

    started: list[UUID] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)

    def refuse(self, reason: str, count: int = 1) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + count


def rerun(services: Services, run_ids: Sequence[UUID]) -> Rerun:
    """Start each contact of these runs again, past the re-entry rule; what the old run's event said is kept.

    The old runs stay as they are. Nudge "advance" after the commit.
    """
    done = Rerun()
    values = {"workspace": services.workspace_id, "runs": list(run_ids)}
    doors: dict[UUID, Entrance] = {}  # workflows are locked before runs
    for workflow in services.session.execute(WORKFLOWS, values).scalars().all():
        try:
            door = open_entrance(services, services.workspace_id, workflow)
        except (Conflict, NotFound):
            continue
        doors[workflow] = replace(door, reentry="always")
    old = services.session.execute(OLD, values).all()
    taken = _taken(services, old)
    entering: dict[UUID, list[Entering]] = {}
    for row in old:
        place = (row.workflow_id, row.contact_id)
        reason = _refusal(row, row.workflow_id in doors, place in taken)
        if reason is not None:
            done.refuse(reason)
            continue
        taken.add(place)
        origin = {**(by_person(services) or {}), "rerun_of": row.id}
        one = Entering(row.contact_id, f"rerun:{new_id()}", "manual", None, row.event, origin=origin)
        entering.setdefault(row.workflow_id, []).append(one)
    for workflow, people in entering.items():
        entered = enter(services, doors[workflow], people)
        done.started += entered.started
        for reason, count in entered.skipped.items():
            done.refuse(reason, count)
    return done


def _taken(services: Services, old: Sequence[Any]) -> set[tuple[UUID, UUID]]:
    values = {
        "workspace": services.workspace_id,
        "contacts": list({row.contact_id for row in old}),
        "workflows": list({row.workflow_id for row in old}),
    }
    return {(row.workflow_id, row.contact_id) for row in services.session.execute(GOING, values)}


def _refusal(row: Any, is_live: bool, is_taken: bool) -> str | None:
    if row.ended_at is None:
        return "still_going"
    if row.is_test:
        return "test_run"
    if not is_live:
        return "workflow_not_live"
    if row.contact_status == "archived":
        return "archived"
    return "is_in_it_now" if is_taken else None
