"""The editor's form: what was posted, back into the shape of the JSON door."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyramid.request import Request

from autoloop.base.errors import Invalid
from autoloop.mail.headers import headers_of
from autoloop.mail.models import RULES

__all__ = ["read_template", "rules_for"]

TEXTS = ("name", "topic", "is_tracked", "kind", "subject", "preheader", "source", "text_source")
MAX_FIELDS = 500


def read_template(request: Request) -> dict[str, Any]:
    """Name, texts and rules of the form. An emptied text is empty, not omitted.

    :raises Invalid: if something is not text, or a rule is not one of ours.
    """
    posted = request.POST
    given: dict[str, Any] = {}
    for name in TEXTS:
        value = posted.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise Invalid(details={name: ["Send this as text."]})
        given[name] = value.replace("\r\n", "\n")
    if "headers" in posted:
        given["headers"] = headers_of(str(posted["headers"]))
    rules = {}
    for key in list(posted)[:MAX_FIELDS]:
        if not key.startswith("rule."):
            continue
        path, rule = key.removeprefix("rule."), posted[key]
        if rule not in RULES:
            continue
        value = posted.get(f"value.{path}", "")
        rules[path] = {"rule": rule, "value": value} if rule == "fallback" else {"rule": rule}
    given["field_rules"] = rules
    return given


def rules_for(fields: Iterable[Any], rules: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of the table of fields: each with its rule, and where it stands."""
    return [
        {
            "path": each.path,
            "places": each.places,
            "default": each.default,
            "rule": rules.get(each.path, {}).get("rule", "skip"),
            "value": rules.get(each.path, {}).get("value", ""),
        }
        for each in fields
        if each.shown
    ]
