"""Answers of the world: what an email, an action, a child or a wait gets, as stimuli at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from autoloop.engine.graph import CompiledNode
from autoloop.engine.turns import Stimulus
from autoloop.plugins.outcomes import SendEmail, StartRun

__all__ = ["Coming", "answer_action", "answer_child", "answer_email", "answer_event"]

PORTS = {"sent": ("sent", "accepted"), "failed": ("failed", "rejected"), "skipped": ("skipped", "skipped")}


@dataclass(frozen=True, slots=True)
class Coming:
    """Something on its way: a stimulus for one wait, or (without) an event for whoever waits for it."""

    at: datetime
    stimulus: Stimulus | None = None
    name: str = ""
    data: Mapping[str, Any] | None = None


def answer_email(
    asked: SendEmail,
    node: str,
    visit: int,
    email_id: str,
    run_id: str,
    now: datetime,
    picked: Mapping[str, Any],
    barred: str | None,
    hold: float = 0.0,
) -> tuple[str, list[Coming]]:
    """The mail's fate (sent, failed, skipped, held) and what follows from it.

    `barred` says why the mail would not go; it decides unless a fate was picked. `hold` is for how many
    seconds it would be held first.
    """
    fate = picked.get("fate") or ("skipped" if barred else "sent")
    reason = picked.get("reason") or (barred if fate == "skipped" else None)
    if fate == "unknown":
        fate = {"skip": "skipped", "resend": "sent"}.get(asked.on_unknown or "hold", "held")
        reason = reason or "nobody can say whether it arrived"
    if fate == "held":
        return fate, []
    at = (max(now, asked.due_at) if asked.due_at else now) + timedelta(seconds=hold)
    port, status = PORTS[fate]
    payload = {"port": port, "email_id": email_id, "status": status, "reason": reason}
    coming = [Coming(at, Stimulus("email", payload, node, visit))]
    if fate == "sent":
        for each in picked.get("then") or ():
            data = {"email_id": email_id, "run_id": run_id, "node": node, **(each.get("data") or {})}
            if each.get("text"):
                data["text"] = each["text"]
            after = timedelta(seconds=each.get("after") or 0)
            coming.append(Coming(at + after, None, f"email.{each['event']}", data))
    return fate, coming


def answer_action(node: CompiledNode, visit: int, now: datetime, picked: Mapping[str, Any]) -> Coming:
    """What the other side is said to have answered. A status of 400 or more leaves through `error`."""
    declared = node.step.ports(node.config)
    status = picked.get("status")
    port = picked.get("port") or ("error" if status is not None and status >= 400 else declared[0])
    output = picked.get("output")
    if output is None and (status is not None or "body" in picked):
        output = {"status": status or 200, "body": picked.get("body")}
    why = picked.get("why") or (f"answered {status}" if status is not None else "answered by this simulation")
    payload: dict[str, Any] = {"outcome": "next", "port": port, "output": output, "why": why, "effects": []}
    if port == "error" and "error" not in declared:
        payload = {"outcome": "fail", "why": why}
    at = now + timedelta(seconds=picked.get("after") or 0)
    return Coming(at, Stimulus("action", payload, node.id, visit))


def answer_child(
    node: CompiledNode, visit: int, asked: StartRun, now: datetime, picked: Mapping[str, Any]
) -> Coming:
    """How a run of another workflow is said to have ended; where nobody waits for it, that it began."""
    status = picked.get("child") or "completed"
    data: dict[str, Any] = {"workflow_id": asked.workflow_id}
    if status == "skipped":
        port = "skipped"
        data["why"] = picked.get("why") or "picked in this simulation"
    elif not asked.wait:
        port = "next"
        data["run_id"] = str(UUID(int=0))
    else:
        port = "next" if status in ("completed", "stopped") else "failed"
        data |= {
            "status": status,
            "reason": picked.get("why"),
            "outputs": picked.get("output") or {},
            "variables": {},
        }
    at = now + timedelta(seconds=(picked.get("after") or 0) if asked.wait else 0)
    return Coming(at, Stimulus("child", {"port": port, "data": data}, node.id, visit))


def answer_event(
    event: str, match: Mapping[str, Any], now: datetime, picked: Mapping[str, Any]
) -> Coming | None:
    """The event that a wait is said to get, with data that fits it; None if it never comes."""
    if not picked.get("happens"):
        return None
    at = now + timedelta(seconds=picked.get("after") or 0)
    return Coming(at, None, event, {**(picked.get("data") or {}), **match})
