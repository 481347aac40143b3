"""Conditions in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoloop.base.i18n import _
from autoloop.plugins.conditions import FIELD_OPERATORS

__all__ = ["GROUPS", "HAPPENED", "OWN", "sentences", "shown"]

OWN = {
    "contact.tags": _("Tags"),
    "contact.topics": _("Topics"),
    "contact.email": _("Email"),
    "contact.name": _("Name"),
    "contact.first_name": _("First name"),
    "contact.last_name": _("Last name"),
    "contact.title": _("Job title"),
    "contact.phone": _("Phone"),
    "contact.status": _("Status"),
    "contact.consent.marketing": _("Marketing mail"),
    "contact.consent.tracking": _("Opens and clicks"),
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
GROUPS = {"all": _("All of"), "any": _("Any of"), "none": _("None of")}


def sentences(spec: Mapping[str, Any], depth: int = 0) -> list[tuple[int, str]]:
    """A condition in words, as (depth, line)."""
    for kind, title in GROUPS.items():
        if kind in spec:
            lines = [line for each in spec[kind] for line in sentences(each, depth + 1)]
            return [(depth, str(title)), *lines]
    if "field" in spec:
        op = FIELD_OPERATORS[spec.get("op", "is")]
        text = f"{OWN.get(spec['field'], spec['field'])} {op.title} {shown(spec.get('value'))}"
        return [(depth, text.strip())]
    often = (
        _(", at least ${count} times", mapping={"count": spec["at_least"]}).interpolate()
        if spec.get("at_least", 1) > 1
        else ""
    )
    days = shown(spec.get("within_days"))
    within = _(" in the last ${days} days", mapping={"days": days}).interpolate() if days else ""
    name = spec.get("event") or f"email {spec['email']}"
    return [(depth, f"{name} {HAPPENED[spec.get('op', 'happened')]}{often}{within}")]


def shown(value: Any) -> str:
    """A value as people read it."""
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
