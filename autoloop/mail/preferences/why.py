"""Why somebody got a mail, in plain words: who sent it, what started it, what they had agreed to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from autoloop.base.i18n import _
from autoloop.base.services import Services
from autoloop.mail.preferences.service import Recipient

__all__ = ["why"]

FOUND = text("""
select t.name as template, f.name as workflow, r.trigger, r.started_at, e.is_tracked
from email_logs e
left join email_template_versions v on v.workspace_id = e.workspace_id and v.id = e.template_version_id
left join email_templates t on t.workspace_id = v.workspace_id and t.id = v.template_id
left join automation_workflows f on f.workspace_id = e.workspace_id and f.id = e.workflow_id
left join workflow_runs r on r.workspace_id = e.workspace_id and r.id = e.run_id
where e.workspace_id = :workspace and e.id = :email""")

STARTED = {
    "manual": _("a person started it for you"),
    "api": _("a program of the sender started it for you"),
    "schedule": _("it started at a set time"),
    "incoming_webhook": _("another system of the sender told of you"),
    "webhook": _("another system of the sender told of you"),
    "form": _("you filled in a form"),
    "form_submitted": _("you filled in a form"),
    "contact_created": _("you were added to the sender's contacts"),
    "segment_entered": _("what the sender knows of you matched a group"),
    "tag_added": _("the sender put a label on your record"),
}
ELSE = _("something that concerns you happened")

CONSENT = {
    "granted": _("You agreed to marketing mail."),
    "denied": _("You said no to marketing mail."),
    "unknown": _("Nothing is noted about your consent."),
}
TRACKED = _("You agreed to it: the sender sees when you open this email and which of its links you follow.")
UNTRACKED = _("Nothing is recorded when you open this email or follow its links.")
SOURCES = {
    "import": _("from a list that the sender imported"),
    "api": _("from a program of the sender"),
    "form": _("on a form"),
    "preferences": _("on the preference page"),
    "unsubscribe": _("by the unsubscribe link"),
    "email.unsubscribed": _("by the unsubscribe link"),
    "page": _("noted by a person at the sender"),
}


def why(services: Services, found: Recipient) -> dict[str, Any]:
    """{template, workflow, started, started_at, consent, consent_at, source, tracking}: marked strings and plain data."""
    given = {"workspace": found.email.workspace_id, "email": found.email.id}
    row = services.session.execute(FOUND, given).one()
    contact = found.contact
    source = contact.consent_source if contact else ""
    return {
        "template": row.template,
        "workflow": row.workflow,
        "started": STARTED.get(row.trigger, ELSE) if row.trigger else None,
        "started_at": row.started_at,
        "consent": CONSENT[contact.consent_marketing if contact else "unknown"],
        "consent_at": contact.consent_at if contact else None,
        "source": SOURCES.get(source, source),
        "tracking": TRACKED
        if row.is_tracked and contact and contact.consent_tracking == "granted"
        else UNTRACKED,
    }
