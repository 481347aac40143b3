"""Send email: a template to the contact, once, and on by what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import colander

from autoloop.plugins import (
    DecisionStep,
    ExpressionType,
    Needs,
    Next,
    Outcome,
    StepContext,
    needs_of,
    outcomes,
)

__all__ = ["SendEmail"]


UNKNOWN = {"hold": "Wait for a person", "skip": "Go on without it", "resend": "Send it again"}


def _id(node: colander.SchemaNode, value: str) -> None:
    try:
        UUID(value)
    except ValueError:
        raise colander.Invalid(node, "must be an id") from None


class Variable(colander.MappingSchema):  # type: ignore[misc]
    name = colander.SchemaNode(
        colander.String(),
        validator=colander.Regex(r"^(?!id\Z)[a-z][a-z0-9_]{0,62}\Z", msg="must be a name, and not id"),
        title="Name",
    )
    value = colander.SchemaNode(ExpressionType(), missing=None, title="Value")


class Variables(colander.SequenceSchema):  # type: ignore[misc]
    variable = Variable()


class SendEmail(DecisionStep):
    """Send the contact an email from a template.

    The run goes on once the mail's fate is known: `sent` when the receiving side accepted it, `failed`
    when it was refused, `skipped` when it was not sent (suppressed, no consent, not subscribed to
    its topic, a field missing, or one of the limits set here). Both limits are judged right before the mail goes, test runs excepted; mail of
    all workflows counts. Values given here stand in the template as `{{ run.name }}`; they may be
    expressions. Without a version, the template's latest is taken when the step is reached.
    """

    name, title, category, icon = "send_email", "Send email", "message", "mail"
    suspends = True
    gives = ("status", "reason")

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
            ui={"more": True},
        )
        sender_id = colander.SchemaNode(
            colander.String(), validator=_id, missing=None, title="Sender", ui={"widget": "sender"}
        )
        kind = colander.SchemaNode(
            colander.String(),
            validator=colander.OneOf(["marketing", "transactional"]),
            missing="marketing",
            title="Kind",
            description="Marketing mail asks for consent and can be unsubscribed from",
        )
        topic = colander.SchemaNode(
            colander.String(),
            validator=colander.Regex(r"^[a-z][a-z0-9_]{0,62}\Z", msg="must be the key of a topic"),
            missing=None,
            title="Topic",
            description="Marketing mail goes only to those who subscribe to it. Empty: the template's",
            ui={"widget": "topic"},
        )
        on_unknown = colander.SchemaNode(
            colander.String(),
            validator=colander.OneOf(["hold", "skip", "resend"]),
            missing=None,
            title="If its fate stays unknown",
            description="Empty: as the workflow's settings say",
            ui={"more": True, "labels": UNKNOWN},
        )
        priority = colander.SchemaNode(
            colander.Integer(),
            validator=colander.Range(-10, 10),
            missing=0,
            title="Priority",
            ui={"more": True},
        )
        cooldown_hours = colander.SchemaNode(
            colander.Float(),
            validator=colander.Range(0, 8_760),
            missing=None,
            title="Skip if any email went out within (hours)",
            ui={"more": True, "unit": "hours"},
        )
        once = colander.SchemaNode(
            colander.Boolean(),
            missing=False,
            title="Skip if the contact had this template before",
            ui={"more": True},
        )
        tracked = colander.SchemaNode(
            colander.Boolean(),
            missing=True,
            title="Record opens and clicks",
            description="If the workspace, the template and the contact agree to it",
            ui={"more": True},
        )
        variables = Variables(
            missing=(),
            validator=colander.Length(max=50),
            title="Values for the template",
            ui={"widget": "columns", "more": True},
        )

    def ports(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return ("sent", "failed", "skipped")

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return needs_of([each["value"] for each in config["variables"]])

    def check(self, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        names = [each["name"] for each in config["variables"]]
        if len(set(names)) < len(names):
            yield "variables", "Two of them have the same name."

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        if ctx.resumed is None:
            variables = {each["name"]: ctx.evaluate(each["value"]) for each in config["variables"]}
            return outcomes.SendEmail(**{**config, "variables": variables})
        port = ctx.resumed.port if ctx.resumed.port in ("sent", "failed", "skipped") else "failed"
        return Next(port, output=dict(ctx.resumed.data), why=ctx.resumed.data.get("reason"))
