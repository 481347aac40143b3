"""The condition builder: questions in rows, read from a form and shown in one; the rest as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pyramid.request import Request

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.businesses.models import BUSINESS_STATUSES, CONSENTS, CONTACT_STATUSES
from autoloop.businesses.services import Fields
from autoloop.plugins.conditions import FIELD_OPERATORS
from autoloop.plugins.conditions.compiled import EMAIL_EVENTS

__all__ = ["builder", "posted_condition", "rows_of", "sentences"]

MOST_ROWS = 30
SPARE = 1
CHOSEN = {
    "contact.status": CONTACT_STATUSES,
    "contact.consent.marketing": CONSENTS,
    "business.status": BUSINESS_STATUSES,
}
OWN = {
    "contact.tags": _("Tags"),
    "contact.topics": _("Topics"),
    "contact.email": _("Email"),
    "contact.name": _("Name"),
    "contact.title": _("Job title"),
    "contact.status": _("Status"),
    "contact.consent.marketing": _("Marketing mail"),
    "contact.timezone": _("Time zone"),
    "contact.locale": _("Language"),
    "contact.created_at": _("Made"),
    "business.name": _("Business: name"),
    "business.domain": _("Business: domain"),
    "business.city": _("Business: city"),
    "business.country": _("Business: country"),
    "business.status": _("Business: status"),
    "business.tags": _("Business: tags"),
}
HAPPENED = {"happened": _("happened"), "never": _("never happened")}


def builder(request: Request) -> dict[str, Any]:
    """What the builder offers: fields, what has happened, operators, and words to choose from."""
    custom = {}
    for key, title in request.services(Fields).titles().items():
        business = key.startswith("business.")
        custom[key if business else f"contact.{key}"] = (str(_("Business: ")) if business else "") + title
    emails = {
        f"email.{fate}": _("Email ${fate}", mapping={"fate": fate}).interpolate() for fate in EMAIL_EVENTS
    }
    return {
        "groups": [
            (_("What is known"), OWN),
            (_("Custom fields"), custom),
            (_("Emails of the last 90 days"), emails),
            (_("Events of the last 90 days"), {"event": _("An event, by its name")}),
        ],
        "operators": {name: each.title for name, each in FIELD_OPERATORS.items()},
        "happenings": HAPPENED,
        "suggested": sorted({word for words in CHOSEN.values() for word in words}),
    }


def posted_condition(request: Request) -> dict[str, Any]:
    """The condition in a form: its JSON if that is what was edited, else its rows. Raises Invalid."""
    post = request.POST
    if post.get("mode") == "json":
        try:
            spec = json.loads(str(post.get("json", "")))
        except (ValueError, RecursionError) as error:
            raise Invalid(
                details={
                    "condition": [_("This is no JSON: ${why}", mapping={"why": str(error)}).interpolate()]
                }
            ) from None
        if not isinstance(spec, dict):
            raise Invalid(details={"condition": [_("A condition is a JSON object.")]})
        return spec
    kinds = _kinds(request)
    kind = post.get("group") if post.get("group") in ("all", "any", "none") else "all"
    rows = [row for row in posted_rows(post) if row["field"]]
    if not rows:
        raise Invalid(details={"condition": [_("Ask at least one question.")]})
    return {str(kind): [_question(row, kinds) for row in rows]}


def posted_rows(post: Mapping[str, Any]) -> list[dict[str, str]]:
    """The rows of a form as they were written."""
    names = ("field", "op", "value", "days")
    return [
        {name: str(post.get(f"{name}.{index}", "")).strip() for name in names}
        for index in range(MOST_ROWS)
        if f"field.{index}" in post
    ]


def rows_of(spec: Mapping[str, Any]) -> tuple[str, list[dict[str, str]]] | None:
    """A condition as (group, rows); None if it holds more than rows can show."""
    group = next((kind for kind in ("all", "any", "none") if kind in spec), None)
    members = spec[group] if group else [spec]
    if len(members) > MOST_ROWS - SPARE or any(not _flat(each) for each in members):
        return None
    return group or "all", [_row(each) for each in members]


def sentences(spec: Mapping[str, Any], depth: int = 0) -> list[tuple[int, str]]:
    """A condition in words, as (depth, line)."""
    for kind, title in (("all", _("All of")), ("any", _("Any of")), ("none", _("None of"))):
        if kind in spec:
            lines = [line for each in spec[kind] for line in sentences(each, depth + 1)]
            return [(depth, str(title)), *lines]
    row = _row(spec)
    if "field" in spec:
        text = f"{OWN.get(row['field'], row['field'])} {FIELD_OPERATORS[row['op']].title} {row['value']}"
    else:
        often = (
            _(", at least ${count} times", mapping={"count": spec["at_least"]}).interpolate()
            if spec.get("at_least", 1) > 1
            else ""
        )
        within = (
            _(" in the last ${days} days", mapping={"days": row["days"]}).interpolate() if row["days"] else ""
        )
        name = spec.get("event") or f"email {spec['email']}"
        text = f"{name} {HAPPENED[row['op']]}{often}{within}"
    return [(depth, text.strip())]


def _flat(spec: Mapping[str, Any]) -> bool:
    known = {"field", "op", "value"} if "field" in spec else {"event", "email", "op", "within_days"}
    value = spec.get("value")
    simple = all("," not in str(each) for each in value) if isinstance(value, list) else True
    return simple and not any(kind in spec for kind in ("all", "any", "none")) and set(spec) <= known


def _row(spec: Mapping[str, Any]) -> dict[str, str]:
    if "field" in spec:
        return {
            "field": spec["field"],
            "op": spec.get("op", "is"),
            "value": _shown(spec.get("value")),
            "days": "",
        }
    shared = {"op": spec.get("op", "happened"), "days": _shown(spec.get("within_days"))}
    if "email" in spec:
        return {"field": f"email.{spec['email']}", "value": "", **shared}
    return {"field": "event", "value": spec["event"], **shared}


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _kinds(request: Request) -> dict[str, str]:
    fields = request.services(Fields)
    kinds = {f"contact.fields.{key}": each.kind for key, each in fields.types("contact").items()}
    return kinds | {f"business.fields.{key}": each.kind for key, each in fields.types("business").items()}


def _question(row: Mapping[str, str], kinds: Mapping[str, str]) -> dict[str, Any]:
    if row["field"] == "event" or row["field"].startswith("email."):
        name, _dot, fate = row["field"].partition(".")
        spec: dict[str, Any] = {name: fate or row["value"]}
        spec["op"] = row["op"] if row["op"] in HAPPENED else "happened"
        return spec | ({"within_days": _number(row["days"])} if row["days"] else {})
    spec = {"field": row["field"], "op": row["op"]}
    takes = FIELD_OPERATORS[row["op"]].takes if row["op"] in FIELD_OPERATORS else ""
    if takes in ("number", "days"):
        return spec | {"value": _number(row["value"])}
    if takes == "list":
        return spec | {
            "value": [_typed(word.strip(), kinds.get(row["field"])) for word in row["value"].split(",")]
        }
    if takes == "scalar":
        return spec | {"value": _typed(row["value"], kinds.get(row["field"]))}
    return spec if takes == "nothing" else spec | {"value": row["value"]}


def _typed(text: str, kind: str | None) -> Any:
    if kind == "number":
        return _number(text)
    if kind == "boolean" and text.casefold() in ("true", "yes", "false", "no"):
        return text.casefold() in ("true", "yes")
    return text


def _number(text: str) -> Any:
    """The number; what is none is left for the condition to refuse, with its place."""
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text
