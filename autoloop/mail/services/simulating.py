"""The email of a simulation: filled for the contact as it would be, with why it would not go or not yet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from autoloop.base.liquid import TemplateInvalid
from autoloop.base.services import Services
from autoloop.engine.graph import CompiledNode
from autoloop.engine.requests import EmailRequest
from autoloop.engine.simulate import World
from autoloop.engine.turns import State
from autoloop.mail.addresses import reasons_sql
from autoloop.mail.delivery.decisions import barred as barred_by
from autoloop.mail.delivery.decisions import wished
from autoloop.mail.delivery.outcomes import Outcome
from autoloop.mail.footer import with_footer
from autoloop.mail.models import Kind
from autoloop.mail.render import render
from autoloop.mail.services.contexts import context_of
from autoloop.mail.services.explaining import HELD
from autoloop.mail.services.lookups import Found, look_up
from autoloop.mail.windows import opens_in
from autoloop.plugins.outcomes import SendEmail

__all__ = ["simulated_email"]

SUPPRESSED = text(f"""
select {reasons_sql("w.id", "cast(:address as text)")} as suppressed, w.timezone, w.settings from workspaces w
where w.id = :workspace""")

WISHES = text("""
select c.mail_pace_days, c.mail_paused_until, case when c.mail_pace_days > 0 then (
  select max(coalesce(x.sent_at, x.updated_at)) from email_logs x where x.workspace_id = c.workspace_id
    and x.contact_id = c.id and x.kind = 'marketing'
    and (x.sent_at is not null or x.status in ('sending', 'unknown'))) end as marketed_at
from business_contacts c where c.workspace_id = :workspace and c.id = :contact""")


def simulated_email(
    services: Services, world: World, asked: SendEmail, state: State, node: CompiledNode, now: datetime
) -> dict[str, Any]:
    """The registration "send_email" of simulators: reads, sends nothing.

    {"subject", "html", "text", "to", "from", "barred": why it would be skipped or None, "hold": seconds until
    the window opens, "window", "holds": what it would wait for, each {"reason", "why", "until": None where a
    person must act}, "missing": fields without a value}.
    """
    request = _request(services, world, asked, state, node)
    found = look_up(services.session, [request])
    version, sender = found.version(request), found.sender(request)
    made: dict[str, Any] = {
        "to": world.contact.get("email") or "",
        "from": f"{sender['name']} <{sender['address']}>" if sender else None,
        "subject": None,
        "html": None,
        "text": None,
        "missing": [],
        "barred": None,
        "hold": 0.0,
        "holds": [],
    }
    if version is None:
        return made | {"barred": "The template is gone"}
    made |= _filled(request, found, world, now)
    waiting = list(_waiting(request, sender, found.workspaces[request.workspace_id]))
    asked_for = due = max(now, asked.due_at) if asked.due_at else now
    if wish := _wish(services, request, world, due):
        due += timedelta(seconds=wish.delay or 0)
        waiting.append((wish.hold or "", due))
    made |= _judged(services, request, world, made["barred"], due, found.topic(request))
    if made["hold"]:
        due += timedelta(seconds=made["hold"])
        waiting.append(("outside_window", due))
    made["hold"] = (due - asked_for).total_seconds()
    made["holds"] = [
        {"reason": reason, "why": HELD[reason], "until": until and until.isoformat()}
        for reason, until in waiting
    ]
    return made


def _postal_address(sender: Any, workspace: Any) -> str:
    return str((sender and sender["postal_address"]) or workspace["postal_address"])


def _waiting(request: EmailRequest, sender: Any, workspace: Any) -> Iterator[tuple[str, datetime | None]]:
    """What would hold the mail until a person acts. The simulation goes on as if somebody had."""
    if sender is None or sender["status"] == "archived":
        yield "no_sender", None
    elif sender["status"] == "paused":
        yield "sender_paused", None
    if request.kind == Kind.MARKETING and not _postal_address(sender, workspace):
        yield "no_postal_address", None


def _wish(services: Services, request: EmailRequest, world: World, due: datetime) -> Outcome | None:
    """What a contact of the workspace chose on the preference page: a pause, or fewer mails."""
    if world.invented or request.kind != Kind.MARKETING:
        return None
    values = {"workspace": services.workspace_id, "contact": world.contact_id}
    row = services.session.execute(WISHES, values).mappings().one_or_none()
    return wished({**row, "now": due}) if row else None


def _request(
    services: Services, world: World, asked: SendEmail, state: State, node: CompiledNode
) -> EmailRequest:
    return EmailRequest(
        services.workspace_id,
        UUID(state.run_id),
        world.contact_id,
        world.workflow_id,
        world.workflow_id,
        node.id,
        1,
        UUID(str(asked.template_id)),
        asked.template_version,
        UUID(str(asked.sender_id)) if asked.sender_id else None,
        asked.kind,
        variables=dict(asked.variables),
        topic=asked.topic,
        tracked=asked.tracked,
    )


def _filled(request: EmailRequest, found: Found, world: World, now: datetime) -> dict[str, Any]:
    """Subject and bodies, or why they cannot be made."""
    version, workspace = found.version(request), found.workspaces[request.workspace_id]
    context = context_of(
        version, request, world.contact, world.business, found.sender(request), workspace, now
    )
    try:
        mail = render(version, context)
    except TemplateInvalid as error:
        return {"barred": f"The message cannot be written: {error.message}"}
    html, plain = mail.html, mail.text
    if request.kind == Kind.MARKETING:
        filled, plain = with_footer(
            html,
            plain,
            postal_address=_postal_address(found.sender(request), workspace),
            unsubscribe_url="https://example.com/unsubscribe",
            preferences_url="https://example.com/preferences",
            locale=world.contact.get("locale") or workspace["locale"],
        )
        html = filled or html
    empty = [path for path in mail.missing if version.field_rules.get(path, {}).get("rule", "skip") == "skip"]
    barred = f"Empty for this person: {', '.join(empty)}" if empty else None
    return {
        "subject": mail.subject,
        "html": html,
        "text": plain,
        "missing": list(mail.missing),
        "barred": barred,
    }


def _judged(
    services: Services,
    request: EmailRequest,
    world: World,
    barred: str | None,
    due: datetime,
    topic: str | None,
) -> dict[str, Any]:
    """What delivery would say of this person and this hour."""
    values = {"workspace": services.workspace_id, "address": world.contact.get("email") or ""}
    row = services.session.execute(SUPPRESSED, values).mappings().one()
    consent = (world.contact.get("consent") or {}).get("marketing") or "unknown"
    facts = {
        "suppressed": row["suppressed"] and [each for each in row["suppressed"] if each],
        "contact_status": world.contact.get("status") or "active",
        "of_run": True,
        "consent_marketing": consent,
        "topic": topic,
        "topics": world.contact.get("topics") or (),
        "require_consent": bool((row["settings"] or {}).get("require_consent")),
    }
    if not world.contact.get("email"):
        barred = "The contact has no address"
    barred = barred or barred_by(Kind(request.kind), facts)
    window = world.settings.get("window")
    hold = 0.0
    if window and request.kind == Kind.MARKETING:
        zone = world.contact.get("timezone") or (world.business or {}).get("timezone") or row["timezone"]
        hold = opens_in(window, due, zone, row["timezone"], row["settings"])
    return {"barred": barred, "hold": hold, "window": window if hold else None}
