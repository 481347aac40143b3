"""What steps that wait for a local time share: the recipient's calendar, and fields of forms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, time
from typing import Any

import colander

from autoloop.plugins import Needs, StepContext
from autoloop.plugins.calendars import Calendar, calendar_of

__all__ = ["Clock", "Dates", "Weekdays", "local_calendar", "place_needs", "told"]


class Clock(colander.String):  # type: ignore[misc]
    """`HH:MM` as a time; `24:00` as None."""

    def deserialize(self, node: Any, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return cstruct
        if cstruct == "24:00":
            return None
        try:
            if isinstance(cstruct, str) and len(cstruct) == 5:
                return time.fromisoformat(cstruct)
        except ValueError:
            pass
        raise colander.Invalid(node, "must be a time like 09:00")

    def serialize(self, node: Any, appstruct: Any) -> Any:
        return appstruct.strftime("%H:%M") if isinstance(appstruct, time) else appstruct


class Dates(colander.SequenceSchema):  # type: ignore[misc]
    day = colander.SchemaNode(colander.Date(), title="Date")


class Weekdays(colander.SequenceSchema):  # type: ignore[misc]
    day = colander.SchemaNode(colander.Integer(), validator=colander.Range(1, 7), title="1 is Monday")


def place_needs() -> Needs:
    return Needs(contact=True, business=True, workspace=True)


def local_calendar(
    ctx: StepContext, zone: str = "contact", holidays: Iterable[date] = ()
) -> tuple[Calendar, list[str]]:
    """The calendar of a run, and zones on the way to it that are none.

    `zone` is contact (then its business, then the workspace), business, workspace, or a zone's name.
    """
    places: list[Mapping[str, Any]] = [ctx.contact, ctx.business, ctx.workspace]
    skipped = {"contact": 0, "business": 1, "workspace": 2}.get(zone)
    names = [place.get("timezone") for place in places[skipped or 0 :]]
    return calendar_of(names if skipped is not None else [zone, *names], ctx.workspace, holidays)


def told(calendar: Calendar, unknown: list[str]) -> dict[str, Any]:
    """What the journal keeps of the choice of a zone."""
    return {"timezone": calendar.zone.key, **({"unknown_timezones": unknown} if unknown else {})}
