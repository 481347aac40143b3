"""Look up contact: find another contact of the workspace, for later steps to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import ActionContext, ActionStep, ExpressionType, Fail, Needs, Next, needs_of

__all__ = ["LookupContact"]


class LookupContact(ActionStep):
    """Find another contact by its email, external id or a custom field, and keep what is known of it.

    Later steps read `{{ outputs.<step>.contact.first_name }}` and `{{ outputs.<step>.business.name }}`.
    Of several with the same value the oldest is taken. Leaves through `found`, or through `missing` if
    there is none, or nothing to look for. The other contact is only read, never changed.
    """

    name, title, category, icon = "lookup_contact", "Look up contact", "data", "search"
    capabilities = frozenset({"contacts"})
    gives = ("contact.email", "contact.first_name", "contact.last_name", "business.name")
    time_limit = 10.0

    class Config(colander.MappingSchema):  # type: ignore[misc]
        by = colander.SchemaNode(
            colander.String(),
            validator=colander.Regex(
                r"^(email|external_id|fields\.[a-z][a-z0-9_]{0,62})\Z",
                msg="must be email, external_id, or fields. and a custom field",
            ),
            missing="email",
            title="Known by",
            ui={"widget": "contact_field", "own": ["email", "external_id"]},
        )
        value = colander.SchemaNode(ExpressionType("text"), title="Value")

    def ports(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return ("found", "missing")

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return needs_of(config["value"])

    def run(self, ctx: ActionContext, config: Mapping[str, Any]) -> Next | Fail:
        value = ctx.evaluate(config["value"], "text").strip()
        if not value:
            return Next("missing", why="nothing to look for")
        if ctx.find_contact is None:
            return Fail("contacts cannot be looked up here")
        try:
            found = ctx.find_contact(config["by"], value)
        except ValueError as error:
            return Fail(str(error))
        return (
            Next("found", output=dict(found))
            if found
            else Next("missing", why=f"no contact has it: {value[:80]}")
        )

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"Look up by {config['by'].removeprefix('fields.')}"
