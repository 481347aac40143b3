"""Shapes of emails whose fate nobody knows."""

from __future__ import annotations

import colander

from autoloop.base.i18n import _
from autoloop.mail.models import Kind
from autoloop.mail.schemas.nodes import id_of, moment, one_of, text
from autoloop.mail.services.unknowns import FATES
from autoloop.web.input import ListQuery

__all__ = ["ON_UNKNOWN", "SettleMany", "SettledOut", "UnknownOut", "UnknownsFilter", "UnknownsQuery"]

ON_UNKNOWN = ("hold", "skip", "resend")


class UnknownsQuery(ListQuery):
    kind = one_of(_("Kind"), Kind, missing=None)
    workflow_id = id_of(_("Workflow"), missing=None)
    sender_id = id_of(_("Sender"), missing=None)
    provider_account_id = id_of(_("Provider"), missing=None)
    on_unknown = one_of(_("If it stays unknown"), ON_UNKNOWN, missing=None)
    before = moment(_("Unknown since before"), missing=None)


class UnknownsFilter(colander.MappingSchema):
    """As the list takes it; all must hold."""

    q = text(_("Address or subject"), missing=colander.drop)
    kind = one_of(_("Kind"), Kind, missing=colander.drop)
    workflow_id = id_of(_("Workflow"), missing=colander.drop)
    sender_id = id_of(_("Sender"), missing=colander.drop)
    provider_account_id = id_of(_("Provider"), missing=colander.drop)
    on_unknown = one_of(_("If it stays unknown"), ON_UNKNOWN, missing=colander.drop)
    before = moment(_("Unknown since before"), missing=colander.drop)


class Ids(colander.SequenceSchema):
    id = id_of(_("Email"))


class SettleMany(colander.MappingSchema):
    """Either `ids` or `filter`; an empty filter means all there are."""

    fate = one_of(_("What became of them"), FATES)
    ids = Ids(title=_("Emails"), validator=colander.Length(1, 1000), missing=colander.drop)
    filter = UnknownsFilter(title=_("Filter"), missing=colander.drop)


class SettledOut(colander.MappingSchema):
    settled = colander.SchemaNode(colander.Integer(), title="How many were settled")
    passed_over = colander.SchemaNode(colander.Integer(), title="Named, but known by now, or erased")
    left = colander.SchemaNode(colander.Integer(), title="How many more the filter finds; ask again for them")


class UnknownOut(colander.MappingSchema):
    id = text("Id")
    kind = text("marketing, transactional, test or system")
    to_address = text("To; empty once it was erased", 320)
    to_name = text("Name of the recipient")
    subject = text("Subject", 1000, missing=None)
    message_id = text("Message-ID, to look for in the server's log", 1000, missing=None)
    workflow_id = text("Workflow", missing=None)
    workflow_name = text("Workflow's name", missing=None)
    run_id = text("Run", missing=None)
    node = text("Step of the workflow", missing=None)
    contact_id = text("Contact", missing=None)
    sender_name = text("Sender's name", missing=None)
    provider_account_id = text("The account it left through", missing=None)
    account_name = text("Name of the account", missing=None)
    provider = text("Provider plugin", missing=None)
    reason = text("Why nobody knows", 1000, missing=None)
    attempts = colander.SchemaNode(colander.Integer(), title="How often it was tried")
    marked_at = moment("When the last attempt was handed over", missing=None)
    code = colander.SchemaNode(colander.Integer(), title="Code of the last reply", missing=None)
    reply = text("The last reply", 1000, missing=None)
    look_ups = colander.SchemaNode(colander.Integer(), title="How often the provider was asked about it")
    look_up_at = moment("When it is asked again", missing=None)
    on_unknown = text("What happens by itself: hold, skip or resend")
    due_at = moment("When that happens, unless it is hold")
    settled_at = moment("Unknown since", missing=None)
    created_at = moment("When it was asked for")
