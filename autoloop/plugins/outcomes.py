"""Outcomes: what a step answers. One of these, and nothing else, decides what a run does next.

Take them as values. They are not frozen only because a frozen dataclass takes four times as long to make.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from autoloop.plugins.effects import Effect

__all__ = ["Fail", "Next", "Outcome", "Retry", "SendEmail", "Stop", "WaitFor", "WaitUntil"]


@dataclass(slots=True)
class Next:
    """Go on through `port`. `output` is kept for later steps; `why` stands in the journal."""

    port: str = "next"
    output: Any = None
    effects: Sequence[Effect] = ()
    why: Any = None


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
    which nobody can say whether it arrived; None leaves it to the workflow's settings.
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


Outcome = Next | WaitUntil | WaitFor | SendEmail | Retry | Fail | Stop
