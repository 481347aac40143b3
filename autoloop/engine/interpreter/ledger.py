"""The ledger of a turn: where each position stands, what is written down, what is asked for, how it ends."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from autoloop.engine.graph import CompiledGraph, CompiledNode
from autoloop.engine.interpreter.effects import bounded, overlaid, sentence
from autoloop.engine.turns import Entry, Facts, Limits, Position, State, Turn, Wait
from autoloop.plugins.effects import AddTag, Effect, RemoveTag, UpdateBusiness, UpdateContact
from autoloop.plugins.outcomes import SendEmail, StartRun

__all__ = ["INDEXED", "Ledger"]

INDEXED = ("event", "email", "action", "child")
"""Waits that something outside must find: they have a row of their own."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")


class End(NamedTuple):
    status: str
    reason: str


class Ledger:
    """What one turn changes; the state it began with stays as it was."""

    __slots__ = (
        "actions",
        "business",
        "changed",
        "children",
        "contact",
        "effects",
        "emails",
        "end",
        "facts",
        "gone",
        "graph",
        "journal",
        "limits",
        "mailed",
        "now",
        "outputs",
        "positions",
        "seq",
        "settled",
        "stamp",
        "state",
        "steps",
        "variables",
        "visits",
        "waits",
    )

    def __init__(
        self, graph: CompiledGraph, state: State, facts: Facts, now: datetime, limits: Limits
    ) -> None:
        self.graph, self.state, self.facts, self.now, self.limits = graph, state, facts, now, limits
        self.positions: list[Position] = [position.copy() for position in state.positions]
        self.visits = dict(state.visits)
        self.variables = state.variables
        self.outputs: dict[str, Any] = state.variables.get("outputs", {})
        self.contact, self.business = facts.contact, facts.business
        self.seq, self.steps = state.seq, 0
        self.stamp = now.isoformat()
        self.changed = self.mailed = False
        self.end: End | None = None
        # Positions whose wait began in this turn: nothing that is here already can answer it.
        self.settled: set[int] = set()
        self.journal: list[Entry] = []
        self.effects: list[Effect] = []
        self.emails: list[tuple[str, int, SendEmail]] = []
        self.actions: list[tuple[str, int]] = []
        self.children: list[tuple[str, int, StartRun]] = []
        self.waits: list[Wait] = []
        self.gone: list[tuple[str, int]] = []

    @property
    def over(self) -> bool:
        return self.end is not None

    def record(
        self, position: Position, node: CompiledNode, outcome: str, port: str | None, detail: Any
    ) -> None:
        self.seq += 1
        if detail is not None and not isinstance(detail, dict):
            detail = {"why": detail}
        self.journal.append(
            Entry(
                self.seq,
                node.id,
                node.type,
                position["visit"],
                position["id"],
                outcome,
                port,
                position["since"],
                bounded(detail, self.limits.detail),
            )
        )

    def remember(self, node: str, output: Any) -> str | None:
        """Keep an output for later steps, cut to size. A sentence if it cannot be kept."""
        try:
            written = orjson.dumps(output)
        except (TypeError, RecursionError) as error:
            return f"gave an output that is not plain data: {error}"[:500]
        kept = (
            {"truncated": True, "bytes": len(written)}
            if len(written) > self.limits.output
            else orjson.loads(written)
        )
        self.outputs = {**self.outputs, node: kept}
        if len(written) > 256 and len(orjson.dumps(self.outputs)) > self.limits.outputs:
            self.outputs = {**self.outputs, node: {"truncated": True, "bytes": len(written)}}
        self.variables = {**self.variables, "outputs": self.outputs}
        self.changed = True
        return None

    def assign(self, given: Any) -> str | None:
        """Set variables of the run, each and all of them cut to size. A sentence if that cannot be done."""
        if not isinstance(given, Mapping):
            return "set variables that are none"
        own = dict(self.variables.get("vars") or {})
        for name, value in given.items():
            if not isinstance(name, str) or not NAME.match(name):
                return f"set a variable whose name cannot be one: {str(name)[:64]}"
            try:
                written = orjson.dumps(value)
            except (TypeError, RecursionError) as error:
                return f"set {name} to what is not plain data: {error}"[:500]
            cut = {"truncated": True, "bytes": len(written)}
            own[name] = cut if len(written) > self.limits.output else orjson.loads(written)
            if len(orjson.dumps(own)) > self.limits.outputs:
                own[name] = cut
        if len(orjson.dumps(own)) > 2 * self.limits.outputs:
            return "set more variables than a run can keep"
        self.variables = {**self.variables, "vars": own}
        self.changed = True
        return None

    def let_go(self, position: Position) -> None:
        """End the position's wait, if it has one; what it asked for in this turn is not asked for."""
        wait = position.pop("wait", None)
        if wait is None or wait["kind"] not in INDEXED:
            return
        key = (position["node"], position["visit"])
        if any((each.node, each.visit) == key for each in self.waits):
            self.waits = [each for each in self.waits if (each.node, each.visit) != key]
            self.emails = [each for each in self.emails if each[:2] != key]
            self.actions = [each for each in self.actions if each != key]
            self.children = [each for each in self.children if each[:2] != key]
        else:
            self.gone.append(key)

    def apply(self, effects: Sequence[Effect]) -> None:
        """Keep the effects for the commit, and let later steps of this turn see them."""
        for effect in effects:
            self.effects.append(effect)
            if isinstance(effect, UpdateContact):
                self.contact = overlaid(self.contact, effect.set)
            elif isinstance(effect, UpdateBusiness):
                self.business = overlaid(self.business, effect.set)
            elif isinstance(effect, AddTag):
                tags = [tag for tag in self.contact.get("tags", ()) if tag != effect.tag]
                self.contact = {**self.contact, "tags": [*tags, effect.tag]}
            elif isinstance(effect, RemoveTag):
                self.contact = {
                    **self.contact,
                    "tags": [t for t in self.contact.get("tags", ()) if t != effect.tag],
                }

    def stop(self, reason: str) -> None:
        self.seq += 1
        self.journal.append(Entry(self.seq, "", "", 0, 0, "stopped", None, self.stamp, {"why": reason}))
        self.finish("stopped", reason)

    def fail(self, position: Position, reason: str, *, again: bool = True) -> None:
        """Fail where no step failed. Without `again`, what the position did would be done twice if it went
        on from here."""
        self.seq += 1
        entry = Entry(
            self.seq,
            position["node"],
            "",
            position["visit"],
            position["id"],
            "failed",
            None,
            position["since"],
            {"why": reason},
        )
        self.journal.append(entry)
        self.finish("failed", reason, position if again else None)

    def finish(self, status: str, reason: str, broken: Position | None = None) -> None:
        """End the whole run: nothing asked for in this turn is done, and what it waited for is let go.

        Where it stood is kept with the position that is `broken`: the run may go on from there.
        """
        asked = {(wait.node, wait.visit) for wait in self.waits}
        if broken is not None:
            self.break_off(broken, asked)
        for position in self.positions:
            wait = position.get("wait")
            key = (position["node"], position["visit"])
            if wait is not None and wait["kind"] in INDEXED and key not in asked:
                self.gone.append(key)
                self.mailed = self.mailed or wait["kind"] == "email"
        self.positions = []
        self.emails, self.actions, self.waits, self.children = [], [], [], []
        self.end = End(status, sentence(reason)[:500])

    def break_off(self, broken: Position, asked: Collection[tuple[str, int]]) -> None:
        """Keep where the run stands. What was asked for in this turn will not be done: that step is free again."""
        kept = []
        for position in self.positions:
            wait = position.get("wait")
            undone = wait is not None and wait["kind"] in INDEXED
            free = position is broken or (undone and (position["node"], position["visit"]) in asked)
            kept.append({key: value for key, value in position.items() if not (free and key == "wait")})
        marks = {"at": self.stamp, "position": broken["id"], "positions": kept}
        self.variables = {**self.variables, "broken": marks}
        self.changed = True

    def result(self) -> Turn:
        if self.end is None and not self.positions:
            self.end = End("completed", "")
        if self.end is not None and self.graph.goals:
            self.waits = []  # only those of goals are left
            self.gone += [
                row for goal in self.graph.goals.keys() & self.listening() for row in self.ears(goal)
            ]
        if "lists" in self.variables:
            self.forget_lists()
        status, reason, due = "waiting", None, None
        if self.end is not None:
            status, reason = self.end.status, self.end.reason or None
        else:
            untils: list[str] = []
            for position in self.positions:
                wait = position.get("wait")
                if wait is None:
                    status = "active"
                elif "until" in wait:
                    untils.append(wait["until"])
            due = self.now if status == "active" else min(map(datetime.fromisoformat, untils), default=None)
        return Turn(
            status,
            reason,
            due,
            self.positions,
            self.visits,
            self.variables if self.changed else None,
            self.seq,
            self.journal,
            self.waits,
            self.gone,
            self.emails,
            self.actions,
            self.effects,
            self.mailed,
            self.children,
        )

    def listening(self) -> set[str]:
        """Goals that are not reached yet."""
        return {goal for goal, state in self.variables.get("goals", {}).items() if state == "open"}

    def ears(self, goal: str) -> list[tuple[str, int]]:
        """The (node, visit) of a goal's waits: visits from 0 down, which no position has."""
        return [(goal, -index) for index, _ in enumerate(self.graph.ears[goal])]

    def forget_lists(self) -> None:
        """Drop the lists that no position is in any more."""
        lists = self.variables["lists"]
        standing = self.positions or self.variables.get("broken", {}).get("positions", ())
        held = {key for position in standing for key, _ in position.get("loops", ())}
        if lists.keys() - held:
            self.changed = True
            left = {key: items for key, items in lists.items() if key in held}
            self.variables = {key: value for key, value in self.variables.items() if key != "lists"}
            if left:
                self.variables["lists"] = left
