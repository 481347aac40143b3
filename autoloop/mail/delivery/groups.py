"""Emails that are judged together: of two to one person that exclude each other, the older one goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from autoloop.mail.delivery.outcomes import Outcome
from autoloop.mail.models import Kind, Status

__all__ = ["POLL", "UNJUDGED", "Group"]

POLL = 15.0
"""Seconds until a mail is looked at again that waits for a person, or for what becomes of another mail."""
UNJUDGED = 300.0
"""Seconds until another look at a mail that raised an error."""

TEMPLATES = text("""
select e.id, v.template_id from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[])) u(tenant, id)
join email_logs e on e.workspace_id = u.tenant and e.id = u.id
join email_template_versions v on v.workspace_id = e.workspace_id and v.id = e.template_version_id""")

COUNTED = (Kind.MARKETING, Kind.TRANSACTIONAL)


class Group:
    """What was let go of a group so far. None of it is in the log yet, where the limits look."""

    def __init__(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        self._paced: set[tuple[UUID, UUID]] = set()
        self._mailed: set[tuple[UUID, UUID]] = set()
        self._had: set[tuple[UUID, UUID, UUID]] = set()
        self._templates: dict[UUID, UUID] = {}
        if len(rows) > 1 and any((row["send_window"] or {}).get("once") for row in rows):
            given = {"tenants": [row["workspace_id"] for row in rows], "ids": [row["id"] for row in rows]}
            self._templates = {row.id: row.template_id for row in session.execute(TEMPLATES, given)}

    def refuse(self, row: Mapping[str, Any]) -> Outcome | None:
        """Hold an email until it is known what becomes of the one before it, which may yet fail."""
        if row["contact_id"] is None or row["kind"] not in COUNTED:
            return None
        person = (row["workspace_id"], row["contact_id"])
        limits = row["send_window"] or {}
        if row["mail_pace_days"] and row["kind"] == Kind.MARKETING and person in self._paced:
            return Outcome(Status.INTENT, hold="pace", delay=POLL)
        same = (*person, self._templates.get(row["id"]))
        if (limits.get("cooldown_hours") and person in self._mailed) or (
            limits.get("once") and same in self._had
        ):
            return Outcome(Status.INTENT, hold="cooldown", delay=POLL)
        return None

    def let(self, row: Mapping[str, Any]) -> None:
        """This one goes."""
        if row["contact_id"] is None or row["kind"] not in COUNTED:
            return
        person = (row["workspace_id"], row["contact_id"])
        self._mailed.add(person)
        if row["kind"] == Kind.MARKETING:
            self._paced.add(person)
        if template := self._templates.get(row["id"]):
            self._had.add((*person, template))
