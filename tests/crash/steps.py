"""A step for these tests: it kills the worker that takes it, for the contacts that say so."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from autoloop.plugins import DecisionStep, Needs, Next, Outcome, StepContext

__all__ = ["STEPS"]


class Deadly(DecisionStep):
    """Ends the process if the contact's title is “deadly”."""

    name, title = "deadly", "Deadly"

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return Needs(contact=True)

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Outcome:
        if ctx.contact.get("title") == "deadly":
            os._exit(9)
        return Next()


STEPS = (Deadly,)
