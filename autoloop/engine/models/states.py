"""The state machines of runs and workflows, as published and as the database checks them."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "ENDED",
    "RUN_MOVES",
    "RUN_STATUSES",
    "WAIT_KINDS",
    "WORKFLOW_MOVES",
    "WORKFLOW_STATUSES",
    "one_of",
]

ENDED = ("completed", "stopped", "failed", "cancelled")

RUN_MOVES: dict[str, tuple[str, ...]] = {
    "active": ("waiting", "paused", "blocked", "quarantined", *ENDED),  # work is due
    "waiting": ("active", "paused", "blocked", "quarantined", *ENDED),  # for a moment or for something
    "paused": ("active", "cancelled"),  # by a person, or with its workflow
    "blocked": ("active", "cancelled"),  # a plugin is missing; `reason` names it
    "quarantined": ("active", "cancelled"),  # it broke its workers five times
    "completed": (),
    "stopped": (),  # by a step or an exit rule
    "failed": ("active",),  # tried again by a person
    "cancelled": (),
}
RUN_STATUSES = tuple(RUN_MOVES)

WORKFLOW_MOVES: dict[str, tuple[str, ...]] = {
    "draft": ("live", "archived"),
    "live": ("paused", "archived"),
    "paused": ("live", "archived"),
    "archived": ("draft",),
}
WORKFLOW_STATUSES = tuple(WORKFLOW_MOVES)

WAIT_KINDS = ("timer", "event", "email", "action", "child", "merge")
"""Of these, timers and merges stand in the run itself; the others also as rows, for what must find them."""


def one_of(column: str, values: Iterable[str]) -> str:
    """SQL for a check constraint."""
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} in ({listed})"
