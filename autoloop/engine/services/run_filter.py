"""Which runs: one filter for the list, for its count, and for what is done to all of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import aliased

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.base.ids import parse_id
from autoloop.businesses.models import Contact, SegmentMember
from autoloop.engine.models import RUN_STATUSES, WorkflowRun, WorkflowVersion

__all__ = ["FIELDS", "checked_filter", "conditions"]

FIELDS = ("status", "workflow_id", "version", "node", "contact_id", "tag", "segment", "started_before")
WRONG = {
    "status": _("Give one of: ${words}.", mapping={"words": ", ".join(RUN_STATUSES)}),
    "version": _("Give a version's number, from 1 up."),
    "node": _("Give the id of a step, a text of at most 200 characters."),
    "tag": _("Give a tag, a text of at most 200 characters."),
    "started_before": _("Give a moment with its zone, like 2026-11-01T00:00:00Z."),
}
IDS = ("workflow_id", "contact_id", "segment")


def checked_filter(given: Mapping[str, Any]) -> dict[str, Any]:
    """The filter in one form that JSON can hold; empty values are left out. Raises Invalid.

    `status` is one of a run's; `version` a number, and goes with a `workflow_id`; `node` the id of a step
    that a run stands at; `tag` and `segment` are the contact's; `started_before` a moment with its zone.
    """
    wrong: dict[str, list[Any]] = {name: [_("There is no such filter.")] for name in set(given) - set(FIELDS)}
    found: dict[str, Any] = {}
    for name in FIELDS:
        value = given.get(name)
        if value in (None, ""):
            continue
        read = _read(name, value)
        if read is None:
            wrong[name] = [_("This is no id.") if name in IDS else WRONG[name]]
        else:
            found[name] = read
    if "version" in found and "workflow_id" not in found:
        wrong["version"] = [_("Say which workflow's version.")]
    if wrong:
        raise Invalid(details=wrong)
    return found


def _read(name: str, value: Any) -> Any | None:
    if name in IDS:
        id = value if isinstance(value, UUID) else parse_id(value) if isinstance(value, str) else None
        return str(id) if id is not None else None
    if name == "version":
        return value if type(value) is int and 1 <= value < 1_000_000_000 else None
    if name == "started_before":
        return _moment(value)
    if not isinstance(value, str) or len(value) > 200 or "\x00" in value:
        return None
    return value if name != "status" or value in RUN_STATUSES else None


def _moment(value: Any) -> str | None:
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found.isoformat() if found.tzinfo is not None else None


def conditions(workspace: UUID, filter: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """A checked filter as conditions on `workflow_runs`."""
    run = WorkflowRun
    found: list[ColumnElement[bool]] = [run.workspace_id == workspace]
    if "status" in filter:
        found.append(run.status == filter["status"])
    if "workflow_id" in filter:
        found.append(run.workflow_id == UUID(filter["workflow_id"]))
    if "contact_id" in filter:
        found.append(run.contact_id == UUID(filter["contact_id"]))
    if "started_before" in filter:
        found.append(run.started_at < datetime.fromisoformat(filter["started_before"]))
    if "node" in filter:
        found.append(run.positions.contains([{"node": filter["node"]}]))
    if "version" in filter:
        mine = and_(
            WorkflowVersion.workspace_id == workspace,
            WorkflowVersion.workflow_id == UUID(filter["workflow_id"]),
            WorkflowVersion.number == filter["version"],
        )
        found.append(run.version_id == select(WorkflowVersion.id).where(mine).scalar_subquery())
    if "tag" in filter:
        who = aliased(Contact)  # the list joins the contact too
        same = and_(who.workspace_id == workspace, who.id == run.contact_id)
        found.append(exists().where(same, who.tags.contains([filter["tag"]])))
    if "segment" in filter:
        member = and_(
            SegmentMember.workspace_id == workspace,
            SegmentMember.segment_id == UUID(filter["segment"]),
            SegmentMember.contact_id == run.contact_id,
            SegmentMember.is_member,
        )
        found.append(exists().where(member))
    return found
