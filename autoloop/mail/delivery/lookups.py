"""Asking providers what became of mail whose fate is unknown: by a look-up, or by the same key once more."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import text

from autoloop.base.due import Lease
from autoloop.base.runtime import Runtime
from autoloop.mail.delivery.channels import Channels
from autoloop.mail.delivery.lapsed import hand_over_again
from autoloop.mail.delivery.outcomes import of_reply, write_replies
from autoloop.mail.delivery.outgoing import Outgoing, load
from autoloop.plugins.email import Fate, Idempotency

__all__ = ["LOOK_UP_PROBE", "look_up_unknown"]

log = logging.getLogger(__name__)

BATCH = 50
# Providers list a message some seconds to minutes after they took it: soon, then ever later.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 4, 15, 60, 360))

LOOK_UP_PROBE = (
    "select exists (select from email_logs where status = 'unknown' and look_up_at <= clock_timestamp())"
)

TAKE = text(f"""
update email_logs e set look_ups = e.look_ups + 1,
  look_up_at = clock_timestamp() + (cast(:waits as interval[]))[e.look_ups + 2]
from (select e.workspace_id, e.id, p.provider = any(:providers) as can from email_logs e
  left join provider_accounts p on p.workspace_id = e.workspace_id and p.id = e.provider_account_id
  where e.status = 'unknown' and e.look_up_at <= clock_timestamp()
  order by e.look_up_at limit {BATCH} for no key update of e skip locked) due
where e.workspace_id = due.workspace_id and e.id = due.id
returning e.workspace_id, e.id, e.fence, e.attempts, e.look_ups, due.can""")

NEVER = text("""
update email_logs e set look_up_at = null from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[])) u(tenant, id)
where e.workspace_id = u.tenant and e.id = u.id""")


def look_up_unknown(runtime: Runtime) -> int:
    """The due kind "mail_look_up": one batch. Returns how many were asked about or let be."""
    plugins = runtime.registrations.plugins.of("email")
    can = [plugin.name for plugin in plugins if plugin.cls.idempotency is Idempotency.LOOKUP]
    with runtime.unit("worker") as services:
        rows = services.session.execute(TAKE, {"providers": can, "waits": list(WAITS)}).all()
        others = [row for row in rows if not row.can]
        if others:
            given = {"tenants": [row.workspace_id for row in others], "ids": [row.id for row in others]}
            services.session.execute(NEVER, given)
            again = [row for row in others if row.look_ups <= len(WAITS)]
            hand_over_again(services, again, [WAITS[row.look_ups - 1] - WAITS[0] for row in again])
        leases = [Lease(row.workspace_id, row.id, row.fence, row.attempts) for row in rows if row.can]
        mails = load(services.session, leases) if leases else []
    channels = Channels()
    mails.sort(key=lambda mail: (str(mail.workspace_id), str(mail.account_id)))
    for _, group in groupby(mails, key=lambda mail: (mail.workspace_id, mail.account_id)):
        _ask(runtime, channels, list(group))
    return len(rows)


def _ask(runtime: Runtime, channels: Channels, mails: Sequence[Outgoing]) -> None:
    """What one account knows of these mails, written down as their replies."""
    found: list[tuple[Outgoing, Any]] = []
    try:
        channel = channels.of(runtime, mails[0])
        for mail in mails if channel is not None else ():
            reply = channel.look_up(str(mail.id)) if channel is not None else None
            if reply is not None and reply.fate is not Fate.UNKNOWN:
                found.append((mail, of_reply(mail, reply)))
    except Exception:
        log.exception("a provider could not be asked about unknown mail")
    finally:
        channels.drop(mails[0].account_id)
    if found:
        with runtime.unit("worker") as services:
            write_replies(services, found)
