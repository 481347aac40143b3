"""Widgets for hours, days, lengths of time, time zones and cron expressions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from autoloop.base.i18n import _
from autoloop.plugins.clocks import BadCron, check_cron, next_tick
from autoloop.web.widgets.basic import Group, Text, text_in
from autoloop.web.widgets.form import ABSENT, Field, Form, Schema
from autoloop.web.widgets.lists import List
from autoloop.web.widgets.trees import Tree

__all__ = ["TIMES"]

DAYS = (
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
)
TICKS_SHOWN = 5
USUAL = (
    ("0 9 * * *", _("Every day at 9:00")),
    ("0 9 * * mon-fri", _("Monday to Friday at 9:00")),
    ("0 9 * * mon", _("Every Monday at 9:00")),
    ("0 9 1 * *", _("On the first of each month at 9:00")),
    ("0 * * * *", _("Every hour")),
    ("*/15 * * * *", _("Every quarter of an hour")),
)


class Weekdays(List):
    """Boxes to tick, Monday is 1."""

    macro = "weekdays"
    days = DAYS

    def write(self, form: Form, schema: Schema, value: Any) -> Tree:
        if not all(isinstance(day, int) and 1 <= day <= 7 for day in value):
            raise ValueError("holds something that is no weekday")
        return {str(day): "yes" for day in value}

    def read(self, form: Form, schema: Schema, tree: Tree, name: str) -> Any:
        if not isinstance(tree, Mapping):
            return ABSENT
        return [day for day in range(1, 8) if tree.get(str(day)) == "yes"] or ABSENT

    def same(self, value: Any, back: Any) -> bool:
        return isinstance(value, list) and sorted(value) == ([] if back is ABSENT else back)

    def parts(self, field: Field) -> Iterator[Field]:
        return iter(())


class Clock(Text):
    """A time of day, `09:00`; typed or chosen from the half hours."""

    def __init__(self) -> None:
        super().__init__("clock")

    def fits(self, schema: Schema) -> bool:
        return schema.get("type") in (None, "string")

    def read(self, form: Form, schema: Schema, tree: Tree, name: str) -> Any:
        """`9:00`, `9` and `09.00` are meant as 09:00."""
        text = text_in(tree).strip().replace(".", ":")
        hour, _colon, minute = text.partition(":")
        if hour.isascii() and hour.isdecimal() and len(hour) < 3 and (not minute or len(minute) == 2):
            return f"{int(hour):02}:{minute or '00'}"
        return text or ABSENT

    @property
    def hours(self) -> list[str]:
        return [f"{hour:02}:{minute}" for hour in range(24) for minute in ("00", "30")]


class Duration(Group):
    """How many, of what, in one line."""

    macro = "duration"

    def fits(self, schema: Schema) -> bool:
        return set(schema.get("properties", ())) == {"amount", "unit"}

    def read(self, form: Form, schema: Schema, tree: Tree, name: str) -> Any:
        found = super().read(form, schema, tree, name)
        return found if isinstance(found, dict) and "amount" in found else ABSENT


class Timezone(Text):
    """A zone by its name, found while one types; `ui.places` are words that stand for other zones."""

    def __init__(self) -> None:
        super().__init__("timezone")

    def options(self, field: Field) -> list[tuple[str, str]]:
        return [*(field.ui.get("places") or {}).items(), *((zone, zone) for zone in zones())]


@cache
def zones() -> list[str]:
    """Names for people: an area and a place, and UTC."""
    areas = (
        "Africa",
        "America",
        "Antarctica",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    )
    return ["UTC", *sorted(each for each in available_timezones() if each.split("/")[0] in areas)]


class Cron(Text):
    """A cron expression, with the next moments it means; its zone stands in the field `ui.zone` beside it."""

    def __init__(self) -> None:
        super().__init__("cron")

    usual = USUAL

    def ticks(self, field: Field) -> list[datetime]:
        """The next moments, in the expression's zone; none if it cannot be read."""
        text, zone = field.text.strip(), self.zone(field)
        found, at = [], datetime.now(UTC)
        try:
            check_cron(text, zone)
            for _each in range(TICKS_SHOWN):
                at = next_tick(text, zone, at)
                found.append(at)
        except BadCron:
            pass
        return found

    def zone(self, field: Field) -> str:
        """The zone written in the field beside it."""
        beside = field.form.at(f"{field.name.rpartition('.')[0]}.{field.ui.get('zone', 'timezone')}")
        text = beside.text.strip() if beside is not None else ""
        return text if text in available_timezones() else "UTC"

    def problem(self, field: Field, told: str) -> str:
        """Also while other fields are still empty, when the check has not come to it."""
        if told or not field.text.strip():
            return told
        try:
            check_cron(field.text.strip(), self.zone(field))
        except BadCron as error:
            return str(error)
        return ""


TIMES = {
    "weekdays": Weekdays(),
    "clock": Clock(),
    "duration": Duration(),
    "timezone": Timezone(),
    "cron": Cron(),
}
