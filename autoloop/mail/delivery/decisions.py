"""May this email go now? Asked when it is claimed and, with the answer that counts, in the mark."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from autoloop.engine.models import ENDED
from autoloop.mail.addresses import reasons_sql
from autoloop.mail.delivery.groups import POLL, UNJUDGED, Group
from autoloop.mail.delivery.outcomes import Outcome
from autoloop.mail.delivery.outgoing import Outgoing
from autoloop.mail.governor.companies import hold_back
from autoloop.mail.governor.pausing import why_paused
from autoloop.mail.models import Kind, Status
from autoloop.mail.windows import opens_in

__all__ = ["barred", "decide"]

log = logging.getLogger(__name__)

UNLOCATED = 60.0  # seconds until another look at marketing mail that cannot say where it comes from

FACTS = text(f"""
select e.workspace_id, e.id, e.kind, e.to_address = '' as erased, e.run_id is not null as of_run, e.contact_id, e.send_window,
  r.status as run_status, f.status as workflow_status, s.status as sender_status,
  s.paused_because as sender_paused_because,
  c.status as contact_status, c.consent_marketing, e.topic, c.topics, w.timezone as workspace_timezone,
  w.settings -> 'working_days' as working_days, w.settings -> 'holidays' as holidays,
  coalesce(nullif(c.timezone, ''), nullif(b.timezone, ''), w.timezone) as contact_timezone,
  e.kind <> 'marketing' or coalesce(nullif(s.postal_address, ''), w.postal_address) <> '' as located,
  coalesce((w.settings ->> 'require_consent')::boolean, false) as require_consent,
  case when e.kind = 'marketing' and coalesce(c.business_id, e.business_id) is not null
    then w.settings -> 'company_cap' end as company_cap,
  case when c.id is null then e.business_id else c.business_id end as business_id, clock_timestamp() as now,
  case when e.send_window ? 'cooldown_hours' then (
    select max(coalesce(x.sent_at, x.updated_at)) from email_logs x
    where x.workspace_id = e.workspace_id and x.contact_id = e.contact_id and x.id <> e.id
      and x.id is distinct from e.resend_of and x.kind in ('marketing', 'transactional')
      and (x.sent_at is not null or x.status in ('sending', 'unknown'))) end as mailed_at,
  case when e.send_window ? 'once' then exists (
    select 1 from email_logs x
    join email_template_versions y on y.workspace_id = x.workspace_id and y.id = x.template_version_id
    join email_template_versions z on z.workspace_id = e.workspace_id and z.id = e.template_version_id
    where x.workspace_id = e.workspace_id and x.contact_id = e.contact_id and x.id <> e.id
      and x.id is distinct from e.resend_of and y.template_id = z.template_id
      and x.kind in ('marketing', 'transactional')
      and (x.sent_at is not null or x.status in ('sending', 'unknown'))) end as had_it,
  c.mail_pace_days, c.mail_paused_until,
  case when e.kind = 'marketing' and c.mail_pace_days > 0 then (
    select max(coalesce(x.sent_at, x.updated_at)) from email_logs x
    where x.workspace_id = e.workspace_id and x.contact_id = e.contact_id and x.id <> e.id
      and x.kind = 'marketing' and (x.sent_at is not null or x.status in ('sending', 'unknown'))) end as marketed_at,
  {reasons_sql("e.workspace_id", "e.to_address")} as suppressed
from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[])) u(tenant, id)
join email_logs e on e.workspace_id = u.tenant and e.id = u.id
join workspaces w on w.id = e.workspace_id
left join workflow_runs r on r.workspace_id = e.workspace_id and r.id = e.run_id
left join automation_workflows f on f.workspace_id = e.workspace_id and f.id = e.workflow_id
left join senders s on s.workspace_id = e.workspace_id and s.id = e.sender_id
left join business_contacts c on c.workspace_id = e.workspace_id and c.id = e.contact_id
left join businesses b on b.workspace_id = e.workspace_id and b.id = c.business_id""")


def decide(session: Session, mails: Sequence[Outgoing], *, certain: bool = False) -> dict[UUID, Outcome]:
    """Email id → why it must not go now. An email that is absent may go (but for the sender's cap).

    `certain` is the mark's: what it counts stays so until its transaction ends.
    """
    given = {"tenants": [mail.workspace_id for mail in mails], "ids": [mail.id for mail in mails]}
    rows = session.execute(FACTS, given).mappings().all()
    group = Group(session, rows)
    held, shared = {}, []
    for row in sorted(rows, key=lambda row: row["id"]):
        answer = _sure(dict(row)) or group.refuse(row)
        if answer is not None:
            held[row["id"]] = answer
            continue
        group.let(row)
        if row["company_cap"] and row["business_id"]:
            shared.append(row)
    if shared:
        held |= hold_back(session, shared, certain=certain)
    return held


def _sure(row: Mapping[str, Any]) -> Outcome | None:
    """The verdict; one email that nobody can judge is held, and holds up no other."""
    try:
        return verdict(row)
    except Exception:
        log.exception("email %s cannot be judged", row["id"])
        return _hold("cannot_be_judged", UNJUDGED)


def verdict(row: Mapping[str, Any]) -> Outcome | None:
    """One email's answer: skip it, hold it, cancel it, or None to send."""
    kind = Kind(row["kind"])
    if row.get("erased"):
        return Outcome(Status.CANCELLED, "The contact was deleted")
    if kind is Kind.SYSTEM:
        return None
    if row["run_status"] in ENDED:
        return Outcome(Status.CANCELLED, "The run has ended")
    if row["run_status"] in ("paused", "blocked", "quarantined"):
        return _hold("run_paused", POLL)
    if row["of_run"] and row["workflow_status"] == "paused" and kind is not Kind.TEST:
        return _hold("workflow_paused", POLL)
    if row["sender_status"] != "active":
        return _without_sender(row)
    why = barred(kind, row)
    if why:
        return Outcome(Status.SKIPPED, why)
    if not row.get("located", True):
        return _hold("no_postal_address", UNLOCATED)
    if kind is not Kind.TEST and (why := _too_much(row)):
        return Outcome(Status.SKIPPED, why)
    if kind is Kind.MARKETING and (wish := wished(row)):
        return wish
    if kind is Kind.MARKETING and row["send_window"]:
        wait = opens_in(
            row["send_window"], row["now"], row["contact_timezone"], row["workspace_timezone"], row
        )
        if wait > 0:
            return _hold("outside_window", wait)
    return None


def _without_sender(row: Mapping[str, Any]) -> Outcome:
    """Its mail waits for a person; with the reason, where we paused the sender ourselves."""
    if row["sender_status"] != "paused":
        return _hold("no_sender", POLL)
    why = why_paused(row.get("sender_paused_because"))
    return Outcome(Status.INTENT, why and why.interpolate(), hold="sender_paused", delay=POLL)


def wished(row: Mapping[str, Any]) -> Outcome | None:
    """What the person chose on the preference page: no marketing mail until a day, or one in so many days."""
    until, last = row.get("mail_paused_until"), row.get("marketed_at")
    if until is not None and until > row["now"]:
        return _hold("paused_by_contact", (until - row["now"]).total_seconds())
    if last is not None:
        wait = (last + timedelta(days=row["mail_pace_days"]) - row["now"]).total_seconds()
        return _hold("pace", wait) if wait > 0 else None
    return None


def _too_much(row: Mapping[str, Any]) -> str | None:
    """Why the step's own limits keep this mail back: it had this one before, or another a short while ago."""
    if row.get("had_it"):
        return "This template was sent to the contact before"
    last = row.get("mailed_at")
    if last is not None:
        hours = float(row["send_window"]["cooldown_hours"])
        if row["now"] - last < timedelta(hours=hours):
            return f"Another email went to the contact within {hours:g} hours"
    return None


def barred(kind: Kind, row: Mapping[str, Any]) -> str | None:
    """Why this person must not get this kind of mail."""
    reasons = set(row["suppressed"] or ())
    if kind is not Kind.MARKETING:
        reasons.discard("unsubscribed")
    if reasons:
        return f"Suppressed: {', '.join(sorted(reasons))}"
    if kind is Kind.TEST:
        return None
    status = row["contact_status"]
    if status is None:
        return "The contact is gone" if kind is Kind.MARKETING or row["of_run"] else None
    if status in ("bounced", "complained"):
        return f"The contact is marked as {status}"
    if kind is not Kind.MARKETING:
        return None
    if status != "active":
        return f"The contact is {status}"
    if row["consent_marketing"] == "denied" or (
        row["require_consent"] and row["consent_marketing"] != "granted"
    ):
        return "No consent to marketing mail"
    if row.get("topic") and row["topic"] not in row["topics"]:
        return f"The contact does not subscribe to the topic {row['topic']}"
    return None


def _hold(reason: str, seconds: float) -> Outcome:
    return Outcome(Status.INTENT, hold=reason, delay=seconds)
