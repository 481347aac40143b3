"""When a workspace works: its zone, weekdays and holidays, checked and loaded for runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text

from autoloop.base.i18n import _
from autoloop.base.services import Services

__all__ = ["MOST_HOLIDAYS", "WORKING_DAYS", "calendar_problems", "load_workspaces"]

WORKING_DAYS = [1, 2, 3, 4, 5]
MOST_HOLIDAYS = 500

LOAD = text("""
select id, timezone, settings->'working_days' as days, settings->'holidays' as holidays
from workspaces where id = any(cast(:ids as uuid[]))""")


def load_workspaces(services: Services, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Facts of workspaces: {"timezone", "working_days" (1 is Monday), "holidays" (ISO dates)}."""
    return {
        row.id: {
            "timezone": row.timezone,
            "working_days": row.days or WORKING_DAYS,
            "holidays": row.holidays or [],
        }
        for row in services.session.execute(LOAD, {"ids": list(ids)})
    }


def calendar_problems(holidays: Iterable[str] | None, days: Sequence[int] | None) -> dict[str, list[Any]]:
    """What is wrong with them, by field; None is not looked at."""
    details: dict[str, list[Any]] = {}
    if holidays is not None and not all(map(_is_date, holidays)):
        details["holidays"] = [_("Each holiday is a date like 2026-12-25.")]
    if days is not None and (not days or len(set(days)) < len(days)):
        details["working_days"] = [_("Name at least one weekday, and each once.")]
    return details


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value  # not 2026-W01-1, which it takes too
    except ValueError:
        return False
