"""Waits: what a position waits for, as its step's outcome asks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from autoloop.engine.graph import CompiledNode
from autoloop.engine.interpreter.effects import fit
from autoloop.engine.interpreter.loops import Loops
from autoloop.engine.turns import Position, Wait, take
from autoloop.plugins.context import Resumed
from autoloop.plugins.outcomes import Fail, Retry, SendEmail, StartRun, Stop, WaitFor, WaitUntil

__all__ = ["Waits", "stamp"]

LONGEST = timedelta(days=36_500)
NOTHING: dict[str, str] = {}
KEPT = (WaitUntil, WaitFor, SendEmail, StartRun)


class Waits(Loops):
    """Turns outcomes into waits, and into what is asked for with them."""

    __slots__ = ()

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
                position["wait"] = {
                    "kind": "timer",
                    "until": stamp(self.sooner(position, node, outcome.at), self.now),
                }
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
        started_by = self.variables.get("event", NOTHING).get("id")
        if started_by and "taken" not in position:
            take(position, started_by)
        if "heard" in position:
            since = min(since, datetime.fromisoformat(position.pop("heard")))
        written = orjson.dumps([outcome.event, dict(outcome.match)])
        if len(written) > self.limits.output:
            raise ValueError(f"what the event must contain takes more than {self.limits.output} bytes")
        match = orjson.loads(written)[1]
        if not isinstance(outcome.event, str) or not outcome.event:
            raise ValueError("an event has a name")
        wait: dict[str, Any] = {"kind": "event", "event": outcome.event}
        until = outcome.until
        if until is not None:
            until = self.sooner(position, node, until)
            wait["until"] = stamp(until, self.now)
        stamp(since, self.now)
        position["wait"] = wait
        self.waits.append(
            Wait(
                position["id"],
                node.id,
                position["visit"],
                "event",
                outcome.event,
                match,
                until,
                since,
                position.get("taken", ()),
            )
        )

    def sooner(self, position: Position, node: CompiledNode, at: datetime) -> datetime:
        """When a wait ends: as asked, but in a test run after some seconds at most. The journal then tells
        the moment that was meant, and the step is shown it as now when its wait ends."""
        position.pop("meant", None)
        if not self.state.is_test:
            return at
        seconds = self.variables.get("test", {}).get("shorten")
        if seconds is None or at - self.now <= timedelta(seconds=seconds):
            return at
        position["meant"] = at.isoformat()
        why = f"the test waits {seconds:g} s at most"
        self.record(position, node, "shortened", None, {"why": why, "until": position["meant"]})
        return self.now + timedelta(seconds=seconds)

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
        at = self.sooner(position, self.graph.nodes[position["node"]], self.now + outcome.after)
        wait: dict[str, Any] = {"kind": "retry", "until": at.isoformat()}
        if resumed is not None:
            wait["held"] = {
                "kind": resumed.kind,
                "port": resumed.port,
                "name": resumed.name,
                "data": dict(resumed.data),
            }
        position["wait"] = wait
        return None

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


def stamp(at: datetime, now: datetime) -> str:
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise ValueError("a moment must be a datetime with a zone")
    if at - now > LONGEST:
        raise ValueError("a moment must lie within a hundred years")
    return at.isoformat()
