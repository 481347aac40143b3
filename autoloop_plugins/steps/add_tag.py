"""Add tag: give the contact a tag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoloop.plugins import DecisionStep, Next, Outcome, StepContext, effects
from autoloop_plugins.steps.tags import OneTag

__all__ = ["AddTag"]


class AddTag(DecisionStep):
    """Give the contact a tag. The tag is made if there is none of that name."""

    name, title, category, icon = "add_tag", "Add tag", "data", "tag"

    Config = OneTag

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        return Next(effects=(effects.AddTag(config["tag"]),))

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"Tag “{config['tag']}”"
