"""Emails whose worker went away in the middle of sending, and those whose fate stays unknown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.base.services import Services
from autoloop.engine.services.stimuli import add as add_stimuli
from autoloop.mail.delivery.outcomes import UNKNOWN_GRACE, stimulus
from autoloop.mail.models import Status
from autoloop.plugins.email import Idempotency

__all__ = ["LAPSED_PROBE", "UNKNOWN_PROBE", "hand_over_again", "resend", "settle_lapsed", "settle_unknown"]

BATCH = 200

LAPSED_PROBE = (
    "select exists (select from email_logs where status = 'sending' and lease_until < clock_timestamp())"
)
UNKNOWN_PROBE = """select exists (select from email_logs where status = 'unknown' and due_at <= clock_timestamp()
  and on_unknown <> 'hold')"""

# It may have been accepted: it becomes unknown, never an intent again. Its live worker, should there be
# one after all, may still settle it, for the attempt's number stays.
LAPSED = text(f"""
update email_logs e set status = 'unknown', reason = 'The worker that was sending it went away',
  lease_until = null, settled_at = clock_timestamp(), updated_at = now(),
  look_up_at = clock_timestamp() + interval '1 minute', due_at = clock_timestamp() + make_interval(secs => {UNKNOWN_GRACE.total_seconds()})
from (select workspace_id, id from email_logs where status = 'sending' and lease_until < clock_timestamp()
  order by lease_until limit {BATCH} for no key update skip locked) lapsed
where e.workspace_id = lapsed.workspace_id and e.id = lapsed.id
returning e.workspace_id, e.id, e.attempts, e.provider_account_id""")

NOTED = text("""
update email_attempts a set outcome = 'unknown', finished_at = clock_timestamp(), reply = 'No reply was read'
from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[]), cast(:attempts as int[])) u(tenant, id, n)
where a.workspace_id = u.tenant and a.email_id = u.id and a.n = u.n and a.outcome is null""")

# Transmitting the same key again cannot deliver twice, so the key itself settles what became of it.
BY_KEY = text("""
update email_logs e set status = 'intent', due_at = clock_timestamp() + u.wait, hold_reason = 'settled_by_key'
from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[]), cast(:waits as interval[])) u(tenant, id, wait),
  provider_accounts p
where e.workspace_id = u.tenant and e.id = u.id and e.status = 'unknown' and e.to_address <> ''
  and p.workspace_id = e.workspace_id and p.id = e.provider_account_id and p.provider = any(:providers)""")

UNKNOWN = text(f"""
select e.workspace_id, e.id, e.on_unknown, e.run_id, e.node, e.visit from email_logs e
where e.status = 'unknown' and e.due_at <= clock_timestamp() and e.on_unknown <> 'hold'
order by e.id limit {BATCH} for no key update skip locked""")

SKIP = text("""
update email_logs e set status = 'skipped', settled_at = clock_timestamp(), updated_at = now(),
  reason = 'Its fate stayed unknown, and the workflow says to go on without it'
from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[])) u(tenant, id)
where e.workspace_id = u.tenant and e.id = u.id""")

AGAIN = text("""
insert into email_logs (workspace_id, id, send_key, kind, user_id, run_id, workflow_id, node, visit, contact_id,
  business_id, template_version_id, sender_id, to_address, to_name, context, content, priority, on_unknown,
  send_window, due_at, resend_of, topic, is_tracked)
select e.workspace_id, u.new_id, e.send_key || '#again', e.kind, e.user_id, e.run_id, e.workflow_id, e.node,
  e.visit, e.contact_id, e.business_id, e.template_version_id, e.sender_id, e.to_address, e.to_name, e.context,
  e.content, e.priority, e.on_unknown, e.send_window, clock_timestamp(), e.id,
  e.topic, e.is_tracked
from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[]), cast(:new_ids as uuid[])) u(tenant, id, new_id)
join email_logs e on e.workspace_id = u.tenant and e.id = u.id
on conflict (workspace_id, send_key) do nothing""")

RESENT = text("""
update email_logs e set status = 'resent', settled_at = clock_timestamp(), updated_at = now()
from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[])) u(tenant, id)
where e.workspace_id = u.tenant and e.id = u.id""")


def settle_lapsed(runtime: Runtime) -> int:
    """Due kind "mail_lapsed": `sending` whose lease lapsed becomes `unknown`."""
    with runtime.unit("worker") as services:
        rows = services.session.execute(LAPSED).all()
        if rows:
            given = {**_keys(rows), "attempts": [row.attempts for row in rows]}
            services.session.execute(NOTED, given)
            hand_over_again(services, rows, [timedelta(0)] * len(rows))
    return len(rows)


def hand_over_again(services: Services, rows: Sequence[Any], waits: Sequence[timedelta]) -> None:
    """Make intents of those unknown emails whose provider delivers nothing twice under the same key: each is handed
    to it once more after its wait, and so its fate is told. `rows` have workspace_id and id, and are locked."""
    if not rows:
        return
    plugins = services.registrations.plugins.of("email")
    by_key = [plugin.name for plugin in plugins if plugin.cls.idempotency is Idempotency.KEY]
    given = {**_keys(rows), "waits": list(waits), "providers": by_key}
    services.session.execute(BY_KEY, given)
    services.nudge("mail")


def settle_unknown(runtime: Runtime) -> int:
    """Due kind "mail_unknown": what `on_unknown` says, once nothing has told the fate for a while."""
    with runtime.unit("worker") as services:
        rows = services.session.execute(UNKNOWN).all()
        _skip(services, [row for row in rows if row.on_unknown == "skip"])
        resend(services, [row for row in rows if row.on_unknown == "resend"])
    return len(rows)


def _skip(services: Services, rows: Sequence[Any]) -> None:
    if not rows:
        return
    services.session.execute(SKIP, _keys(rows))
    stimuli = [
        stimulus(row.workspace_id, row.id, row.run_id, row.node, row.visit, Status.SKIPPED, "unknown")
        for row in rows
        if row.run_id is not None
    ]
    add_stimuli(services, stimuli)
    services.nudge("advance")


def resend(services: Services, rows: Sequence[Any]) -> None:
    """Send unknown emails again, each as a new one. `rows` have workspace_id and id, and are locked."""
    if not rows:
        return
    services.session.execute(AGAIN, {**_keys(rows), "new_ids": [new_id() for _ in rows]})
    services.session.execute(RESENT, _keys(rows))
    services.nudge("mail")


def _keys(rows: Sequence[Any]) -> dict[str, list[Any]]:
    return {"tenants": [row.workspace_id for row in rows], "ids": [row.id for row in rows]}
