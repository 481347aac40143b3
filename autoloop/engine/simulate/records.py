"""Records: what a simulation tells of each visit to a step, in the order in which they were entered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from autoloop.engine.graph import CompiledGraph
from autoloop.engine.simulate.world import plain_effect
from autoloop.engine.turns import Entry, Position
from autoloop.plugins.effects import Effect

__all__ = ["Records"]

Record = dict[str, Any]


class Records:
    """One record for each visit to a step: entered, waited, left."""

    def __init__(self, graph: CompiledGraph) -> None:
        self.graph = graph
        self.rows: list[Record] = []
        self.late: list[Record] = []
        self._by_visit: dict[tuple[str, int], Record] = {}

    def of(self, node: str, visit: int, position: int = 0, entered: str = "") -> Record:
        """The record of a visit, made if there is none."""
        found = self._by_visit.get((node, visit))
        if found is None:
            known = self.graph.nodes.get(node)
            found = {
                "n": len(self.rows) + 1,
                "node": node,
                "type": known.type if known else "",
                "title": known.step.title if known else node,
                "summary": _summary(known),
                "ports": [*known.step.ports(known.config)] if known else [],
                "visit": visit,
                "position": position,
                "entered_at": entered,
                "left_at": None,
                "outcome": "waiting",
                "port": None,
                "why": None,
                "chosen": False,
                "effects": [],
                "wait": None,
                "mail": None,
                "output": None,
                "variables": {},
                "tags": [],
            }
            self.rows.append(found)
            self._by_visit[node, visit] = found
        return found

    def left(self, entry: Entry, now: datetime) -> Record | None:
        """What the journal says of a visit. Lines that belong to no step are kept aside."""
        if not entry.node or entry.outcome == "late":
            self.late.append({"outcome": entry.outcome, "why": entry.detail, "at": now.isoformat()})
            return None
        record = self.of(entry.node, entry.visit, entry.position, entry.since)
        if entry.outcome == "retry":
            record.setdefault("tries", []).append({"at": now.isoformat(), "why": _why(entry.detail)})
            return record
        record["outcome"], record["port"] = entry.outcome, entry.port
        record["left_at"], record["why"] = now.isoformat(), _why(entry.detail)
        return record

    def stands(self, position: Position, now: datetime) -> Record:
        """A position that has come to a step, and what it waits for there."""
        record = self.of(position["node"], position["visit"], position["id"], position["since"])
        wait = position.get("wait")
        if wait is not None and record["wait"] is None:
            until = wait.get("until")
            seconds = (datetime.fromisoformat(until) - now).total_seconds() if until else None
            record["wait"] = {
                "for": wait.get("event") or wait["kind"],
                "kind": wait["kind"],
                "until": until,
                "seconds": max(seconds, 0.0) if seconds is not None else None,
            }
        return record

    def know(
        self, record: Record, effects: Sequence[Effect], variables: Mapping[str, Any], tags: Sequence[str]
    ) -> None:
        """What is known once a step is done."""
        record["effects"] += [plain_effect(effect) for effect in effects]
        record["variables"] = dict(variables.get("vars") or {})
        record["output"] = (variables.get("outputs") or {}).get(record["node"])
        record["tags"] = list(tags)


def _why(detail: Any) -> Any:
    return detail.get("why", detail) if isinstance(detail, dict) else detail


def _summary(node: Any) -> str:
    try:
        return str(node.step.summary(node.config))[:200] if node else ""
    except Exception:  # a plugin may fail in any way
        return ""
