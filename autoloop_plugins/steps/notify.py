"""Notify: tell members of the workspace, in the dashboard and by mail."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import colander

from autoloop.plugins import DecisionStep, ExpressionType, Needs, Next, StepContext, needs_of
from autoloop.plugins.effects import Notify as Tell

__all__ = ["Notify"]

ROLES = {
    "viewer": "all members",
    "editor": "editors and up",
    "admin": "admins and owners",
    "owner": "owners",
}
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


class Members(colander.SequenceSchema):  # type: ignore[misc]
    member = colander.SchemaNode(
        colander.String(), validator=colander.Regex(ID, msg="is no id"), ui={"widget": "member"}
    )


class Notify(DecisionStep):
    """Tell members of the workspace about the contact, in the dashboard and by mail.

    Told are the members that are named, or all who have the role or one above it. Title and text may
    hold expressions. By mail it goes to those who have not switched that off, at most 20 an hour to each.
    """

    name, title, category, icon = "notify", "Notify members", "outside", "bell"

    class Config(colander.MappingSchema):  # type: ignore[misc]
        subject = colander.SchemaNode(ExpressionType("text"), title="Title")
        body = colander.SchemaNode(ExpressionType("text"), missing="", title="Text", ui={"rows": 4})
        role = colander.SchemaNode(
            colander.String(),
            validator=colander.OneOf(list(ROLES)),
            missing="viewer",
            title="To all who are at least",
            ui={"labels": ROLES},
        )
        members = Members(missing=(), validator=colander.Length(max=50), title="Or only to")
        mail = colander.SchemaNode(colander.Boolean(), missing=False, title="By mail too")

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return needs_of(config)

    def check(self, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        if isinstance(config["subject"], str) and not config["subject"].strip():
            yield "subject", "must not be empty"

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Next:
        title = " ".join(str(ctx.evaluate(config["subject"], "text")).split())[:200]
        body = str(ctx.evaluate(config["body"], "text"))[:4000]
        members = tuple(config["members"])
        return Next(effects=(Tell(title or "–", body, config["role"], members, config["mail"]),))

    def summary(self, config: Mapping[str, Any]) -> str:
        members = config["members"]
        told = f"{len(members)} chosen" if members else ROLES[config["role"]]
        return f"Tell {told}: {str(config['subject'])[:40]}"
