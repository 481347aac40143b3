"""Shapes of mail, in and out."""

from __future__ import annotations

from typing import Any

import colander

from autoloop.base.i18n import _
from autoloop.base.ids import parse_id
from autoloop.base.lines import few_lines, one_line, strip
from autoloop.mail.governor.ramps import Ramp
from autoloop.mail.headers import Headers
from autoloop.mail.models import REASONS, Kind, Status
from autoloop.mail.tracking.schemas import TouchesOut
from autoloop.web.input import ListQuery

__all__ = [
    "AccountOut",
    "AddSuppression",
    "ChangeAccount",
    "ChangeSender",
    "CreateAccount",
    "CreateSender",
    "EmailOut",
    "EmailRowOut",
    "EmailsQuery",
    "InstanceSuppressionOut",
    "MailboxOut",
    "MailboxRowOut",
    "ProviderKindOut",
    "SendTest",
    "SenderHealthOut",
    "SenderOut",
    "Settle",
    "SuppressionOut",
    "SuppressionsImportOut",
    "SuppressionsQuery",
    "UnsubscribedOut",
]


class Id(colander.SchemaType):  # type: ignore[misc]
    """A uuid in canonical form; with `nullable`, null is a value too: it empties the field."""

    def __init__(self, *, nullable: bool = False) -> None:
        self.nullable = nullable

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null or (cstruct is None and self.nullable):
            return cstruct
        found = parse_id(cstruct) if isinstance(cstruct, str) else None
        if found is None:
            raise colander.Invalid(node, _("This is no id."))
        return found


class NullableText(colander.String):  # type: ignore[misc]
    """Text of which "" and null are values: they empty the field."""

    nullable = True

    def __init__(self) -> None:
        super().__init__(allow_empty=True)

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        return "" if cstruct is None else super().deserialize(node, cstruct)


def text(title: Any, most: int = 200, *, nullable: bool = False, **options: Any) -> colander.SchemaNode:
    kind = NullableText() if nullable else colander.String()
    return colander.SchemaNode(kind, title=title, validator=colander.Length(max=most), **options)


def line(title: Any, most: int = 200, *, least: int = 1, **options: Any) -> colander.SchemaNode:
    """What something is called: one line."""
    validator = colander.All(colander.Length(least, most), one_line)
    return colander.SchemaNode(
        colander.String(allow_empty=not least), title=title, preparer=strip, validator=validator, **options
    )


def lines(title: Any, most: int = 200, **options: Any) -> colander.SchemaNode:
    """A few lines, or none."""
    validator = colander.All(colander.Length(max=most), few_lines)
    return colander.SchemaNode(
        colander.String(allow_empty=True), title=title, preparer=strip, validator=validator, **options
    )


def id_of(title: Any, *, nullable: bool = False, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(Id(nullable=nullable), title=title, **options)


def moment(title: Any, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.DateTime(), title=title, **options)


def one_of(title: Any, values: Any, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(
        colander.String(), title=title, validator=colander.OneOf([str(value) for value in values]), **options
    )


def plain(title: Any, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(colander.Mapping(unknown="preserve"), title=title, **options)


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
    fate = one_of(_("What became of it"), ("accepted", "rejected", "skipped", "resend"))


class SendTest(colander.MappingSchema):
    template_id = id_of(_("Template"))
    number = colander.SchemaNode(
        colander.Integer(), title=_("Version"), validator=colander.Range(1, 10_000_000), missing=None
    )
    to_address = text(_("To"), 320)
    contact_id = id_of(_("Filled as for"), missing=None)
    sender_id = id_of(_("Sender"), missing=None)


class SenderFields(colander.MappingSchema):
    reply_to = text(_("Replies go to"), 320, nullable=True, missing=colander.drop)
    provider_account_id = id_of(_("Sent through"), nullable=True, missing=colander.drop)
    daily_cap = colander.SchemaNode(
        colander.Integer(),
        title=_("At most a day"),
        validator=colander.Range(0, 10_000_000),
        missing=colander.drop,
    )
    ramp = Ramp(title=_("Warm-up"), missing=colander.drop)
    timezone = text(_("Time zone of its day"), 60, missing=colander.drop)
    postal_address = lines(_("Postal address"), 1000, missing=colander.drop)
    headers = colander.SchemaNode(Headers(), title=_("Extra headers"), missing=colander.drop)


class CreateSender(SenderFields):
    name = line(_("Name"), 120)
    address = text(_("Address"), 320)


class ChangeSender(SenderFields):
    name = line(_("Name"), 120, missing=colander.drop)
    status = one_of(_("Status"), ("active", "paused"), missing=colander.drop)
    is_default = colander.SchemaNode(colander.Boolean(), title=_("Default"), missing=colander.drop)
    no_cap = colander.SchemaNode(colander.Boolean(), title=_("No daily limit"), missing=colander.drop)
    no_ramp = colander.SchemaNode(colander.Boolean(), title=_("No warm-up"), missing=colander.drop)


class SenderOut(colander.MappingSchema):
    id = text("Id")
    name = text("Name")
    address = text("Address", 320)
    reply_to = text("Replies go to", 320, missing=None)
    domain_id = text("Sending domain", missing=None)
    provider_account_id = text("Sent through; empty for the default", missing=None)
    daily_cap = colander.SchemaNode(colander.Integer(), title="At most a day", missing=None)
    used_today = colander.SchemaNode(colander.Integer(), title="Used of it today")
    cap_today = colander.SchemaNode(
        colander.Integer(), title="Today's limit: the lower of cap and warm-up", missing=None
    )
    ramp = plain("Warm-up; `since` is its first day", missing=None)
    timezone = text("Time zone of its day")
    postal_address = text("Postal address; empty for the workspace's", 1000)
    headers = plain("Headers of all its mail, by name")
    is_default = colander.SchemaNode(colander.Boolean(), title="Default")
    status = text("Status")
    paused_because = plain("The trouble for which it was paused; empty if a person did it", missing=None)
    paused_at = moment("When it was paused for it", missing=None)
    created_at = moment("Made")
    updated_at = moment("Changed")


class SenderHealthOut(colander.MappingSchema):
    since = moment("Counted from here")
    days = colander.SchemaNode(colander.Integer(), title="Over how many days")
    sent = colander.SchemaNode(colander.Integer(), title="Mails sent since then")
    complaints = colander.SchemaNode(colander.Integer(), title="How many of these were reported as spam")
    bounces = colander.SchemaNode(colander.Integer(), title="How many of these came back for good")
    limits = plain("What pauses it, in percent; empty if nothing does", missing=None)


class CreateAccount(colander.MappingSchema):
    name = line(_("Name"), 120)
    provider = text(_("Provider"), 60)
    config = plain(_("Settings"), missing=colander.drop)


class ChangeAccount(colander.MappingSchema):
    name = line(_("Name"), 120, missing=colander.drop)
    config = plain(_("Settings; secrets that are left out stay"), missing=colander.drop)
    status = one_of(_("Status"), ("active", "off"), missing=colander.drop)
    failover_id = id_of(_("Stands in while this one rests"), nullable=True, missing=colander.drop)
    is_default = colander.SchemaNode(colander.Boolean(), title=_("Default"), missing=colander.drop)


class AccountOut(colander.MappingSchema):
    id = text("Id")
    name = text("Name")
    provider = text("Provider plugin")
    config = plain("Settings without the secret ones")
    has_secrets = colander.SchemaNode(colander.Boolean(), title="Are there secret settings?")
    is_default = colander.SchemaNode(colander.Boolean(), title="Default")
    status = text("Status")
    problem = text("What is wrong with it", 1000, missing=None)
    problem_at = moment("Since", missing=None)
    rest_until = moment("Not tried before", missing=None)
    failover_id = text("The account that stands in while this one rests", missing=None)
    webhook_url = text("Where the provider posts its events", 1000, missing=None)
    last_event_at = moment("Last event that came from it", missing=None)
    created_at = moment("Made")
    updated_at = moment("Changed")


class ProviderKindOut(colander.MappingSchema):
    name = text("Name")
    title = text("Title")
    distribution = text("The package that brings it")
    idempotency = text("How it settles what is unknown")
    config = plain("Its settings as JSON Schema")
    secrets = colander.SchemaNode(
        colander.Sequence(), colander.SchemaNode(colander.String(), name="name"), title="Which are secret"
    )


class SuppressionsQuery(ListQuery):
    reason = one_of(_("Reason"), REASONS, missing=None)


class AddSuppression(colander.MappingSchema):
    address = text(_("Address"), 320)
    note = line(_("Note"), 500, least=0, missing="")


class SuppressionOut(colander.MappingSchema):
    id = text("Id")
    address = text("Address; empty once it was erased", 320, missing=None)
    reason = text("Why")
    note = text("Note", 500)
    email_id = text("The email it came from", missing=None)
    created_at = moment("Since")


class InstanceSuppressionOut(colander.MappingSchema):
    id = text("Id")
    address = text("Address, or domain as @example.org", 320, missing=None)
    note = text("Note", 500)
    created_at = moment("Since")


class SuppressionRejectOut(colander.MappingSchema):
    line = colander.SchemaNode(colander.Integer(), title="Line of the file")
    value = text("What stood there")
    message = text("What is wrong with it", 500)


class SuppressionRejectsOut(colander.SequenceSchema):
    reject = SuppressionRejectOut()


class SuppressionsImportOut(colander.MappingSchema):
    read = colander.SchemaNode(colander.Integer(), title="Lines read")
    added = colander.SchemaNode(colander.Integer(), title="New on the list")
    known = colander.SchemaNode(colander.Integer(), title="There before, or twice in the file")
    rejects = colander.SchemaNode(colander.Integer(), title="Lines that could not be used")
    rejected = SuppressionRejectsOut(title="The first 100 of these")


class MailboxRowOut(colander.MappingSchema):
    id = text("Id")
    message_id = text("Message-ID", 1000)
    sender = text("Envelope sender", 320)
    recipient = text("Envelope recipient", 320)
    subject = text("Subject", 500)
    size = colander.SchemaNode(colander.Integer(), title="Octets")
    created_at = moment("Captured")


class MailboxOut(MailboxRowOut):
    headers = colander.SchemaNode(
        colander.Sequence(),
        colander.SchemaNode(
            colander.Sequence(), colander.SchemaNode(colander.String(), name="part"), name="header"
        ),
        title="Headers, decoded, in order",
    )
    html = text("HTML", 10_000_000, missing=None)
    text = text("Text", 10_000_000)  # last: from here on the name is the field's


class UnsubscribedOut(colander.MappingSchema):
    unsubscribed = colander.SchemaNode(colander.Boolean(), title="Done")
