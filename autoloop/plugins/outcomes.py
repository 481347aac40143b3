"""Outcomes: what a step answers. One of these, and nothing else, decides what a run does next.

Take them as values. They are not frozen only because a frozen dataclass takes four times as long to make.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from autoloop.plugins.effects import Effect

__all__ = [
    "Fail",
    "Fork",
    "Join",
    "Loop",
    "Next",
    "Outcome",
    "Retry",
    "SendEmail",
    "StartRun",
    "Stop",
    "WaitFor",
    "WaitUntil",
]


@dataclass(slots=True)
class Next:
    """Go on through `port`. `output` is kept for later steps; `why` stands in the journal.

    `variables` are set for the rest of the run: names of lower-case letters, digits and _, plain values.
    """

    port: str = "next"
    output: Any = None
    effects: Sequence[Effect] = ()
    why: Any = None
    variables: Mapping[str, Any] | None = None


@dataclass(slots=True)
class WaitUntil:
    """Stay here until a moment; the step then runs again with `ctx.resumed.kind == "timer"`."""

    at: datetime
    effects: Sequence[Effect] = ()


@dataclass(slots=True)
class WaitFor:
    """Stay here until the contact has the event, or until a moment.

    An event fits if its data contains `match` (as PostgreSQL's `@>` does). Events since `since`
    count although they came before the wait; by default since the run's last email was asked for.
    """

    event: str
    match: Mapping[str, Any] = field(default_factory=dict)
    until: datetime | None = None
    since: datetime | None = None
    effects: Sequence[Effect] = ()


@dataclass(slots=True)
class SendEmail:
    """Send the contact a template; the step runs again when the mail's fate is known.

    `ctx.resumed.port` is then `sent`, `failed` or `skipped`. `on_unknown` says what becomes of a mail of
    which nobody can say whether it arrived; None leaves it to the workflow's settings. `cooldown_hours`
    skips it if any mail went to the contact within so many hours, `once` if this template ever did; both
    are judged right before it is sent. `topic` is the key of what marketing mail is about: who does not
    subscribe to it then does not get it; None takes the template's. Unless `tracked`, opens and clicks of it
    are nobody's business; with it, workspace, template and contact still have to agree.
    """

    template_id: str
    template_version: int | None = None
    sender_id: str | None = None
    kind: Literal["marketing", "transactional"] = "marketing"
    priority: int = 0
    on_unknown: Literal["hold", "skip", "resend"] | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    due_at: datetime | None = None
    effects: Sequence[Effect] = ()
    cooldown_hours: float | None = None
    once: bool = False
    topic: str | None = None
    tracked: bool = True


@dataclass(slots=True)
class Retry:
    """Try the same again after a while. `ctx.attempt` counts; too many attempts are a failure."""

    after: timedelta
    why: str = ""


@dataclass(slots=True)
class Fail:
    """This cannot be done. The run leaves through the port `error` if something is tied to it, else it fails."""

    why: str
    effects: Sequence[Effect] = ()


@dataclass(slots=True)
class Stop:
    """End the whole run, every position of it."""

    why: str = ""
    effects: Sequence[Effect] = ()


@dataclass(slots=True)
class Fork:
    """Go on through several ports at once: the run then stands in several places."""

    ports: Sequence[str]
    why: Any = None


@dataclass(slots=True)
class Join:
    """Wait here for the run's other branches, and go on as one; for steps with `joins`.

    `all`: as soon as no other branch can still get here; the step then runs again with
    `ctx.resumed.kind == "merge"`. `any`: the first goes on at once. Branches that come after the run
    went on from here end here. At `until` the step runs again with kind `timer`.
    """

    mode: Literal["all", "any"] = "all"
    until: datetime | None = None


@dataclass(slots=True)
class Loop:
    """Go through `item` once per item, one after the other, then through `done`; for steps with `loops`."""

    items: Sequence[Any]
    why: Any = None


@dataclass(slots=True)
class StartRun:
    """Start a run of another live workflow for the same contact.

    The step runs again with `ctx.resumed.kind == "child"`: with `wait` when that run has ended, else when
    it has started; port `skipped` if it could not start, else `next` or `failed`. `data` is what started
    the new run, as its event's data. With `along` it ends with this run.
    """

    workflow_id: str
    wait: bool = True
    data: Mapping[str, Any] = field(default_factory=dict)
    along: bool = False


Outcome = Next | WaitUntil | WaitFor | SendEmail | Retry | Fail | Stop | Fork | Join | Loop | StartRun
