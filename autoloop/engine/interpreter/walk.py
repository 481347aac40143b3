"""Walking: from step to step, as each step's outcome says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from autoloop.engine.graph import CompiledNode
from autoloop.engine.interpreter.effects import fit
from autoloop.engine.interpreter.ledger import INDEXED
from autoloop.engine.interpreter.loops import GONE, Loops
from autoloop.engine.turns import Position, Wait, variables_at
from autoloop.plugins.context import Resumed, StepContext
from autoloop.plugins.expressions import ExpressionError
from autoloop.plugins.outcomes import (
    Fail,
    Fork,
    Join,
    Loop,
    Next,
    Retry,
    SendEmail,
    StartRun,
    Stop,
    WaitFor,
    WaitUntil,
)
from autoloop.plugins.steps import GoalStep

__all__ = ["Walk"]

LONGEST = timedelta(days=36_500)
NOTHING: dict[str, Any] = {}
KEPT = (WaitUntil, WaitFor, SendEmail, StartRun)


class Walk(Loops):
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
                self.fail(position, "stands at a step that this version does not have")
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
        return StepContext(
            self.now,
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
            if outcome.port in node.ports:
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
        self.finish("failed", problem.why)
        return False

    def keep(
        self, position: Position, node: CompiledNode, outcome: Any, resumed: Resumed | None
    ) -> Fail | Stop | None:
        """Make the position wait as the outcome asks. A Fail or Stop comes back as it is."""
        if isinstance(outcome, Fail | Stop):
            return outcome if fit(outcome.effects) else Fail("answered effects that are none")
        if outcome is node:
            position["wait"] = {"kind": "action"}
            self.actions.append((node.id, position["visit"]))
            self.waits.append(Wait(position["id"], node.id, position["visit"], "action"))
            return None
        if isinstance(outcome, Retry):
            return self.again(position, outcome, resumed)
        if not isinstance(outcome, KEPT) or not fit(getattr(outcome, "effects", ())):
            return Fail(f"answered {type(outcome).__name__}, which is no outcome")
        try:
            if isinstance(outcome, WaitUntil):
                position["wait"] = {"kind": "timer", "until": _stamp(outcome.at, self.now)}
            elif isinstance(outcome, WaitFor):
                self.expect(position, node, outcome)
            elif isinstance(outcome, StartRun):
                return self.start_run(position, node, outcome)
            else:
                UUID(str(outcome.template_id)), outcome.sender_id and UUID(str(outcome.sender_id))
                orjson.dumps(dict(outcome.variables))
                position["wait"] = {"kind": "email"}
                self.variables = {**self.variables, "asked_at": self.stamp}
                self.changed = True
                if outcome.on_unknown is None:
                    outcome.on_unknown = self.graph.settings.get("on_unknown", "hold")
                self.emails.append((node.id, position["visit"], outcome))
                self.waits.append(Wait(position["id"], node.id, position["visit"], "email"))
        except (TypeError, ValueError, OverflowError, AttributeError) as error:
            position.pop("wait", None)
            return Fail(f"answered an outcome that cannot be used: {error}"[:500])
        self.apply(outcome.effects)
        return None

    def expect(self, position: Position, node: CompiledNode, outcome: WaitFor) -> None:
        asked = self.variables.get("asked_at")
        since = outcome.since or (datetime.fromisoformat(asked) if asked else self.now)
        match = orjson.loads(orjson.dumps(dict(outcome.match)))
        if not isinstance(outcome.event, str) or not outcome.event:
            raise ValueError("an event has a name")
        wait: dict[str, Any] = {"kind": "event", "event": outcome.event}
        if outcome.until is not None:
            wait["until"] = _stamp(outcome.until, self.now)
        _stamp(since, self.now)
        position["wait"] = wait
        self.waits.append(
            Wait(
                position["id"],
                node.id,
                position["visit"],
                "event",
                outcome.event,
                match,
                outcome.until,
                since,
            )
        )

    def again(self, position: Position, outcome: Retry, resumed: Resumed | None) -> Fail | None:
        attempt = position.get("attempt", 1)
        if attempt >= self.limits.attempts:
            return Fail(f"gave up after {attempt} attempts: {outcome.why}")
        if not isinstance(outcome.after, timedelta) or not timedelta(0) <= outcome.after <= LONGEST:
            return Fail("answered a retry after no usable time")
        self.record(
            position, node=self.graph.nodes[position["node"]], outcome="retry", port=None, detail=outcome.why
        )
        position["attempt"] = attempt + 1
        wait: dict[str, Any] = {"kind": "retry", "until": (self.now + outcome.after).isoformat()}
        if resumed is not None:
            wait["held"] = {
                "kind": resumed.kind,
                "port": resumed.port,
                "name": resumed.name,
                "data": dict(resumed.data),
            }
        position["wait"] = wait
        return None

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
            self.fail(position, f"would stand in more than {self.limits.positions} places at once")
            return False
        fresh = max(each["id"] for each in self.positions) + 1
        carried: Position = {key: position[key] for key in ("loops", "past") if key in position}
        for index, target in enumerate(targets):
            made: Position = {"id": fresh + index, "node": "", "visit": 0, "since": "", **carried}
            self.positions.append(self.enter(made, target))
        return True

    def spread(self, position: Position, node: CompiledNode, outcome: Fork) -> bool:
        """Leave through several ports at once."""
        ports = tuple(dict.fromkeys(outcome.ports)) if isinstance(outcome.ports, list | tuple) else ()
        if not ports or not node.ports.issuperset(ports):
            return self.settle(position, node, Fail("answered a fork through ports it does not have"), None)
        targets: list[CompiledNode] = []
        for port in ports:
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
            until = None if outcome.until is None else _stamp(outcome.until, self.now)
        except (TypeError, ValueError, OverflowError) as error:
            return self.settle(position, node, Fail(f"answered a merge that cannot be used: {error}"), None)
        position["wait"] = {"kind": "merge"} | ({} if until is None else {"until": until})
        self.settled.add(position["id"])
        return False

    def absorb(self, position: Position, node: CompiledNode) -> None:
        raise NotImplementedError

    def start_run(self, position: Position, node: CompiledNode, outcome: StartRun) -> Fail | None:
        """Ask for a run of another workflow, and wait for what becomes of it. Raises as UUID and JSON do."""
        variables, limits = self.variables, self.limits
        workflow = str(UUID(str(outcome.workflow_id)))
        data = orjson.dumps(dict(outcome.data))
        if len(data) > limits.output:
            return Fail(f"hands over more than {limits.output} bytes")
        if variables.get("depth", 0) >= limits.depth:
            return Fail(f"is {limits.depth} workflows deep: one starts the other in a circle")
        started = variables.get("children", 0) + 1
        if started > limits.children:
            return Fail(f"started {limits.children} runs already")
        marks = {"children": started, "takes_along": True} if outcome.along else {"children": started}
        self.variables = {**variables, **marks}
        self.changed = True
        position["wait"] = {"kind": "child", "workflow": workflow}
        made = StartRun(workflow, outcome.wait, orjson.loads(data), outcome.along)
        self.children.append((node.id, position["visit"], made))
        self.waits.append(Wait(position["id"], node.id, position["visit"], "child"))
        return None


def _stamp(at: datetime, now: datetime) -> str:
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise ValueError("a moment must be a datetime with a zone")
    if at - now > LONGEST:
        raise ValueError("a moment must lie within a hundred years")
    return at.isoformat()
