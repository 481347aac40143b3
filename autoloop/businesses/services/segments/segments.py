"""Verbs of segments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy import text as sql
from sqlalchemy.exc import OperationalError

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.base.ids import new_id
from autoloop.base.services import Service
from autoloop.businesses.conditions_sql import compile_set, happenings, joined, read_condition
from autoloop.businesses.models import Contact, Segment, SegmentMember
from autoloop.businesses.services.facts import load_contacts
from autoloop.businesses.services.records import held, set_changed, written
from autoloop.plugins.conditions import Condition
from autoloop.plugins.facts import Happening

__all__ = ["Segments"]

S, M = Segment, SegmentMember
NAME_TAKEN = {"uq_segments_workspace_id_name": ("name", _("There is a segment of this name already."))}
SAMPLE = 5
COUNT_SECONDS = 10


class Segments(Service):
    """Saved filters over contacts. Members are built and kept by a worker (`segments.keeping`)."""

    def rows(self) -> Select[Any]:
        return select(S).where(S.workspace_id == self.workspace_id)

    def find(self, id: UUID) -> Segment | None:
        return self.session.get(Segment, (self.workspace_id, id))

    def create(self, given: Mapping[str, Any]) -> Segment:
        """Make a segment; its members follow within seconds. Those of the first build fire nothing,
        unless `announce`. Raises Invalid with the place in the condition, or Conflict."""
        row = Segment(workspace_id=self.workspace_id, id=new_id(), user_id=self.services.user_id)
        self._set_condition(row, given["condition"])
        row.name, row.description = _named(given["name"]), given.get("description") or ""
        row.announce = bool(given.get("announce"))
        with written(self.session, NAME_TAKEN):
            self.session.add(row)
        self._wake()
        return row

    def change(self, row: Segment, given: Mapping[str, Any]) -> Segment:
        """Change name, description or condition. A new condition is built anew; who thereby enters or
        leaves is told only with `announce`."""
        held(self.session, row)
        values = {name: given[name] for name in ("name", "description") if name in given}
        if "name" in values:
            values["name"] = _named(values["name"])
        with written(self.session, NAME_TAKEN):
            set_changed(row, values)
            if "condition" in given and (given["condition"] != row.condition or row.status == "broken"):
                self._set_condition(row, given["condition"])
                row.status, row.barrier, row.announce = "building", None, bool(given.get("announce"))
        self._wake()
        return row

    def delete(self, row: Segment) -> None:
        """Remove a segment. Nobody is told to have left it."""
        self.session.delete(row)
        self.session.flush()
        self.services.changed("segments")

    def count(self, spec: Any) -> dict[str, Any]:
        """How many contacts match a condition now, and five of them: {"count", "sample": [{id, email, …}]}."""
        asked = compile_set(read_condition(spec), self.clock.now())
        matching = joined(
            select(Contact.id, Contact.email, Contact.first_name, Contact.last_name).where(
                Contact.workspace_id == self.workspace_id, asked.matches
            )
        )
        try:
            with self.session.begin_nested():
                self.session.execute(sql(f"set local statement_timeout = '{COUNT_SECONDS}s'"))
                count = self.session.scalar(select(func.count()).select_from(matching.subquery()))
                sample = self.session.execute(matching.order_by(Contact.id.desc()).limit(SAMPLE)).all()
                self.session.execute(sql("set local statement_timeout = '30s'"))
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", "") != "57014":
                raise
            message = _(
                "Counting this takes longer than ${seconds} seconds.", mapping={"seconds": COUNT_SECONDS}
            ).interpolate()
            raise Invalid(message, details={"condition": [message]}) from None
        return {"count": count, "sample": [dict(row._mapping) for row in sample]}

    def members(self, row: Segment) -> Select[Any]:
        """Members with the columns of a list, in no order yet."""
        return (
            select(
                Contact.id,
                Contact.email,
                Contact.first_name,
                Contact.last_name,
                Contact.status,
                M.entered_at,
                M.next_check_at,
            )
            .join(M, (M.workspace_id == Contact.workspace_id) & (M.contact_id == Contact.id))
            .where(M.workspace_id == self.workspace_id, M.segment_id == row.id, M.is_member)
        )

    def why(self, row: Segment, contact: Contact) -> dict[str, Any]:
        """Why a contact matches or not, asked now, beside what is kept:
        {"matches", "trail": [{asked, found, answer} …], "is_member", "entered_at", "next_check_at"}."""
        condition = read_condition(row.condition)
        known = self._known(condition, contact.id)
        matches, trail = condition.explain(known)
        kept = self.session.get(SegmentMember, (self.workspace_id, row.id, contact.id))
        return {
            "contact_id": str(contact.id),
            "matches": matches,
            "is_member": bool(kept and kept.is_member),
            "entered_at": kept and kept.entered_at,
            "next_check_at": kept and kept.next_check_at,
            "trail": trail,
        }

    def _known(self, condition: Condition, contact_id: UUID) -> _Known:
        found = load_contacts(self.services, [(self.workspace_id, contact_id)])[contact_id]
        now = self.clock.now()
        events = happenings(self.services, contact_id, sorted(condition.needs.events), now)
        return _Known(now, found["contact"], found["business"] or {}, events)

    def _set_condition(self, row: Segment, spec: Any) -> None:
        condition = read_condition(spec)
        row.condition = spec
        row.event_names = sorted(condition.needs.events)
        row.reads_business = condition.needs.business

    def _wake(self) -> None:
        self.services.changed("segments")
        self.services.nudge("segments")


@dataclass(frozen=True)
class _Known:
    """What a condition about a contact is asked of, outside of any run."""

    now: datetime
    contact: Mapping[str, Any]
    business: Mapping[str, Any]
    happenings: list[Happening]
    run_id: str = ""
    event: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    emails: tuple[()] = ()


def _named(given: str) -> str:
    name = " ".join(given.split())
    if not name:
        raise Invalid(details={"name": [_("A segment has a name.")]})
    return name
