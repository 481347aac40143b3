"""Walking: from step to step, as each step's outcome says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from autoloop.engine.graph import CompiledNode
from autoloop.engine.interpreter.effects import fit
from autoloop.engine.interpreter.ledger import INDEXED, Ledger
from autoloop.engine.turns import Position, Wait
from autoloop.plugins.context import Resumed, StepContext
from autoloop.plugins.expressions import ExpressionError
from autoloop.plugins.outcomes import Fail, Next, Retry, SendEmail, Stop, WaitFor, WaitUntil

__all__ = ["Walk"]

LONGEST = timedelta(days=36_500)
NOTHING: dict[str, Any] = {}


class Walk(Ledger):
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
        if node.is_action:
            return node
        state, variables = self.state, self.variables
        asked = variables.get("asked_at")
        context = StepContext(
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
            variables.get("vars", NOTHING),
            self.outputs,
            variables.get("event", NOTHING),
            resumed,
            position.get("attempt", 1),
            datetime.fromisoformat(position["since"]),
            datetime.fromisoformat(asked) if asked else None,
            state.is_test,
        )
        try:
            return node.step.run(context, node.config)  # type: ignore[attr-defined]
        except ExpressionError as error:
            return Fail(str(error)[:500])
        except Exception as error:
            return Fail(f"{type(error).__name__}: {error}"[:500])

    def settle(self, position: Position, node: CompiledNode, outcome: Any, resumed: Resumed | None) -> bool:
        """Do what the outcome says. True if the position goes on to its next step at once."""
        if type(outcome) is Next:
            if outcome.port in node.ports:
                return self.leave(position, node, outcome)
            outcome = Fail(f"answered the port “{str(outcome.port)[:64]}”, which the step does not have")
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
        if not isinstance(outcome, WaitUntil | WaitFor | SendEmail) or not fit(outcome.effects):
            return Fail(f"answered {type(outcome).__name__}, which is no outcome")
        try:
            if isinstance(outcome, WaitUntil):
                position["wait"] = {"kind": "timer", "until": _stamp(outcome.at, self.now)}
            elif isinstance(outcome, WaitFor):
                self.expect(position, node, outcome)
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
            self.positions.remove(position)
            return False
        fresh = max(each["id"] for each in self.positions) + 1 if len(targets) > 1 else 0
        for index, target in enumerate(targets[1:]):
            self.positions.append(
                self.enter({"id": fresh + index, "node": "", "visit": 0, "since": ""}, target)
            )
        self.enter(position, targets[0])
        return True

    def enter(self, position: Position, node: CompiledNode) -> Position:
        visit = self.visits.get(node.id, 0) + 1
        self.visits[node.id] = visit
        position["node"], position["visit"], position["since"] = node.id, visit, self.stamp
        position.pop("attempt", None)
        return position


def _stamp(at: datetime, now: datetime) -> str:
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise ValueError("a moment must be a datetime with a zone")
    if at - now > LONGEST:
        raise ValueError("a moment must lie within a hundred years")
    return at.isoformat()
