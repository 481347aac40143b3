"""Scenarios: what the world answers while a graph is tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

__all__ = ["Happens", "Scenario"]

Outcome = Mapping[str, Any]
FATES = ("sent", "failed", "skipped", "unknown")
CHILD_ENDS = ("completed", "stopped", "failed", "cancelled", "skipped")
REACTIONS = ("delivered", "opened", "clicked", "replied", "bounced", "complained", "unsubscribed")


@dataclass(frozen=True, slots=True)
class Happens:
    """Something that happens to the contact, so long after the start."""

    name: str
    after: timedelta = timedelta(0)
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What was picked. `outcomes` are by node id, `default` for nodes that have none.

    An outcome is plain data, every key optional: `fate` and `then` [{event, after, data, text}] for emails;
    `happens`, `after`, `data` for waits; `port`, `status`, `body`, `output`, `why` for steps that call out;
    `child`, `after`, `output`, `why` for runs of other workflows;
    `port` also takes that way out of any other step. `after` is in seconds.
    """

    start: datetime
    event: Mapping[str, Any] | None = None
    events: Sequence[Happens] = ()
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    default: Outcome = field(default_factory=dict)
    most_steps: int = 500
    longest: timedelta = timedelta(days=3_660)
    seconds: float = 5.0

    def of(self, node: str) -> Outcome:
        """What is picked for a node; `port` is never a default, for nodes differ in theirs."""
        own = self.outcomes.get(node)
        if own:
            return {**{key: self.default[key] for key in self.default if key not in own}, **own}
        return self.default

    def forced(self, node: str) -> str | None:
        """The port that a person picked for this very node."""
        port = self.outcomes.get(node, {}).get("port")
        return str(port) if port else None
