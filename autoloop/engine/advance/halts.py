"""Turns of runs that do not walk: halted with their workflow, blocked, or over already."""

from __future__ import annotations

from datetime import datetime

from autoloop.engine.advance.claim import Claimed
from autoloop.engine.graph import CompiledGraph
from autoloop.engine.services.workflows import ENDED_WITH_WORKFLOW, PAUSED_WITH_WORKFLOW
from autoloop.engine.turns import Entry, Stimulus, Turn

__all__ = ["halted", "may_walk", "too_late"]


def may_walk(run: Claimed) -> bool:
    """Its workflow is live; a test run walks through a draft too, and while the workflow is paused."""
    return run.workflow_status == "live" or (run.is_test and run.workflow_status != "archived")


def halted(run: Claimed, graph: CompiledGraph | str, now: datetime) -> Turn:
    """The turn of a run that may not go on: its workflow is paused or archived, or a plugin is missing."""
    if run.workflow_status == "paused":
        return _turn(run, "paused", PAUSED_WITH_WORKFLOW)
    if run.workflow_status != "live":
        gone = [(each["node"], each["visit"]) for each in run.positions if "wait" in each]
        if isinstance(graph, CompiledGraph):
            gone += [(goal, -index) for goal, ears in graph.ears.items() for index in range(len(ears))]
        why = ENDED_WITH_WORKFLOW
        end = Entry(run.steps + 1, "", "", 0, 0, "cancelled", None, now.isoformat(), {"why": why})
        return _turn(run, "cancelled", why)._replace(
            positions=[], gone=gone, mailed=True, seq=run.steps + 1, journal=[end]
        )
    return _turn(run, "blocked", graph if isinstance(graph, str) else None)


def too_late(run: Claimed, told: list[Stimulus], now: datetime) -> Turn:
    """The turn of a run that has ended: what reached it is written down."""
    at = now.isoformat()
    journal = [
        Entry(
            run.steps + index, each.node or "", "", each.visit or 0, 0, "late", None, at, {"kind": each.kind}
        )
        for index, each in enumerate(told, start=1)
    ]
    return _turn(run, run.status, run.reason)._replace(seq=run.steps + len(journal), journal=journal)


def _turn(run: Claimed, status: str, reason: str | None) -> Turn:
    return Turn(
        status, reason, None, run.positions, run.visits, None, run.steps, [], [], [], [], [], [], False
    )
