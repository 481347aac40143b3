"""Shapes of what limits the rate of mail, in and out."""

from __future__ import annotations

from typing import Any

import colander

from autoloop.base.i18n import _
from autoloop.mail.schemas.nodes import id_of, moment, text

__all__ = ["BreakEnd", "ChangeLimit", "LimitOut", "SendingOut", "SetLimit"]


class Figure(colander.Integer):  # type: ignore[misc]
    """A number of mails; null is a value too: it takes the figure away."""

    nullable = True

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if isinstance(cstruct, bool):
            raise colander.Invalid(node, _("This is no number."))
        return None if cstruct is None else super().deserialize(node, cstruct)


def mails(title: Any, least: int, most: int) -> colander.SchemaNode:
    return colander.SchemaNode(
        Figure(strict=True), title=title, validator=Between(least, most), missing=colander.drop
    )


class Between(colander.Range):  # type: ignore[misc]
    """A range that lets null pass."""

    def __call__(self, node: colander.SchemaNode, value: Any) -> None:
        if value is not None:
            super().__call__(node, value)


class ChangeLimit(colander.MappingSchema):
    per_second = mails(_("A second"), 1, 100_000)
    per_minute = mails(_("A minute"), 1, 1_000_000)
    per_hour = mails(_("An hour"), 1, 10_000_000)
    per_day = mails(_("A day"), 0, 100_000_000)


class SetLimit(ChangeLimit):
    """Of at most one of these; without any, of the whole workspace."""

    account_id = id_of(_("Through this provider account"), missing=None)
    sender_id = id_of(_("From this sender"), missing=None)
    domain_id = id_of(_("From this sending domain"), missing=None)
    recipient_domain = text(_("To this domain; * for each"), 253, missing=None)


class LimitOut(colander.MappingSchema):
    id = text("Id")
    account_id = text("Of mail through this provider account", missing=None)
    account_name = text("Its name", missing=None)
    sender_id = text("Of mail from this sender", missing=None)
    sender_address = text("Its address", 320, missing=None)
    domain_id = text("Of mail from this sending domain", missing=None)
    domain_name = text("Its name", 253, missing=None)
    recipient_domain = text("Of mail to this domain; * is each by itself", 253, missing=None)
    per_second = colander.SchemaNode(colander.Integer(), title="Mails a second", missing=None)
    per_minute = colander.SchemaNode(colander.Integer(), title="Mails a minute", missing=None)
    per_hour = colander.SchemaNode(colander.Integer(), title="Mails an hour", missing=None)
    per_day = colander.SchemaNode(
        colander.Integer(), title="Mails a day, in the workspace's zone; holds exactly", missing=None
    )
    created_at = moment("Made")
    updated_at = moment("Changed")


class BreakEnd(colander.MappingSchema):
    account_id = id_of(_("Provider account"))
    domain = colander.SchemaNode(
        colander.String(allow_empty=True),
        title=_("Recipient domain; empty for the account itself"),
        validator=colander.Length(max=253),
        missing="",
    )


class BrakeOut(colander.MappingSchema):
    kind = text("limit, cap, ramp, slowed, breaker, account, or other")
    title = text("What it is about", 500)
    figure = text("How much it lets through", 500)
    note = text("What was said, or how much is used", 1000)
    reason = text("With the kind other: the hold_reason of its mail", missing=None)
    waiting = colander.SchemaNode(colander.Integer(), title="How many emails wait for it")
    more_waiting = colander.SchemaNode(colander.Boolean(), title="There are more than were counted")
    next_at = moment("When the next of them is looked at", missing=None)
    last_at = moment("When the last of them is", missing=None)
    until = moment("When a break ends", missing=None)
    used = colander.SchemaNode(colander.Integer(), title="Used of the day", missing=None)
    most = colander.SchemaNode(colander.Integer(), title="What the day allows", missing=None)
    limit_id = text("The limit", missing=None)
    sender_id = text("The sender", missing=None)
    account_id = text("The provider account", missing=None)
    domain = text("The recipient domain that was slowed", 253, missing=None)


class Brakes(colander.SequenceSchema):
    brake = BrakeOut()


class SendingOut(colander.MappingSchema):
    now = moment("When this was true")
    waiting = colander.SchemaNode(
        colander.Integer(), title="Emails that have not left; of each reason at most 10,000 are counted"
    )
    more_waiting = colander.SchemaNode(colander.Boolean(), title="There are more than were counted")
    free = colander.SchemaNode(colander.Integer(), title="Those of them that nothing holds back")
    more_free = colander.SchemaNode(colander.Boolean(), title="There are more than were counted")
    sending = colander.SchemaNode(colander.Integer(), title="Being handed over")
    last_minute = colander.SchemaNode(
        colander.Integer(), title="Accepted in the last minute; at most 100,000 are counted"
    )
    last_hour = colander.SchemaNode(
        colander.Integer(), title="Accepted in the last hour; at most 100,000 are counted"
    )
    brakes = Brakes(title="What limits the rate; what holds most mail first")
