"""Remove tag: take a tag from the contact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoloop.plugins import DecisionStep, Next, Outcome, StepContext, effects
from autoloop_plugins.steps.tags import OneTag

__all__ = ["RemoveTag"]


class RemoveTag(DecisionStep):
    """Take a tag from the contact. Nothing happens to one that does not have it."""

    name, title, category, icon = "remove_tag", "Remove tag", "data", "tag"

    Config = OneTag

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        return Next(effects=(effects.RemoveTag(config["tag"]),))

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"Take the tag “{config['tag']}”"
