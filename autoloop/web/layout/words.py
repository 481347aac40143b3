"""Numbers, moments and spans as the person reads them: filters of the templates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from babel.core import Locale, UnknownLocaleError
from babel.dates import format_datetime, format_skeleton, format_time, format_timedelta
from babel.numbers import format_decimal, format_percent
from jinja2 import pass_context
from pyramid.i18n import TranslationString
from pyramid.threadlocal import get_current_request

__all__ = [
    "FILTERS",
    "ago",
    "day",
    "direction",
    "in_zone",
    "initials",
    "number",
    "percent",
    "plain_json",
    "said",
    "shown",
    "span",
    "when",
]

FILTERS = ("ago", "day", "in_zone", "initials", "number", "percent", "plain_json", "said", "span", "when")


def _identity(context: Any) -> Any:
    request = context.get("request")
    return (
        getattr(request, "identity", None) if request is not None and not context.get("status_page") else None
    )


def _locale(context: Any) -> Locale:
    public = getattr(context.get("request"), "public_language", "")
    identity = None if public else _identity(context)
    try:
        return Locale.parse(public or (identity.locale if identity else "en"), sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def direction(locale: str) -> str:
    """ltr or rtl."""
    try:
        return str(Locale.parse(locale, sep="-").text_direction)
    except (UnknownLocaleError, ValueError):
        return "ltr"


@pass_context
def when(context: Any, value: datetime | None, form: str = "") -> str:
    """A moment in the person's zone, to the minute, without this year; `form` full says all of it."""
    if value is None:
        return ""
    identity = _identity(context)
    try:
        zone = ZoneInfo(identity.timezone if identity else "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    locale = _locale(context)
    if form:
        return str(format_datetime(value, form, tzinfo=zone, locale=locale))
    local = value.astimezone(zone)
    this_year = local.year == datetime.now(zone).year
    day = format_skeleton("MMMd" if this_year else "yMMMd", local, tzinfo=zone, locale=locale)
    return f"{day}, {format_time(local, 'short', tzinfo=zone, locale=locale)}"


@pass_context
def day(context: Any, value: date | None) -> str:
    """A day without its year: “Nov 22”."""
    return "" if value is None else str(format_skeleton("MMMd", value, locale=_locale(context)))


@pass_context
def ago(context: Any, value: datetime | None) -> str:
    """How long ago, or in how long: “3 hours ago”."""
    if value is None:
        return ""
    return str(format_timedelta(value - datetime.now(UTC), add_direction=True, locale=_locale(context)))


@pass_context
def span(context: Any, value: timedelta | float | None) -> str:
    """A length of time: “2 days”. Seconds if a number."""
    if value is None:
        return ""
    return str(format_timedelta(value, locale=_locale(context)))


@pass_context
def number(context: Any, value: float | None) -> str:
    return "" if value is None else str(format_decimal(value, locale=_locale(context)))


@pass_context
def percent(context: Any, part: float, whole: float) -> str:
    """`part` of `whole`; a dash where there is no whole."""
    return "–" if not whole else str(format_percent(part / whole, format="#,##0.#%", locale=_locale(context)))


def initials(name: str | None) -> str:
    words = [word for word in (name or "").split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "·"


def plain_json(value: Any) -> str:
    """Indented JSON, for people."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()


@pass_context
def in_zone(context: Any, value: datetime, zone: str) -> str:
    """A moment as the clocks of that zone show it, with its weekday: “Mon, Nov 23, 9:00 AM”."""
    local = value.astimezone(ZoneInfo(zone))
    locale = _locale(context)
    this_year = local.year == datetime.now(local.tzinfo).year
    day = format_skeleton("MMMEd" if this_year else "yMMMEd", local, tzinfo=local.tzinfo, locale=locale)
    return f"{day}, {format_time(local, 'short', tzinfo=local.tzinfo, locale=locale)}"


def shown(value: Any) -> Any:
    """What a template shows, whoever gave it: a text of ours is in the person's language."""
    if isinstance(value, TranslationString):
        request = get_current_request()
        return value.interpolate() if request is None else request.localizer.translate(value)
    return value


@pass_context
def said(context: Any, value: Any) -> str:
    """A text in the person's language if it is one of ours; what people wrote themselves stays as it is."""
    if isinstance(value, TranslationString):
        return str(context["request"].localizer.translate(value))
    return str(value)
