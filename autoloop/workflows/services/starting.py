"""Runs that people start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.base.ids import parse_id
from autoloop.base.services import Service
from autoloop.businesses.models import Contact
from autoloop.engine.services.enrolment import enrol

__all__ = ["Starting"]

MOST = 200_000
BATCH = 5_000


class Starting(Service):
    def by_hand(
        self,
        workflow_id: UUID,
        *,
        contact_ids: Sequence[str] | None = None,
        tag: str | None = None,
        all: bool = False,
    ) -> dict[str, Any]:
        """Start a run for each of these contacts, for all active ones with a tag, or for all active ones.

        Gives {"started", "skipped": [{"reason", "count"}]}; the workflow's re-entry rule decides who is
        skipped. Raises Invalid unless exactly one choice is given, Conflict if the workflow is not live.
        """
        if [contact_ids is not None, tag is not None, all].count(True) != 1:
            raise Invalid(
                details={"contact_ids": [_("Give contact_ids, or a tag, or all: exactly one of them.")]}
            )
        ids = self._given(contact_ids) if contact_ids is not None else self._found(tag)
        started, skipped = 0, dict[str, int]()
        for at in range(0, len(ids), BATCH):
            part = enrol(self.services, workflow_id, ids[at : at + BATCH], trigger="manual")
            started += len(part.started)
            for reason, count in part.skipped.items():
                skipped[reason] = skipped.get(reason, 0) + count
        if not ids:
            enrol(self.services, workflow_id, [])  # the workflow must be live all the same
        self.services.nudge("advance")
        return {
            "started": started,
            "skipped": [{"reason": reason, "count": count} for reason, count in sorted(skipped.items())],
        }

    def _given(self, contact_ids: Sequence[str]) -> list[UUID]:
        ids, wrong = [], {}
        for index, given in enumerate(contact_ids):
            id = parse_id(given)
            if id is None:
                wrong[f"contact_ids.{index}"] = [_("This is no id.")]
            else:
                ids.append(id)
        if wrong:
            raise Invalid(details=wrong)
        return list(dict.fromkeys(ids))

    def _found(self, tag: str | None) -> list[UUID]:
        found = select(Contact.id).where(
            Contact.workspace_id == self.workspace_id, Contact.status == "active"
        )
        if tag is not None:
            found = found.where(Contact.tags.contains([tag]))
        ids = list(self.session.scalars(found.order_by(Contact.id).limit(MOST + 1)))
        if len(ids) > MOST:
            raise Invalid(
                _(
                    "That is more than ${most} contacts. Start them in parts, by tag.",
                    mapping={"most": f"{MOST:,}"},
                ),
                code="TOO_MANY_CONTACTS",
            )
        return ids
