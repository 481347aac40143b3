"""Arrivals: what reached the run since its last turn, and the timers that have passed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from autoloop.engine.interpreter.effects import read_effect
from autoloop.engine.interpreter.goals import Goals
from autoloop.engine.turns import Entry, Position, Stimulus, has_taken, take
from autoloop.plugins.context import Resumed
from autoloop.plugins.outcomes import Fail, Next, Stop

__all__ = ["Arrivals"]

NO_WAIT: dict[str, Any] = {}


class Arrivals(Goals):
    """Wakes the positions that were waiting for what came."""

    __slots__ = ()

    def deliver(self, stimulus: Stimulus) -> None:
        if stimulus.kind == "exit":
            self.stop(str(stimulus.payload.get("reason") or "exit rule"))
            return
        if "moved" in self.variables:
            stimulus = self.renamed(stimulus)
        position = self.addressee(stimulus)
        if position is None:
            if not self.graph.goals or stimulus.kind != "event" or not self.heard(stimulus):
                self.late(stimulus)
            return
        if stimulus.kind == "action":
            self.close(position)
            node = self.graph.nodes[position["node"]]
            self.settle(position, node, self.answer(stimulus), None)
            return
        payload = stimulus.payload
        if "event_id" in payload and stimulus.kind == "event":
            take(position, payload["event_id"])
        resumed = Resumed(stimulus.kind, self.now, payload.get("port"), payload.get("name"), _data(payload))
        self.wake(position, resumed)

    def addressee(self, stimulus: Stimulus) -> Position | None:
        event = stimulus.payload.get("event_id", "") if stimulus.kind == "event" else ""
        for position in self.positions:
            wait = position.get("wait")
            if wait is None or wait["kind"] != stimulus.kind or position["id"] in self.settled:
                continue
            if event and has_taken(position.get("taken", ()), event):
                continue
            if stimulus.node is None or (
                position["node"] == stimulus.node and stimulus.visit in (None, position["visit"])
            ):
                return position
        return None

    def renamed(self, stimulus: Stimulus) -> Stimulus:
        """What comes for a wait by the name that it had in the version from which the run was moved."""
        found = self.variables["moved"].get(f"{stimulus.node}:{stimulus.visit}")
        return stimulus if found is None else stimulus._replace(node=found[0], visit=found[1])

    def late(self, stimulus: Stimulus) -> None:
        """What came for a wait that is gone is written down and ignored."""
        self.seq += 1
        detail = {
            "kind": stimulus.kind,
            "port": stimulus.payload.get("port"),
            "name": stimulus.payload.get("name"),
        }
        self.journal.append(
            Entry(self.seq, stimulus.node or "", "", stimulus.visit or 0, 0, "late", None, self.stamp, detail)
        )

    def answer(self, stimulus: Stimulus) -> Next | Fail | Stop:
        """What an action gave back, as the outcome it was."""
        payload = stimulus.payload
        why = payload.get("why")
        if payload.get("outcome") == "next":
            effects = tuple(
                made for made in map(read_effect, payload.get("effects") or ()) if made is not None
            )
            port = str(payload.get("port") or "next")
            return Next(port, payload.get("output"), effects, why, payload.get("variables"))
        if payload.get("outcome") == "stop":
            return Stop(str(why or ""))
        return Fail(str(why or "the action failed"))

    def together(self) -> None:
        """What concerns the run as a whole, once each position waits: merges and goals, as long as one goes on."""
        while not self.over and (self.gather() or self.look() or self.give_up()):
            self.free()

    def is_due(self, position: Position, *, at_merge: bool) -> bool:
        wait = position.get("wait", NO_WAIT)
        if "until" not in wait or position["id"] in self.settled:
            return False
        merges = wait["kind"] == "merge" and position["node"] in self.graph.joins
        return merges is at_merge and datetime.fromisoformat(wait["until"]) <= self.now

    def give_up(self) -> bool:
        """Let a merge whose time is over go on without the others. True if one did.

        Only once nobody is free to come: where the run is walked late, those who were there in time count.
        """
        if all("wait" in position for position in self.positions):
            for position in self.positions:
                if self.is_due(position, at_merge=True):
                    self.release(position, self.graph.nodes[position["node"]], Resumed("timer", self.now))
                    return True
        return False

    def timers(self) -> None:
        """What has waited long enough goes on; merges look after themselves."""
        for position in list(self.positions):
            if not self.over and self.is_due(position, at_merge=False):
                wait = position["wait"]
                held = wait.get("held")
                if wait["kind"] == "retry":
                    self.wake(position, _thaw(held, self.now) if held else None)
                else:
                    self.wake(position, Resumed("timer", self.now))


def _data(payload: dict[str, Any]) -> dict[str, Any]:
    data = payload.get("data")
    if isinstance(data, dict):
        return data
    return {key: value for key, value in payload.items() if key not in ("port", "name")}


def _thaw(held: dict[str, Any], now: datetime) -> Resumed:
    return Resumed(held["kind"], now, held.get("port"), held.get("name"), held.get("data") or {})
