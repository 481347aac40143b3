"""What a workspace allows its mail: a company's share, and how much trouble a sender may cause."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander

from autoloop.base.i18n import _

__all__ = ["HEALTH", "HEALTH_SQL", "CompanyCap", "SenderHealth", "health_of", "read_form"]

# In percent of the mails of the last `days` days, once there are `least`.
HEALTH: dict[str, float] = {"complaints": 0.25, "bounces": 5, "least": 100, "days": 7}
HEALTH_SQL = """case when w.settings ? 'sender_health' then w.settings -> 'sender_health'
  else jsonb_build_object({}) end""".format(", ".join(f"'{key}', {value}" for key, value in HEALTH.items()))

FORM = {
    "company_cap": {"count": "company_count", "days": "company_days", "over": "company_over"},
    "sender_health": {
        "complaints": "health_complaints",
        "bounces": "health_bounces",
        "least": "health_least",
        "days": "health_days",
    },
}


class NullableMapping(colander.Mapping):  # type: ignore[misc]
    """An object, or null: nothing is limited."""

    nullable = True

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        return None if cstruct is None else super().deserialize(node, cstruct)


def whole(title: Any, least: int, most: int, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(
        colander.Integer(), title=title, validator=colander.Range(least, most), **options
    )


def share(title: Any, **options: Any) -> colander.SchemaNode:
    return colander.SchemaNode(
        colander.Float(),
        title=title,
        validator=colander.Range(0.01, 100),
        **options,
    )


class CompanyCap(colander.MappingSchema):
    """At most `count` marketing mails to the people of one company in `days` days."""

    schema_type = NullableMapping

    count = whole(_("At most so many emails"), 1, 10_000)
    days = whole(_("In so many days"), 1, 365, missing=7)
    over = colander.SchemaNode(
        colander.String(),
        title=_("What is over it"),
        validator=colander.OneOf(["wait", "skip"]),
        missing="wait",
    )


class SenderHealth(colander.MappingSchema):
    """When a sender is paused: at these percentages of the mails it sent in `days` days."""

    schema_type = NullableMapping

    complaints = share(_("Complaints, in percent"), missing=HEALTH["complaints"])
    bounces = share(_("Hard bounces, in percent"), missing=HEALTH["bounces"])
    least = whole(_("Counted from so many emails"), 1, 1_000_000, missing=HEALTH["least"])
    days = whole(_("Over so many days"), 1, 60, missing=HEALTH["days"])


def health_of(settings: Mapping[str, Any] | None) -> dict[str, float] | None:
    """The thresholds in a workspace's settings; None: senders are never paused."""
    found = (settings or {}).get("sender_health", HEALTH)
    return None if found is None else {**HEALTH, **found}


def read_form(given: dict[str, Any]) -> dict[str, Any]:
    """A page's flat fields as the settings they stand for; with the first field empty it is off."""
    read = dict(given)
    for name, fields in FORM.items():
        values = {key: read.pop(field) for key, field in fields.items() if field in read}
        if f"{name}_shown" in read:
            del read[f"{name}_shown"]
            read[name] = values if next(iter(fields)) in values else None
    return read
