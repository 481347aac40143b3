"""Intents: how an email comes into being, in the transaction of whatever asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from autoloop.base.ids import new_id
from autoloop.base.services import Services
from autoloop.engine.requests import EmailRequest
from autoloop.engine.services.stimuli import add as add_stimuli
from autoloop.mail.delivery.outcomes import stimulus
from autoloop.mail.models import Kind, Status
from autoloop.mail.services.contexts import context_of
from autoloop.mail.services.lookups import Found, look_up

__all__ = ["ask_for_emails", "cancel_of_runs", "send_key"]

# The columns of an intent, in the types in which their JSON is read.
COLUMNS = {
    "workspace_id": "uuid",
    "id": "uuid",
    "send_key": "text",
    "kind": "text",
    "topic": "text",
    "is_tracked": "boolean",
    "status": "text",
    "reason": "text",
    "settled_at": "timestamptz",
    "run_id": "uuid",
    "workflow_id": "uuid",
    "node": "text",
    "visit": "int",
    "contact_id": "uuid",
    "business_id": "uuid",
    "template_version_id": "uuid",
    "sender_id": "uuid",
    "to_address": "text",
    "to_name": "text",
    "context": "jsonb",
    "priority": "smallint",
    "on_unknown": "text",
    "send_window": "jsonb",
    "due_at": "timestamptz",
}

# One text for all rows, taken apart by PostgreSQL: cheaper for both than a parameter for each value.
INSERT = text(f"""
insert into email_logs ({", ".join(COLUMNS)})
select {", ".join(f"u.{name}" for name in COLUMNS)}
from jsonb_to_recordset(cast(:rows as jsonb)) u({", ".join(map(" ".join, COLUMNS.items()))})
on conflict (workspace_id, send_key) do nothing returning id""")


def send_key(request: EmailRequest) -> str:
    """What makes a second request of the same step and visit do nothing."""
    return f"run:{request.run_id}:{request.node}:{request.visit}"


def ask_for_emails(services: Services, requests: Sequence[EmailRequest]) -> None:
    """The effect handler "send_email": one intent for each request, set-based, in the run's commit.

    Fixes address, sender, template version and the fields that the template reads. What can never be
    sent (no address, no template) is written down as skipped, and its run told.
    """
    if not requests:
        return
    from autoloop.businesses.services.facts import load_contacts

    contacts = load_contacts(services, sorted({(each.workspace_id, each.contact_id) for each in requests}))
    found = look_up(services.session, requests)
    now = services.session.execute(text("select now()")).scalar_one()
    rows = [_row(each, contacts.get(each.contact_id), found, now) for each in requests]
    # jsonb has no NUL; a lone one in a contact's data must not stop a batch
    given = orjson.dumps(rows).decode().replace("\\u0000", "\\ufffd")
    new = set(services.session.execute(INSERT, {"rows": given}).scalars())
    skipped = [
        stimulus(
            row["workspace_id"],
            row["id"],
            row["run_id"],
            row["node"],
            row["visit"],
            row["status"],
            row["reason"],
        )
        for row in rows
        if row["status"] == Status.SKIPPED and row["id"] in new
    ]
    if skipped:
        add_stimuli(services, skipped)
        services.nudge("advance")
    if len(skipped) < len(new):
        services.nudge("mail")


def _row(each: EmailRequest, facts: Mapping[str, Any] | None, found: Found, now: datetime) -> dict[str, Any]:
    contact: Mapping[str, Any] = (facts or {}).get("contact") or {}
    known = bool(contact)
    if each.contact and (known or each.invented):
        contact = {**contact, **each.contact}
    business: Mapping[str, Any] = (facts or {}).get("business") or {}
    of_business = UUID(business["id"]) if business else None
    business = {**business, **each.business}
    version = found.version(each)
    sender = found.sender(each)
    address = each.to or contact.get("email") or ""
    barred = _why_never(contact, address, version)
    window = found.windows.get((each.workspace_id, each.version_id))
    name = " ".join(part for part in (contact.get("first_name"), contact.get("last_name")) if part)
    context = context_of(version, each, contact, business, sender, found.workspaces[each.workspace_id], now)
    return {
        "workspace_id": each.workspace_id,
        "id": new_id(),
        "send_key": send_key(each),
        "kind": Kind.TEST.value if each.is_test else each.kind,
        "topic": found.topic(each),
        "is_tracked": barred is None and found.is_tracked(each, contact),
        "status": Status.SKIPPED.value if barred else Status.INTENT.value,
        "reason": barred,
        "settled_at": now if barred else None,
        "run_id": each.run_id,
        "workflow_id": each.workflow_id,
        "node": each.node,
        "visit": each.visit,
        "contact_id": each.contact_id if known else None,
        "business_id": of_business,
        "template_version_id": version.id if version is not None else None,
        "sender_id": sender["id"] if sender else None,
        "to_address": address,
        "to_name": name,
        "context": context,
        "priority": each.priority,
        "on_unknown": each.on_unknown,
        "send_window": {**(window or {}), **each.limits} if each.limits else window,
        "due_at": each.due_at or now,
    }


def _why_never(contact: Mapping[str, Any], address: str, version: Any) -> str | None:
    """Why this can never be sent, whatever becomes of limits and consent."""
    if not contact:
        return "The contact is gone"
    if not address:
        return "The contact has no address"
    return "The template is gone" if version is None else None


CANCEL = text("""
with mine as (select e.workspace_id, e.id from email_logs e
  join unnest(cast(:tenants as uuid[]), cast(:runs as uuid[])) u(tenant, run)
    on e.workspace_id = u.tenant and e.run_id = u.run
  where e.status = 'intent' order by e.id for no key update of e)
update email_logs e set status = 'cancelled', reason = 'The run has ended', lease_until = null,
  settled_at = clock_timestamp(), updated_at = now()
from mine where e.workspace_id = mine.workspace_id and e.id = mine.id and e.status = 'intent'""")


def cancel_of_runs(services: Services, runs: Iterable[tuple[UUID, UUID]]) -> int:
    """The effect handler "end_runs": call off what is not on its way yet. Returns how many.

    An email already `sending` cannot be recalled.
    """
    keys = list(runs)
    given = {"tenants": [key[0] for key in keys], "runs": [key[1] for key in keys]}
    return int(services.session.execute(CANCEL, given).rowcount)  # type: ignore[attr-defined]
