"""What a new template starts with."""

from __future__ import annotations

from typing import Any

__all__ = ["STARTER"]

STARTER: dict[str, Any] = {
    "name": "",
    "kind": "markdown",
    "subject": 'A question about {{ business.name | default: "your company" }}',
    "preheader": "",
    "source": (
        'Hello {{ contact.first_name | default: "there" }},\n\n'
        "write what you want to say here. **Bold**, [links](https://example.com) and lists work.\n\n"
        "Kind regards  \n{{ sender.name }}\n"
    ),
    "text_source": None,
    "field_rules": {},
}
