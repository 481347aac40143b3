"""Goals: nodes that a run jumps to as soon as they are reached."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from autoloop.engine.interpreter.joins import Joins
from autoloop.engine.turns import Stimulus, Wait
from autoloop.plugins.context import Resumed

__all__ = ["Goals"]


class Goals(Joins):
    """Keeps in the run's variables which goals are open and which are reached; each is reached once."""

    __slots__ = ()

    def listen(self) -> None:
        """Make the waits of goals that the run does not know yet: at its start, or new in its version."""
        known: Mapping[str, str] = self.variables.get("goals", {})
        fresh = [goal for goal in self.graph.goals if goal not in known]
        if not fresh or not self.positions:
            return
        self.variables = {**self.variables, "goals": {**known, **dict.fromkeys(fresh, "open")}}
        self.changed = True
        began = [position.get("heard") or position["since"] for position in self.positions]
        since = min(map(datetime.fromisoformat, began))
        for goal in fresh:
            for index, (event, match, _) in enumerate(self.graph.ears[goal]):
                own = {"run_id": self.state.run_id} if match.get("run_id") == "" else {}
                self.waits.append(Wait(0, goal, -index, "event", event, {**match, **own}, None, since))

    def heard(self, stimulus: Stimulus) -> bool:
        """Is this event one that a goal listens to? Then it is taken, and the goal reached if it says so."""
        goal, visit = stimulus.node, stimulus.visit
        ears = self.graph.ears.get(goal or "", ())
        if goal is None or visit is None or not -len(ears) < visit <= 0:
            return False
        if ears[-visit][2]:
            if goal not in self.listening():
                return False
            payload = stimulus.payload
            self.reach(goal, {"event": payload.get("name"), "data": payload.get("data")})
        return True

    def look(self) -> bool:
        """Ask the open goals whether they are reached by now. True if one was."""
        for goal in self.graph.goals:
            if goal not in self.listening():
                continue
            node = self.graph.nodes[goal]
            here = {"node": goal, "visit": 0, "since": self.stamp}
            try:
                reached, why = node.step.reached(self.context(here, node, None), node.config)  # type: ignore[attr-defined]
            except Exception:  # noqa: S112
                continue  # a plugin's error while nobody stands there stops nobody
            if reached:
                self.reach(goal, why)
                return True
        return False

    def reach(self, goal: str, why: Any) -> None:
        """All that has not passed the goal goes there as one."""
        self.variables = {**self.variables, "goals": {**self.variables["goals"], goal: self.stamp}}
        self.changed = True
        ears = set(self.ears(goal))
        asked = {(each.node, each.visit) for each in self.waits}
        self.waits = [each for each in self.waits if (each.node, each.visit) not in ears]
        self.gone += sorted(ears - asked)
        upstream, node = self.graph.goals[goal], self.graph.nodes[goal]
        jumping = [each for each in self.positions if each["node"] in upstream or each["node"] == goal]
        if not jumping:
            return
        first = next((each for each in jumping if each["node"] == goal), jumping[0])
        for each in jumping:
            self.let_go(each)
            if each["node"] != goal:
                left = self.graph.nodes[each["node"]]
                self.record(each, left, "jumped", None, {"goal": goal, "why": why})
            if each is not first:
                self.positions.remove(each)
        first.pop("loops", None)
        first.pop("past", None)
        if first["node"] != goal:
            self.enter(first, node)
        self.walk(first, Resumed("goal", self.now, data={"why": why}))
