"""Contact created: a run for every new contact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoloop.plugins import Trigger

__all__ = ["ContactCreated"]


class ContactCreated(Trigger):
    """Starts when a contact is made: by hand, through the API, or by an import."""

    name, title, category, icon = "contact_created", "Contact created", "contact", "user-plus"

    def event_name(self, config: Mapping[str, Any]) -> str:
        return "contact.created"
