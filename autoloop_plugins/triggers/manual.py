"""Manual: people start the run, in the dashboard or through the API."""

from __future__ import annotations

from autoloop.plugins import Trigger

__all__ = ["Manual"]


class Manual(Trigger):
    """Started by people: for one contact or a list of them, in the dashboard or through the API."""

    name, title, category, icon = "manual", "Started by hand", "people", "hand"
