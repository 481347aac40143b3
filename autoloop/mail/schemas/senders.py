"""Shapes of senders."""

from __future__ import annotations

import colander

from autoloop.base.i18n import _
from autoloop.mail.governor.ramps import Ramp
from autoloop.mail.headers import Headers
from autoloop.mail.schemas.nodes import id_of, line, lines, moment, one_of, plain, text

__all__ = ["ChangeSender", "CreateSender", "SenderHealthOut", "SenderOut"]


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
