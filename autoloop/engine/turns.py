"""What goes into a turn of a run and what comes out: plain data, nothing that acts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from autoloop.plugins.effects import Effect
from autoloop.plugins.facts import Happening
from autoloop.plugins.outcomes import SendEmail, StartRun

__all__ = [
    "Entry",
    "Facts",
    "Limits",
    "Position",
    "State",
    "Stimulus",
    "Turn",
    "Wait",
    "forgotten_before",
    "has_taken",
    "take",
    "variables_at",
]

MOST_TAKEN = 20

Position = dict[str, Any]
"""Where a run stands, as it is stored: {"id", "node", "visit", "since", "attempt"?, "wait"?, "loops"?, "past"?, "meant"?,
"heard"?, "taken"?}.

`wait` is {"kind": timer|retry|event|email|action|child|merge|goal, "until"?, "event"?}; without it the
position is free to go. `loops` are the lists it is in, the innermost last, as [key, index]; the items are
in the run's variables under `lists`. `past` names the merges that went on without it.
`meant` is when the wait of a test run would end had it not been shortened. `heard` is since when events
count for a run that had failed and goes on. `taken` are ids of events that ended waits of this branch, in
order, and of the one that started the run; no further wait of it is ended by the same ones.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a run may do. Sizes are in bytes of JSON."""

    steps_per_turn: int = 100
    steps_per_run: int = 10_000
    attempts: int = 20
    output: int = 16_384
    outputs: int = 262_144
    detail: int = 8_192
    positions: int = 100
    items: int = 1000
    depth: int = 10
    children: int = 1000


@dataclass(slots=True)
class State:
    """A run before its turn. `chosen_by` is the id of the contact it was started with."""

    run_id: str
    workspace_id: str
    workflow_id: str
    chosen_by: str
    positions: list[Position]
    visits: Mapping[str, int]
    variables: Mapping[str, Any]
    seq: int = 0
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What was loaded about the run's contact."""

    contact: Mapping[str, Any] = field(default_factory=dict)
    business: Mapping[str, Any] = field(default_factory=dict)
    emails: Sequence[Mapping[str, Any]] = ()
    happenings: Sequence[Happening] = ()
    workspace: Mapping[str, Any] = field(default_factory=dict)


class Stimulus(NamedTuple):
    """Something that reached a run: event, email, action, child or exit."""

    kind: str
    payload: dict[str, Any]
    node: str | None = None
    visit: int | None = None


class Entry(NamedTuple):
    """One line of the journal; `since` is ISO 8601.

    `outcome` is next, retry, late, stopped, failed, merged (another position goes on for this one) or
    jumped (to a goal).
    """

    seq: int
    node: str
    type: str
    visit: int
    position: int
    outcome: str
    port: str | None
    since: str
    detail: Any


class Wait(NamedTuple):
    """Something outside will answer: it must be able to find the run."""

    position: int
    node: str
    visit: int
    kind: str
    event: str | None = None
    match: dict[str, Any] | None = None
    until: datetime | None = None
    since: datetime | None = None
    taken: Sequence[str] = ()


class Turn(NamedTuple):
    """What a turn came to. `variables` is None if they did not change; `mailed` says that a run which
    ended may have mails that are not yet sent."""

    status: str
    reason: str | None
    due_at: datetime | None
    positions: list[Position]
    visits: Mapping[str, int]
    variables: Mapping[str, Any] | None
    seq: int
    journal: list[Entry]
    waits: list[Wait]
    gone: list[tuple[str, int]]
    emails: list[tuple[str, int, SendEmail]]
    actions: list[tuple[str, int]]
    effects: list[Effect]
    mailed: bool
    children: Sequence[tuple[str, int, StartRun]] = ()


def take(position: Position, event: str) -> None:
    """Keep that this event has ended a wait of this branch. Of many, the newest are kept."""
    position["taken"] = sorted({*position.get("taken", ()), event})[-MOST_TAKEN:]


def has_taken(taken: Sequence[str], event: str) -> bool:
    """Has the event ended a wait before? One from before all that are kept counts as if it had."""
    return event in taken or event < forgotten_before(taken)


def forgotten_before(taken: Sequence[str]) -> str:
    """The id below which nobody knows any more which events were taken; empty if all are known."""
    return taken[0] if len(taken) == MOST_TAKEN else ""


def variables_at(position: Mapping[str, Any], variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a step at this position sees as the run's variables: in a loop also `item` and `index` (from 0)."""
    own: Mapping[str, Any] = variables.get("vars") or {}
    loops = position.get("loops")
    if not loops:
        return own
    key, index = loops[-1]
    items = variables.get("lists", {}).get(key) or ()
    return {**own, "item": items[index] if index < len(items) else None, "index": index}
