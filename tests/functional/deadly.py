"""A step that does to its process what the contact's title says."""

from __future__ import annotations

import os
import signal
from typing import Any

from autoloop.plugins import DecisionStep, Needs, Next

__all__ = ["Deadly"]


class Deadly(DecisionStep):
    """Kills its process, hangs, or goes on."""

    name, title = "deadly", "Deadly"

    def needs(self, config: Any) -> Any:
        return Needs(contact=True)

    def run(self, ctx: Any, config: Any) -> Any:
        if ctx.contact.get("title") == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        while ctx.contact.get("title") == "hang":
            pass
        return Next()
