"""A sender whose mail does harm is paused: by the share of complaints and hard bounces among what it sent.

Nothing is counted while mail is sent. A complaint or a bounce makes its sender due for a look, and that
look counts sent mail only as far as it takes to judge: a hundred complaints are too many of 1,000 mails
and of 10,000, whatever there is beyond 40,000.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from autoloop.base.due import DueKind
from autoloop.mail.governor.pausing import pause
from autoloop.workspaces.mail_limits import health_of

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime
    from autoloop.base.services import Services

__all__ = ["KIND", "Tally", "look_at_due", "tally"]

log = logging.getLogger(__name__)

PROBE = "select exists (select from senders where health_due_at <= now())"
TOO_FEW = timedelta(minutes=1)  # until another look at one that is over, but has not sent enough to be judged
FAILED = timedelta(minutes=5)

DUE = text("""
select s.workspace_id, s.id, s.status, s.address, s.health_since, w.slug, w.settings, clock_timestamp() as now
from senders s join workspaces w on w.id = s.workspace_id
where s.health_due_at <= now() order by s.health_due_at limit 1 for no key update of s skip locked""")

# What no threshold can reach any more: they look back 60 days at the most.
FORGET = text("""
delete from sender_mishaps
where workspace_id = :workspace and sender_id = :id and sent_at < clock_timestamp() - interval '90 days'""")

LOOKED = text("""
update senders set health_checked_at = clock_timestamp(), health_due_at = cast(:again as timestamptz)
where workspace_id = :workspace and id = :id""")

MISHAPS = text("""
select count(*) filter (where kind = 'complaint') as complaints, count(*) filter (where kind = 'bounce') as bounces,
  count(*) filter (where refused) as refused
from sender_mishaps where workspace_id = :workspace and sender_id = :id and sent_at > :since""")

SENT = text("""
select count(*) from (select from email_logs where workspace_id = :workspace and sender_id = :id
  and sent_at > :since and kind in ('marketing', 'transactional') limit :most) counted""")


@dataclass(frozen=True, slots=True)
class Tally:
    """What a sender sent since a moment, and what came of it. `sent` is counted up to the most asked for, and
    holds what was refused at the door for want of a mailbox: that was tried as well."""

    sent: int
    complaints: int
    bounces: int

    def over(self, limits: Mapping[str, float]) -> str | None:
        """The threshold that is reached: "complaints" or "bounces"."""
        for kind, count in (("complaints", self.complaints), ("bounces", self.bounces)):
            if count and Decimal(count) * 100 >= Decimal(str(limits[kind])) * self.sent:
                return kind
        return None


def tally(
    session: Session,
    workspace_id: UUID,
    sender_id: UUID,
    since: datetime,
    limits: Mapping[str, float] | None = None,
) -> Tally:
    """Count what the sender sent after `since`. With `limits`, only as far as these need it."""
    given: dict[str, Any] = {"workspace": workspace_id, "id": sender_id, "since": since}
    row = session.execute(MISHAPS, given).one()
    most = None
    if limits is not None:
        reach = max(row.complaints / limits["complaints"], row.bounces / limits["bounces"]) * 100
        most = int(max(reach, limits["least"])) + 1
    sent = session.execute(SENT, given | {"most": most}).scalar_one()
    return Tally(sent + row.refused, row.complaints, row.bounces)


def window(now: datetime, days: float, since: datetime | None) -> datetime:
    """Where counting begins: so many days back, but not before a person let the sender go on."""
    return max(now - timedelta(days=days), since) if since is not None else now - timedelta(days=days)


def look_at_due(runtime: Runtime) -> int:
    """The due kind "sender_health": one sender about which something bad was told."""
    with runtime.unit("worker") as services:
        sender = services.session.execute(DUE).one_or_none()
        if sender is None:
            return 0
        services.enter(sender.workspace_id)
        try:
            with services.session.begin_nested():
                again = judge(services, sender)
        except Exception:
            log.exception("sender %s cannot be judged", sender.id)
            again = FAILED
        services.session.execute(FORGET, {"workspace": sender.workspace_id, "id": sender.id})
        at = sender.now + again if again is not None else None
        services.session.execute(LOOKED, {"workspace": sender.workspace_id, "id": sender.id, "again": at})
    return 1


def judge(services: Services, sender: Any) -> timedelta | None:
    """Pause the sender if it must be; or say when to look again. Its row is locked."""
    limits = health_of(sender.settings)
    if limits is None or sender.status != "active":
        return None
    since = window(sender.now, limits["days"], sender.health_since)
    counted = tally(services.session, sender.workspace_id, sender.id, since, limits)
    kind = counted.over(limits)
    if kind is None:
        return None
    if counted.sent < limits["least"]:
        return TOO_FEW
    pause(services, sender, {**asdict(counted), "kind": kind, "limit": limits[kind], "days": limits["days"]})
    return None


KIND = DueKind("sender_health", PROBE, look_at_due)
