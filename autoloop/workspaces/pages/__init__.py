"""The HTML door of workspaces."""

from __future__ import annotations

from autoloop.base.errors import Conflict, Forbidden, Invalid

__all__ = ["REFUSALS", "TEMPLATES"]

TEMPLATES = "autoloop.workspaces:templates/"
REFUSALS = (Invalid, Conflict, Forbidden)
