"""The form of a simulation: what was posted as a question, and as it is shown again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from pyramid.request import Request
from sqlalchemy import or_, select

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.base.ids import parse_id
from autoloop.businesses.models import Contact
from autoloop.engine.simulate.scenario import CHILD_ENDS
from autoloop.engine.simulate.schemas import Asked
from autoloop.web.input import checked
from autoloop.workflows.exchange import plain_json
from autoloop.workflows.services.inventing import Inventing

__all__ = ["asked_by", "chosen_contact", "newest_contacts", "read_form", "read_invented", "sample_text"]

SIMPLE = ("version", "who", "contact", "invented", "start_at", "event", "event_data", "fate", "then")
OUTCOME = ("fate", "then", "hours", "text", "happens", "port", "status", "body", "child")


def read_form(request: Request) -> dict[str, Any]:
    """The form as texts: its own fields, and {node: {field: text}} under "outcomes"."""
    given: dict[str, Any] = {name: str(request.POST.get(name, "")).strip() for name in SIMPLE}
    outcomes: dict[str, dict[str, str]] = {}
    for name, value in request.POST.items():
        start, _colon, rest = name.partition(":")
        node, _colon, key = rest.rpartition(":")
        if start == "o" and node and key in OUTCOME and isinstance(value, str) and value.strip():
            outcomes.setdefault(node, {})[key] = value.strip()
    return given | {"outcomes": outcomes}


def asked_by(request: Request, form: Mapping[str, Any]) -> dict[str, Any]:
    """The question of a form. Raises Invalid with a message for each field."""
    asked: dict[str, Any] = {"version": int(form["version"]) if _whole(form["version"]) else None}
    if form["who"] == "invented":
        asked |= read_invented(form["invented"])
    else:
        asked["contact_id"] = str(chosen_contact(request, form["contact"]))
    if form["start_at"]:
        asked["start_at"] = form["start_at"]
    if form["event"]:
        asked["event"] = {"name": form["event"], "data": _json(form["event_data"] or "{}", "event_data")}
    asked["default"] = _outcome({"fate": form["fate"], "then": form["then"]}, "fate")
    read = checked(Asked(), {key: value for key, value in asked.items() if value not in (None, {})})
    outcomes = {node: _outcome(each, node) for node, each in form["outcomes"].items()}
    return {**read, "outcomes": {node: each for node, each in outcomes.items() if each}}


def read_invented(given: str) -> dict[str, Any]:
    """The JSON of somebody invented: {"contact", "business"}, or the contact alone. Raises Invalid."""
    made = _json(given or "{}", "invented")
    parts = {key: made.get(key) or {} for key in ("contact", "business")}
    found = parts if set(made) & set(parts) else {"contact": made, "business": {}}
    plain_json(found, "invented")
    if not all(isinstance(each, dict) for each in found.values()):
        raise Invalid(details={"invented": [_("Must be a JSON object.")]})
    return found


def sample_text(request: Request) -> str:
    """Somebody to begin with, as JSON."""
    sample = request.services(Inventing).sample()
    return orjson.dumps(sample, option=orjson.OPT_INDENT_2).decode()


def newest_contacts(request: Request) -> list[tuple[str, str]]:
    """Contacts to choose from while one types: address (or id) and name."""
    rows = request.db.execute(
        select(Contact.id, Contact.email, Contact.first_name, Contact.last_name)
        .where(Contact.workspace_id == request.services.workspace_id)
        .order_by(Contact.id.desc())
        .limit(50)
    )
    return [(row.email or str(row.id), f"{row.first_name} {row.last_name}".strip()) for row in rows]


def chosen_contact(request: Request, given: str) -> UUID:
    """A contact by its id or address. Raises Invalid."""
    key = parse_id(given)
    found = request.db.scalar(
        select(Contact.id)
        .where(
            Contact.workspace_id == request.services.workspace_id,
            or_(Contact.id == key, Contact.email_normal == given.lower())
            if key
            else Contact.email_normal == given.lower(),
        )
        .limit(1)
    )
    if not given or found is None:
        raise Invalid(details={"contact": [_("Nobody here has this address or id.")]})
    return UUID(str(found))


def _outcome(given: Mapping[str, str], place: str) -> dict[str, Any]:
    """One step's outcome; what is left empty is as by default."""
    made: dict[str, Any] = {}
    after = _seconds(given.get("hours", ""), place)
    if given.get("fate"):
        made["fate"] = given["fate"]
    if given.get("then"):
        reaction: dict[str, Any] = {"event": given["then"], "after": 3600 if after is None else after}
        if given.get("text"):
            reaction["text"] = given["text"]
        made["then"] = [reaction]
    if given.get("happens"):
        made["happens"] = given["happens"] == "yes"
        made["after"] = 3600 if after is None else after
        if given.get("body"):
            made["data"] = _json(given["body"], place)
    if given.get("child"):
        if given["child"] not in CHILD_ENDS:
            raise Invalid(details={place: [_("The other workflow's run ends in none of the known ways.")]})
        made |= {"child": given["child"], "after": after or 0}
    if given.get("port"):
        made["port"] = given["port"]
    if given.get("status"):
        if not _whole(given["status"]):
            raise Invalid(details={place: [_("The status must be a number, like 503.")]})
        made["status"] = int(given["status"])
    if given.get("body") and not given.get("happens"):
        try:
            made["body"] = orjson.loads(given["body"])
        except ValueError:
            made["body"] = given["body"]
    return made


def _whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _seconds(hours: str, place: str) -> int | None:
    try:
        return round(float(hours) * 3600) if hours else None
    except (ValueError, OverflowError):
        raise Invalid(details={place: [_("Hours must be a number.")]}) from None


def _json(text: str, place: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except ValueError as error:
        raise Invalid(
            details={place: [_("This is no JSON: ${error}", mapping={"error": str(error)})]}
        ) from None
    if not isinstance(found, dict):
        raise Invalid(details={place: [_("Must be a JSON object.")]})
    return found
