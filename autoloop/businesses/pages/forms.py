"""Forms of records: what was posted as the JSON door would get it, and what a form shows."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.base.errors import AutoLoopError, Conflict, Invalid, NotFound
from autoloop.businesses.services import Fields, Topics
from autoloop.web import refusals
from autoloop.web.permissions import Permission

__all__ = ["REFUSALS", "confirmed", "may", "posted_record", "refuse", "shown_record", "vocabulary"]

REFUSALS = (Invalid, Conflict, NotFound)
SETS = ("tags", "topics")


def posted_record(request: Request, names: tuple[str, ...]) -> dict[str, Any]:
    """The form as a JSON body. Every input is there, so what is empty empties; files are refused."""
    given: dict[str, Any] = {}
    for name in names:
        value = request.POST.get(name)
        if value is not None and not isinstance(value, str):
            raise Invalid(details={name: ["Send this as text."]})
        if value is not None:
            given[name] = value.strip()
    if "tags" in request.POST:
        given["tags"] = [word.strip() for word in str(request.POST["tags"]).split(",") if word.strip()]
    if "has_topics" in request.POST:
        given["topics"] = [str(word) for word in request.POST.getall("topics")]
    fields = {name[7:]: value for name, value in request.POST.items() if name.startswith("fields.")}
    if fields:
        given["fields"] = {key: value if isinstance(value, str) else "" for key, value in fields.items()}
    return given


def shown_record(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """A record as its form shows it."""
    shown = {name: getattr(row, name) for name in names}
    return shown | {
        "tags": list(row.tags),
        "topics": list(getattr(row, "topics", [])),
        "fields": dict(row.fields),
    }


def vocabulary(request: Request, target: str) -> dict[str, Any]:
    """Custom fields and topics to choose from."""
    definitions = [row for row in request.db.scalars(request.services(Fields).rows()) if row.target == target]
    topics = list(request.db.scalars(request.services(Topics).rows())) if target == "contact" else []
    return {
        "definitions": sorted(definitions, key=lambda row: (row.position, row.key)),
        "topic_choices": sorted(topics, key=lambda row: row.name),
    }


def refuse(request: Request, error: AutoLoopError) -> dict[str, list[str]]:
    """Say on the page what is wrong; what has no field stands for the form as a whole."""
    said = refusals.refuse(request, error)
    return said.details or {"": [said.message]}


def confirmed(request: Request, word: str) -> None:
    """What is destroyed was named. Raises Invalid."""
    typed = request.POST.get("confirm", "")
    if not isinstance(typed, str) or typed.strip() != word:
        raise Invalid(f"Type “{word}” to confirm.", details={"confirm": [f"Type “{word}” to confirm."]})


def may(request: Request, *permissions: Permission) -> dict[str, bool]:
    """What this person may do here, for templates."""
    return {each.value: bool(request.has_permission(each, request.context)) for each in permissions}
