"""Forms of pages: what was posted through its schema, and what a schema asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import colander
from pyramid.request import Request

from autoloop.base.errors import AutoLoopError, Invalid
from autoloop.base.zones import zone_names
from autoloop.plugins.auth import AuthMethod
from autoloop.web.input import checked

__all__ = ["fields_of", "posted", "posted_text", "refuse", "timezone_options", "told"]

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


@dataclass(frozen=True)
class Told:
    """An error in the person's language, for the form it is shown beside."""

    status: int
    message: str
    details: dict[str, list[str]]


def refuse(request: Request, error: AutoLoopError | None) -> None:
    """The form is shown again with the error beside it."""
    if error is not None:
        request.response.status = 422 if isinstance(error, Invalid) else error.status


def told(request: Request, error: AutoLoopError | None) -> Told | None:
    """The error for a template, every message translated; None for none."""
    if error is None:
        return None

    def words(message: Any) -> str:
        return str(request.localizer.translate(message))

    details = {field: [words(each) for each in messages] for field, messages in error.details.items()}
    return Told(error.status, words(error.message), details)
