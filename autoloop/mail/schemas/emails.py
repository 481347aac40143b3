"""Shapes of emails, and of what is asked of them."""

from __future__ import annotations

import colander

from autoloop.base.i18n import _
from autoloop.mail.models import Kind, Status
from autoloop.mail.schemas.nodes import id_of, moment, one_of, text
from autoloop.mail.services.unknowns import FATES
from autoloop.mail.tracking.schemas import TouchesOut
from autoloop.web.input import ListQuery

__all__ = ["EmailOut", "EmailRowOut", "EmailsQuery", "SendTest", "Settle"]


class EmailsQuery(ListQuery):
    status = one_of(_("Status"), Status, missing=None)
    kind = one_of(_("Kind"), Kind, missing=None)
    contact_id = id_of(_("Contact"), missing=None)
    business_id = id_of(_("Business"), missing=None)
    run_id = id_of(_("Run"), missing=None)
    workflow_id = id_of(_("Workflow"), missing=None)
    sender_id = id_of(_("Sender"), missing=None)


class EmailRowOut(colander.MappingSchema):
    id = text("Id")
    kind = text("marketing, transactional, test or system")
    status = text("Where it stands")
    hold_reason = text("Why it waits, while it is an intent", missing=None)
    reason = text("Why it ended so", 1000, missing=None)
    to_address = text("To", 320)
    to_name = text("Name of the recipient")
    subject = text("Subject, once it was written", 1000, missing=None)
    run_id = text("Run", missing=None)
    workflow_id = text("Workflow", missing=None)
    node = text("Step of the workflow", missing=None)
    contact_id = text("Contact", missing=None)
    business_id = text("Business", missing=None)
    sender_id = text("Sender", missing=None)
    attempts = colander.SchemaNode(colander.Integer(), title="How often it was tried")
    due_at = moment("When it is tried (again)")
    sent_at = moment("When it was accepted", missing=None)
    settled_at = moment("When its state was last known", missing=None)
    created_at = moment("When it was asked for")


class AttemptOut(colander.MappingSchema):
    n = colander.SchemaNode(colander.Integer(), title="Which attempt")
    marked_at = moment("When it was marked as sending", missing=None)
    finished_at = moment("When the reply came", missing=None)
    outcome = text(
        "accepted, temporary, permanent, unknown; deferred or refused before the mark", missing=None
    )
    code = colander.SchemaNode(colander.Integer(), title="Code of the reply", missing=None)
    reply = text("What was replied", 1000, missing=None)


class Attempts(colander.SequenceSchema):
    attempt = AttemptOut()


class EmailOut(EmailRowOut):
    topic = text("Topic of marketing mail", missing=None)
    send_key = text("What makes it the only one of its kind")
    message_id = text("Message-ID", missing=None)
    on_unknown = text("What to do if its fate stays unknown")
    priority = colander.SchemaNode(colander.Integer(), title="Priority")
    first_tried_at = moment("First tried", missing=None)
    resend_of = text("The email it repeats", missing=None)
    sender_name = text("Sender's name", missing=None)
    sender_address = text("Sender's address", 320, missing=None)
    workflow_name = text("Workflow's name", missing=None)
    template_id = text("Template", missing=None)
    template_name = text("Template's name", missing=None)
    template_number = colander.SchemaNode(colander.Integer(), title="Template's version", missing=None)
    attempts_made = Attempts(title="Every attempt")
    is_tracked = colander.SchemaNode(colander.Boolean(), title="Are its opens and clicks recorded?")
    touches = TouchesOut(title="Its opens and clicks")
    body = text("The text as the recipient reads it", 1_000_000, missing=None)


class Settle(colander.MappingSchema):
    fate = one_of(_("What became of it"), FATES)


class SendTest(colander.MappingSchema):
    template_id = id_of(_("Template"))
    number = colander.SchemaNode(
        colander.Integer(), title=_("Version"), validator=colander.Range(1, 10_000_000), missing=None
    )
    to_address = text(_("To"), 320)
    contact_id = id_of(_("Filled as for"), missing=None)
    sender_id = id_of(_("Sender"), missing=None)
