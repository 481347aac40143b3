"""Walking: from step to step, as each step's outcome says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from autoloop.engine.graph import CompiledNode
from autoloop.engine.interpreter.effects import fit
from autoloop.engine.interpreter.ledger import INDEXED
from autoloop.engine.interpreter.loops import GONE
from autoloop.engine.interpreter.waits import Waits, stamp
from autoloop.engine.turns import Position, variables_at
from autoloop.plugins.context import Resumed, StepContext
from autoloop.plugins.expressions import ExpressionError
from autoloop.plugins.outcomes import (
    Fail,
    Fork,
    Join,
    Loop,
    Next,
    Stop,
)
from autoloop.plugins.steps import GoalStep

__all__ = ["Walk"]

NOTHING: dict[str, Any] = {}


class Walk(Waits):
    """Takes positions through the graph."""

    __slots__ = ()

    def free(self) -> None:
        """Walk what is free to go, forks included, as far as this turn's share of steps reaches."""
        while not self.over and self.steps < self.limits.steps_per_turn:
            position = next((each for each in self.positions if "wait" not in each), None)
            if position is None:
                return
            self.walk(position, None)

    def wake(self, position: Position, resumed: Resumed | None) -> None:
        self.close(position)
        self.walk(position, resumed)

    def close(self, position: Position) -> None:
        wait = position.pop("wait")
        if wait["kind"] in INDEXED:
            self.gone.append((position["node"], position["visit"]))

    def walk(self, position: Position, resumed: Resumed | None) -> None:
        """Take the position from step to step until it waits, ends, or has had its share of this turn."""
        while True:
            if resumed is None and self.steps >= self.limits.steps_per_turn:
                return
            if self.seq >= self.limits.steps_per_run:
                self.fail(position, f"took more than {self.limits.steps_per_run} steps")
                return
            node = self.graph.nodes.get(position["node"])
            if node is None:
                self.fail(position, "stands at a step that this version does not have", again=False)
                return
            self.steps += 1
            outcome = self.ask(position, node, resumed)
            if not self.settle(position, node, outcome, resumed):
                return
            resumed = None

    def ask(self, position: Position, node: CompiledNode, resumed: Resumed | None) -> Any:
        if node.special:
            if node.is_action:
                return node
            if isinstance(node.step, GoalStep):
                if resumed is None and self.variables.get("goals", {}).get(node.id, "open") != "open":
                    resumed = Resumed("goal", self.now, data={"why": "it was reached before"})
            elif (again := self.next_item(position, node)) is not None:
                return again
        try:
            return node.step.run(self.context(position, node, resumed), node.config)  # type: ignore[attr-defined]
        except ExpressionError as error:
            return Fail(str(error)[:500])
        except Exception as error:
            return Fail(f"{type(error).__name__}: {error}"[:500])

    def context(self, position: Position, node: CompiledNode, resumed: Resumed | None) -> StepContext:
        state, variables = self.state, self.variables
        asked = variables.get("asked_at")
        now = self.now
        if "meant" in position and resumed is not None and resumed.kind == "timer":
            now = datetime.fromisoformat(position["meant"])
        return StepContext(
            now,
            state.workspace_id,
            state.run_id,
            state.workflow_id,
            state.chosen_by,
            node.id,
            position["visit"],
            self.contact,
            self.business,
            self.facts.emails,
            self.facts.happenings,
            variables_at(position, variables) if "loops" in position else variables.get("vars", NOTHING),
            self.outputs,
            variables.get("event", NOTHING),
            resumed,
            position.get("attempt", 1),
            datetime.fromisoformat(position["since"]),
            datetime.fromisoformat(asked) if asked else None,
            state.is_test,
            self.facts.workspace,
        )

    def settle(self, position: Position, node: CompiledNode, outcome: Any, resumed: Resumed | None) -> bool:
        """Do what the outcome says. True if the position goes on to its next step at once."""
        if type(outcome) is Next:
            if isinstance(outcome.port, str) and outcome.port in node.ports:
                return self.leave(position, node, outcome)
            outcome = Fail(f"answered the port “{str(outcome.port)[:64]}”, which the step does not have")
        elif outcome is GONE:
            return False
        elif type(outcome) is Fork:
            return self.spread(position, node, outcome)
        elif type(outcome) is Join:
            return self.join(position, node, outcome, resumed)
        elif type(outcome) is Loop:
            return self.settle(position, node, self.begin(position, node, outcome), resumed)
        problem = self.keep(position, node, outcome, resumed)
        if problem is None:
            self.settled.add(position["id"])
            return False
        if isinstance(problem, Stop):
            self.effects += problem.effects
            self.record(position, node, "stopped", None, problem.why or None)
            self.finish("stopped", problem.why)
            return False
        self.effects += problem.effects
        if "error" in node.exits:
            return self.depart(position, node, "error", problem.why)
        self.record(position, node, "failed", None, problem.why)
        self.finish("failed", problem.why, position)
        return False

    def leave(self, position: Position, node: CompiledNode, outcome: Next) -> bool:
        if outcome.effects:
            if not fit(outcome.effects):
                return self.settle(position, node, Fail("answered effects that are none"), None)
            self.apply(outcome.effects)
        if outcome.variables is not None:
            problem = self.assign(outcome.variables)
            if problem is not None:
                return self.settle(position, node, Fail(problem), None)
        if outcome.output is not None:
            problem = self.remember(node.id, outcome.output)
            if problem is not None:
                return self.settle(position, node, Fail(problem), None)
        return self.depart(position, node, outcome.port, outcome.why)

    def depart(self, position: Position, node: CompiledNode, port: str, why: Any) -> bool:
        """Journal the step and move on; several edges fork. True if this position has a next step."""
        self.record(position, node, "next", port, why)
        targets = node.exits.get(port, ())
        if not targets:
            return self.retire(position)
        if len(targets) > 1 and not self.multiply(position, targets[1:]):
            return False
        self.enter(position, targets[0])
        return True

    def multiply(self, position: Position, targets: Sequence[CompiledNode]) -> bool:
        """Put more positions where a fork leads. False if the run would stand in too many places."""
        if len(self.positions) + len(targets) > self.limits.positions:
            why = f"would stand in more than {self.limits.positions} places at once"
            self.fail(position, why, again=False)
            return False
        fresh = max(each["id"] for each in self.positions) + 1
        carried: Position = {key: position[key] for key in ("loops", "past", "taken") if key in position}
        for index, target in enumerate(targets):
            made: Position = {"id": fresh + index, "node": "", "visit": 0, "since": "", **carried}
            self.positions.append(self.enter(made, target))
        return True

    def spread(self, position: Position, node: CompiledNode, outcome: Fork) -> bool:
        """Leave through several ports at once."""
        ports = outcome.ports if isinstance(outcome.ports, list | tuple) else ()
        if not ports or not all(isinstance(port, str) and port in node.ports for port in ports):
            return self.settle(position, node, Fail("answered a fork through ports it does not have"), None)
        targets: list[CompiledNode] = []
        for port in dict.fromkeys(ports):
            self.record(position, node, "next", port, outcome.why)
            targets += node.exits.get(port, ())
        if not targets:
            return self.retire(position)
        if len(targets) > 1 and not self.multiply(position, targets[1:]):
            return False
        self.enter(position, targets[0])
        return True

    def join(self, position: Position, node: CompiledNode, outcome: Join, resumed: Resumed | None) -> bool:
        """Come to a merge: end here if the run went on without this branch, else go on or wait."""
        past = position.get("past", ())
        if node.id in past:
            position["past"] = [each for each in past if each != node.id]
            self.record(position, node, "merged", None, "the run went on from here before this branch came")
            return self.retire(position)
        if not node.step.joins or resumed is not None:
            return self.settle(position, node, Fail("answered a merge where it cannot"), None)
        if outcome.mode == "any":
            self.absorb(position, node)
            resumed = Resumed("merge", self.now)
            return self.settle(position, node, self.ask(position, node, resumed), resumed)
        try:
            until = None if outcome.until is None else stamp(outcome.until, self.now)
        except (TypeError, ValueError, OverflowError) as error:
            return self.settle(position, node, Fail(f"answered a merge that cannot be used: {error}"), None)
        position["wait"] = {"kind": "merge"} | ({} if until is None else {"until": until})
        self.settled.add(position["id"])
        return False

    def absorb(self, position: Position, node: CompiledNode) -> None:
        raise NotImplementedError
