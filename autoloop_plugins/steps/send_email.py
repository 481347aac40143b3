"""Send email: a template to the contact, once, and on by what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import colander

from autoloop.plugins import DecisionStep, Next, Outcome, StepContext, outcomes

__all__ = ["SendEmail"]


def _id(node: colander.SchemaNode, value: str) -> None:
    try:
        UUID(value)
    except ValueError:
        raise colander.Invalid(node, "must be an id") from None


class SendEmail(DecisionStep):
    """Send the contact an email from a template.

    The run goes on once the mail's fate is known: `sent` when the receiving side accepted it, `failed`
    when it was refused, `skipped` when it was not sent (suppressed, no consent, a field missing).
    """

    name, title, category, icon = "send_email", "Send email", "message", "mail"
    suspends = True

    class Config(colander.MappingSchema):  # type: ignore[misc]
        template_id = colander.SchemaNode(
            colander.String(), validator=_id, title="Template", ui={"widget": "template"}
        )
        template_version = colander.SchemaNode(
            colander.Integer(),
            validator=colander.Range(min=1),
            missing=None,
            title="Version",
            description="Empty: the latest",
        )
        sender_id = colander.SchemaNode(
            colander.String(), validator=_id, missing=None, title="Sender", ui={"widget": "sender"}
        )
        kind = colander.SchemaNode(
            colander.String(),
            validator=colander.OneOf(["marketing", "transactional"]),
            missing="marketing",
            title="Kind",
        )
        on_unknown = colander.SchemaNode(
            colander.String(),
            validator=colander.OneOf(["hold", "skip", "resend"]),
            missing=None,
            title="If its fate stays unknown",
            description="Empty: as the workflow's settings say",
        )
        priority = colander.SchemaNode(
            colander.Integer(), validator=colander.Range(-10, 10), missing=0, title="Priority"
        )

    def ports(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return ("sent", "failed", "skipped")

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        if ctx.resumed is None:
            return outcomes.SendEmail(**config)
        port = ctx.resumed.port if ctx.resumed.port in ("sent", "failed", "skipped") else "failed"
        return Next(port, output=dict(ctx.resumed.data), why=ctx.resumed.data.get("reason"))
