"""Template versions in hand: they never change, so each is read once per process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from autoloop.mail.delivery.enclosing import MOST_OCTETS, enclosed_of, weight
from autoloop.mail.delivery.outgoing import Outgoing

__all__ = ["Versions"]

KEPT = 200


class Versions(Mapping[UUID, Any]):
    """Template versions by id, the latest used kept."""

    def __init__(self) -> None:
        self._held: OrderedDict[UUID, Any] = OrderedDict()

    def fetch(self, session: Session, mails: Sequence[Outgoing]) -> None:
        """Read those that these mails need and that are not here yet, in one statement."""
        wanted = {(mail.workspace_id, mail.template_version_id) for mail in mails if mail.template_version_id}
        missing = [key for key in wanted if key[1] not in self._held]
        if missing:
            from autoloop.mail.models import EmailTemplateVersion as Version

            rows = session.scalars(
                select(Version).where(tuple_(Version.workspace_id, Version.id).in_(missing))
            ).all()
            for row in rows:
                session.expunge(row)
            enclosed_of(session, rows)
            self._held.update({row.id: row for row in rows})
        for _, id in wanted:
            if id in self._held:
                self._held.move_to_end(id)
        while len(self._held) > max(KEPT, len(wanted)):
            self._held.popitem(last=False)
        if missing:
            self._lighten(len(wanted))

    def _lighten(self, wanted: int) -> None:
        """Files weigh: the versions used last stay as far as their files have room, those wanted in any case."""
        room = MOST_OCTETS
        for place, (id, version) in enumerate(reversed(list(self._held.items()))):
            room -= weight(version)
            if room < 0 and place >= wanted and version.files:
                del self._held[id]

    def __getitem__(self, key: UUID) -> Any:
        return self._held[key]

    def __iter__(self) -> Iterator[UUID]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)
