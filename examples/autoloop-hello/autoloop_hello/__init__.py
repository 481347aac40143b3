"""A step that greets the contact by name, and leaves by `stranger` if it knows none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.plugins import AddTag, DecisionStep, Needs, Next, Outcome, StepContext


class Hello(DecisionStep):
    """Greet the contact.

    The greeting is kept as the step's output, for later steps to use, and the contact is tagged.
    """

    name, title, category, icon = "hello", "Say hello", "message", "wand-sparkles"

    class Config(colander.MappingSchema):
        greeting = colander.SchemaNode(
            colander.String(), validator=colander.Length(1, 60), missing="Hello", title="Greeting"
        )

    def ports(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return ("next", "stranger")

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return Needs(contact=True)

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        name = ctx.contact.get("first_name")
        if not name:
            return Next("stranger")
        return Next(output=f"{config['greeting']}, {name}!", effects=(AddTag("greeted"),))

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"“{config['greeting']}, …!”"
