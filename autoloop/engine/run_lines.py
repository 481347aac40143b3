"""A run in people's words: its journal as a timeline, and where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from autoloop.base.i18n import _
from autoloop.engine.explain.telling import reasons, translated, waits_for
from autoloop.engine.models import RunStep
from autoloop.engine.step_names import StepName

__all__ = ["journal_lines", "places"]

BRIEF = timedelta(seconds=1)
MOST_REASONS = 10
TONES = {
    "failed": "bad",
    "error": "bad",
    "retry": "warn",
    "retried": "warn",
    "cancelled": "warn",
    "next": "ok",
}
SAID = {
    "failed": _("failed"),
    "error": _("failed"),
    "retry": _("is to be tried again"),
    "retried": _("tried again by a person"),
    "stopped": _("ended the run"),
    "merged": _("came together with another way"),
    "jumped": _("left for a goal"),
    "late": _("something came too late"),
}
ENDS = {
    "cancelled": _("Cancelled"),
    "completed": _("Came to its end"),
    "failed": _("Failed"),
    "stopped": _("Stopped"),
    "moved": _("Moved to another version"),
    "late": _("Something came too late"),
}
Translate = Callable[[Any], str]


def journal_lines(
    journal: Sequence[RunStep], names: Mapping[str, StepName], translate: Translate
) -> list[dict[str, Any]]:
    """Each entry as {"at", "title", "left", "text", "icon", "tone", "lasted"}; `lasted` None if under a second."""
    return [_line(step, names, translate) for step in journal]


def _line(step: RunStep, names: Mapping[str, StepName], translate: Translate) -> dict[str, Any]:
    name = names.get(step.node)
    if name is None and not step.node:
        said = ENDS.get(step.outcome)
        title, left = (translate(said) if said else step.outcome.replace("_", " ").capitalize()), ""
    else:
        title = name.title if name else step.node
        said = SAID.get(step.outcome)
        left = translate(said) if said else (step.port or step.outcome).replace("_", " ")
        left = "" if left == "next" else left
    lasted = step.at - step.entered_at
    why = [str(translated(each, translate)) for each in reasons(step.detail)[:MOST_REASONS]]
    return {
        "at": step.at,
        "title": title,
        "left": left,
        "what": name.line if name else "",
        "text": "; ".join(each for each in why if each != left),
        "icon": name.icon if name else "activity",
        "tone": TONES.get(step.outcome, ""),
        "lasted": lasted if lasted >= BRIEF else None,
    }


def places(
    positions: Sequence[Mapping[str, Any]], names: Mapping[str, StepName], translate: Translate
) -> list[dict[str, Any]]:
    """Where a run stands and what it waits for there; `until` a moment, or None."""
    return [_place(each, names, translate) for each in positions]


def _place(
    position: Mapping[str, Any], names: Mapping[str, StepName], translate: Translate
) -> dict[str, Any]:
    wait = dict(position.get("wait") or {})
    until = wait.pop("until", None)
    name = names.get(position["node"])
    return {
        "title": name.title if name else position["node"],
        "what": name.line if name else "",
        "icon": name.icon if name else "activity",
        "since": datetime.fromisoformat(position["since"]),
        "waits": translated(waits_for(wait or None), translate),
        "is_timed": wait.get("kind") in ("timer", "retry"),
        "until": datetime.fromisoformat(until) if until else None,
    }
