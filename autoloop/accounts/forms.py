"""Forms of pages: what was posted through its schema, and what a schema asks for."""

from __future__ import annotations

from typing import Any

import colander
from pyramid.request import Request

from autoloop.base.errors import Invalid
from autoloop.base.zones import zone_names
from autoloop.plugins.auth import AuthMethod
from autoloop.web.input import checked

__all__ = ["fields_of", "posted", "posted_text", "timezone_options"]

OURS = frozenset({"csrf_token", "next", "token", "_method"})


def posted_text(request: Request) -> dict[str, str]:
    """The form's own fields, each once and as text; what is empty counts as not given."""
    given: dict[str, str] = {}
    for field, value in request.POST.items():
        if field in OURS:
            continue
        if not isinstance(value, str) or field in given:
            raise Invalid(details={str(field)[:200]: ["Send this field once, as text."]})
        if value != "":
            given[field] = value
    return given


def posted(request: Request, schema: colander.Schema) -> dict[str, Any]:
    """What was posted, through the schema. Raises Invalid with a message for each field."""
    return checked(schema, posted_text(request))


def fields_of(method: AuthMethod) -> list[dict[str, str]]:
    """What the method asks for, as a page or a program needs it to draw the form."""
    found = []
    for node in method.Form().children:
        hint = getattr(node, "ui", None) or {}
        found.append(
            {
                "name": node.name,
                "title": str(node.title),
                "widget": hint.get("widget", "text"),
                "autocomplete": hint.get("autocomplete", "off"),
            }
        )
    return found


def timezone_options() -> list[tuple[str, str]]:
    """Every time zone, for a select."""
    return [(zone, zone.replace("_", " ")) for zone in zone_names()]
