"""Shapes of captured mail."""

from __future__ import annotations

import colander

from autoloop.mail.schemas.nodes import moment, text

__all__ = ["MailboxOut", "MailboxRowOut"]


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
