"""Contexts: everything a step may look at while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from autoloop.plugins.choices import fraction, pick
from autoloop.plugins.expressions import As, Expression, evaluate
from autoloop.plugins.facts import Happening

if TYPE_CHECKING:
    import httpx

__all__ = ["ActionContext", "Resumed", "StepContext"]


@dataclass(slots=True)
class Resumed:
    """Why a waiting step runs again.

    `kind` is timer, event, email or action. `port` is an email's fate; `data` an event's data or
    what came with the answer; `output` what an action gave back.
    """

    kind: str
    at: datetime
    port: str | None = None
    name: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def timed_out(self) -> bool:
        return self.kind == "timer"


@dataclass(slots=True)
class StepContext:
    """What a step sees: the time, the contact, the run so far. Plain data; nothing here does I/O.

    `outputs` maps node ids to what those steps gave; `event` is what started the run
    ({"name", "data"}, and "id" where it came from outside); `resumed` is set when the step runs again after a wait; `attempt` counts
    from 1 and rises with each Retry; `asked_at` is when the run last asked for an email; `workspace` has
    its timezone, working_days (1 is Monday) and holidays (ISO dates).
    """

    now: datetime
    workspace_id: str
    run_id: str
    workflow_id: str
    chosen_by: str
    node: str
    visit: int
    contact: Mapping[str, Any] = field(default_factory=dict)
    business: Mapping[str, Any] = field(default_factory=dict)
    emails: Sequence[Mapping[str, Any]] = ()
    happenings: Sequence[Happening] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    event: Mapping[str, Any] = field(default_factory=dict)
    resumed: Resumed | None = None
    attempt: int = 1
    since: datetime | None = None
    asked_at: datetime | None = None
    is_test: bool = False
    workspace: Mapping[str, Any] = field(default_factory=dict)

    def choose(self, weights: Sequence[float], salt: str = "") -> int:
        """An index by weight. The same contact at the same node always gets the same one."""
        return pick(weights, fraction(self.workspace_id, self.node, self.chosen_by, salt))

    def evaluate(self, value: Any, as_: As | None = None) -> Any:
        """A setting of `ExpressionType` for this run: its expressions worked out, of the type that is named.

        Any other value comes back as it is. Raises ExpressionError, with which the step may fail.
        """
        if as_ is None and not isinstance(value, Expression | Mapping | list):
            return value
        return evaluate(value, self.known(), self.now, as_)

    def known(self) -> dict[str, Any]:
        """What expressions see, by name."""
        return {
            "contact": self.contact,
            "business": self.business,
            "event": self.event,
            "run": {
                "id": self.run_id,
                "workflow_id": self.workflow_id,
                "step": self.node,
                "visit": self.visit,
                "is_test": self.is_test,
            },
            "variables": self.variables,
            "vars": self.variables,
            "outputs": self.outputs,
            "steps": self.outputs,
        }


@dataclass(slots=True)
class ActionContext(StepContext):
    """A step context for I/O: an HTTP client, a key that stays the same over attempts, and the
    credentials that were granted. Never a database session.

    With the capability `contacts`, `find_contact(by, value)` gives {"contact", "business"} of the
    workspace's contact known by `email`, `external_id` or `fields.<key>`, or None; ValueError says what
    cannot be asked.
    """

    http: httpx.Client = None  # type: ignore[assignment]
    idempotency_key: str = ""
    credentials: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    find_contact: Callable[[str, Any], Mapping[str, Any] | None] | None = None
