"""Why an email was sent, was not, or is not yet; and why a contact would get none. In sentences."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from autoloop.base.i18n import _
from autoloop.base.services import Services
from autoloop.mail.addresses import reasons_sql
from autoloop.mail.delivery.decisions import barred
from autoloop.mail.models import Email, Kind, Status

__all__ = ["explain_contact", "explain_email", "explain_emails"]

HELD = {
    "run_paused": _("its run is paused or held"),
    "workflow_paused": _("the workflow is paused"),
    "sender_paused": _("the sender is paused"),
    "pace": _("the contact wants fewer emails"),
    "cooldown": _("another email goes to the contact right now"),
    "paused_by_contact": _("the contact wants a pause"),
    "no_sender": _("there is no sender for it"),
    "no_postal_address": _(
        "marketing mail needs a postal address: give one to the sender or in the workspace's settings"
    ),
    "outside_window": _("the workflow's send window is closed"),
    "company_cap": _("its company has had as many emails as the workspace allows"),
    "daily_cap": _("a limit of the day is reached"),
    "rate": _("as much mail as a limit allows is on its way"),
    "slowed": _("the receiving domain asks for fewer emails"),
    "breaker": _("the receiving domain takes no mail from here for a while"),
    "deferred": _("the receiving server asked to try again later"),
    "no_account": _("there is no active provider account"),
    "no_provider": _("the provider's plugin is missing or does not work"),
    "no_key": _("the key that signs its mail cannot be opened"),
    "account_resting": _("the provider account rests after an error"),
    "cannot_be_judged": _("an error kept it from being judged"),
}
SAID = {
    Status.INTENT: _("The email is about to be sent"),
    Status.SENDING: _("The email is being sent"),
    Status.ACCEPTED: _("The email was sent: the receiving server accepted it"),
    Status.DELIVERED: _("The email was delivered"),
    Status.REJECTED: _("The email was refused"),
    Status.UNKNOWN: _("Nobody can say whether the email arrived"),
    Status.SKIPPED: _("The email was not sent"),
    Status.CANCELLED: _("The email was called off"),
    Status.RESENT: _("Nobody can say whether the email arrived, so it was sent again"),
    Status.BOUNCED: _("The email came back"),
    Status.COMPLAINED: _("The email was sent, and reported as spam"),
}
OPEN = frozenset({Status.INTENT, Status.SENDING, Status.UNKNOWN})
ON_UNKNOWN = {
    "hold": _("it is held until a person decides"),
    "skip": _("it is then counted as not sent"),
    "resend": _("it is then sent again"),
}

CONTACT = text(f"""
select c.email, c.status as contact_status, c.consent_marketing,
  coalesce((w.settings ->> 'require_consent')::boolean, false) as require_consent, true as of_run,
  {reasons_sql("c.workspace_id", "c.email_normal")} as suppressed
from business_contacts c join workspaces w on w.id = c.workspace_id
where c.workspace_id = :workspace and c.id = :contact""")


def explain_emails(services: Services, *, run_id: UUID) -> list[dict[str, Any]]:
    """The explainer "emails": each email of a run, in order; `open` for those whose fate is not known yet."""
    query = select(Email).where(Email.workspace_id == services.workspace_id, Email.run_id == run_id)
    return [explain_email(row) for row in services.session.scalars(query.order_by(Email.id).limit(500))]


def explain_email(row: Email) -> dict[str, Any]:
    """One email: {"sentence", "because", "status", "hold_reason", "until", "open" …}. Sentences are to be
    translated."""
    status, why, until = Status(row.status), [], None
    if status is Status.INTENT and row.hold_reason:
        said: Any = _("The email is held back")
        why.append(HELD.get(row.hold_reason, row.hold_reason.replace("_", " ")))
        until = row.due_at
    else:
        said = SAID[status]
    if row.reason:
        why.append(row.reason)
    if status is Status.UNKNOWN:
        why.append(ON_UNKNOWN.get(row.on_unknown, row.on_unknown))
    sentence = _("${what}.", mapping={"what": said})
    if why:
        parts = {"what": said, "why": why[0]}
        if len(why) > 1:
            parts["why"] = _("${one}; ${other}", mapping={"one": why[0], "other": why[1]})
        sentence = _("${what}: ${why}.", mapping=parts)
    if until is not None:
        at = {"so": sentence, "at": f"{until:%Y-%m-%d %H:%M} UTC"}
        sentence = _("${so} It is tried again at ${at}.", mapping=at)
    return {
        "sentence": sentence,
        "because": why,
        "email_id": str(row.id),
        "node": row.node,
        "visit": row.visit,
        "kind": row.kind,
        "status": row.status,
        "reason": row.reason,
        "hold_reason": row.hold_reason if status is Status.INTENT else None,
        "until": until.isoformat() if until is not None else None,
        "open": status in OPEN,
    }


def explain_contact(services: Services, *, contact_id: UUID) -> list[dict[str, Any]]:
    """The explainer "contact": for marketing and transactional mail, whether the contact would get it."""
    values = {"workspace": services.workspace_id, "contact": contact_id}
    row = services.session.execute(CONTACT, values).mappings().one_or_none()
    if row is None:
        return []
    told = []
    for kind, word in ((Kind.MARKETING, _("marketing")), (Kind.TRANSACTIONAL, _("transactional"))):
        why = "The contact has no address" if not row["email"] else barred(kind, dict(row))
        if why:
            said = _("Gets no ${kind} mail: ${why}.", mapping={"kind": word, "why": why})
        else:
            said = _("May get ${kind} mail.", mapping={"kind": word})
        told.append({"sentence": said, "kind": kind.value, "barred": why})
    return told
