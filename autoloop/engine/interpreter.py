"""The interpreter: one run's turn as a pure function. No I/O, no clock, no database, no chance.

`interpret` takes where a run stands, what is known, and what reached it, and walks it until each of its
positions waits or has ended. The same function serves real runs, the simulator and the tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from autoloop.engine.graph import CompiledGraph, CompiledNode
from autoloop.engine.turns import Entry, Facts, Limits, Position, State, Stimulus, Turn, Wait
from autoloop.plugins.context import Resumed, StepContext
from autoloop.plugins.effects import AddTag, Effect, Emit, Notify, RemoveTag, UpdateBusiness, UpdateContact
from autoloop.plugins.outcomes import Fail, Next, Retry, SendEmail, Stop, WaitFor, WaitUntil

__all__ = ["interpret", "reduce_outcome"]

EFFECTS = (UpdateContact, UpdateBusiness, AddTag, RemoveTag, Emit, Notify)
INDEXED = ("event", "email", "action", "child")
FORBIDDEN = timedelta(days=36_500)
NO_FACTS = Facts()


def interpret(
    graph: CompiledGraph,
    state: State,
    facts: Facts | None,
    stimuli: Sequence[Stimulus],
    now: datetime,
    limits: Limits = Limits(),
) -> Turn:
    """One turn of one run: `stimuli` in their order, then timers that have passed, then what is free to go.

    `state` is not changed. Never raises, whatever the steps do.
    """
    walk = _Walk(graph, state, facts or NO_FACTS, now, limits)
    for stimulus in stimuli:
        if walk.over:
            walk.late(stimulus)
        else:
            walk.deliver(stimulus)
    if not walk.over:
        walk.timers()
    if not walk.over:
        walk.free()
    return walk.turn()


@dataclass(slots=True)
class _End:
    status: str
    reason: str


class _Walk:
    __slots__ = (
        "actions",
        "business",
        "changed",
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
        self.end: _End | None = None
        self.settled: set[int] = (
            set()
        )  # positions whose wait began in this turn: nothing of it can be answered yet
        self.journal: list[Entry] = []
        self.effects: list[Effect] = []
        self.emails: list[tuple[str, int, SendEmail]] = []
        self.actions: list[tuple[str, int]] = []
        self.waits: list[Wait] = []
        self.gone: list[tuple[str, int]] = []

    @property
    def over(self) -> bool:
        return self.end is not None

    # What reaches the run

    def deliver(self, stimulus: Stimulus) -> None:
        if stimulus.kind == "exit":
            self.stop(str(stimulus.payload.get("reason") or "exit rule"), stimulus.payload)
            return
        position = self.addressee(stimulus)
        if position is None:
            self.late(stimulus)
            return
        if stimulus.kind == "action":
            self.close(position)
            node = self.graph.nodes[position["node"]]
            self.settle(position, node, self.answer(stimulus), None)
            return
        payload = stimulus.payload
        resumed = Resumed(stimulus.kind, self.now, payload.get("port"), payload.get("name"), _data(payload))
        self.wake(position, resumed)

    def addressee(self, stimulus: Stimulus) -> Position | None:
        for position in self.positions:
            wait = position.get("wait")
            if wait is None or wait["kind"] != stimulus.kind or position["id"] in self.settled:
                continue
            if stimulus.node is None or (
                position["node"] == stimulus.node and stimulus.visit in (None, position["visit"])
            ):
                return position
        return None

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
                made for made in map(reduce_effect, payload.get("effects") or ()) if made is not None
            )
            return Next(str(payload.get("port") or "next"), payload.get("output"), effects, why)
        if payload.get("outcome") == "stop":
            return Stop(str(why or ""))
        return Fail(str(why or "the action failed"))

    def timers(self) -> None:
        for position in list(self.positions):
            wait = position.get("wait")
            if self.over or wait is None or "until" not in wait or position["id"] in self.settled:
                continue
            if datetime.fromisoformat(wait["until"]) <= self.now:
                held = wait.get("held")
                if wait["kind"] == "retry":
                    self.wake(position, _thaw(held, self.now) if held else None)
                else:
                    self.wake(position, Resumed("timer", self.now))

    def free(self) -> None:
        """Walk what is free to go, forks included, as far as this turn's share of steps reaches."""
        while not self.over and self.steps < self.limits.steps_per_turn:
            position = next((each for each in self.positions if "wait" not in each), None)
            if position is None:
                return
            self.walk(position, None)

    # Walking

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
            variables.get("vars", _EMPTY),
            self.outputs,
            variables.get("event", _EMPTY),
            resumed,
            position.get("attempt", 1),
            datetime.fromisoformat(position["since"]),
            datetime.fromisoformat(asked) if asked else None,
            state.is_test,
        )
        try:
            return node.step.run(context, node.config)  # type: ignore[attr-defined]
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
            return outcome if _fit(outcome.effects) else Fail("answered effects that are none")
        if outcome is node:
            position["wait"] = {"kind": "action"}
            self.actions.append((node.id, position["visit"]))
            self.waits.append(Wait(position["id"], node.id, position["visit"], "action"))
            return None
        if isinstance(outcome, Retry):
            return self.again(position, outcome, resumed)
        if not isinstance(outcome, WaitUntil | WaitFor | SendEmail) or not _fit(outcome.effects):
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
        if not isinstance(outcome.after, timedelta) or not timedelta(0) <= outcome.after <= FORBIDDEN:
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
            if not _fit(outcome.effects):
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
                _bounded(detail, self.limits.detail),
            )
        )

    # What a step leaves behind

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

    def apply(self, effects: Sequence[Effect]) -> None:
        """Keep the effects for the commit, and let later steps of this turn see them."""
        for effect in effects:
            self.effects.append(effect)
            if isinstance(effect, UpdateContact):
                self.contact = _with(self.contact, effect.set)
            elif isinstance(effect, UpdateBusiness):
                self.business = _with(self.business, effect.set)
            elif isinstance(effect, AddTag):
                tags = [tag for tag in self.contact.get("tags", ()) if tag != effect.tag]
                self.contact = {**self.contact, "tags": [*tags, effect.tag]}
            elif isinstance(effect, RemoveTag):
                self.contact = {
                    **self.contact,
                    "tags": [t for t in self.contact.get("tags", ()) if t != effect.tag],
                }

    # Ends

    def stop(self, reason: str, detail: Any) -> None:
        self.seq += 1
        self.journal.append(Entry(self.seq, "", "", 0, 0, "stopped", None, self.stamp, {"why": reason}))
        self.finish("stopped", reason)

    def fail(self, position: Position, reason: str) -> None:
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
        self.finish("failed", reason)

    def finish(self, status: str, reason: str) -> None:
        """End the whole run: nothing asked for in this turn is done, and what it waited for is let go."""
        asked = {(wait.node, wait.visit) for wait in self.waits}
        for position in self.positions:
            wait = position.get("wait")
            key = (position["node"], position["visit"])
            if wait is not None and wait["kind"] in INDEXED and key not in asked:
                self.gone.append(key)
                self.mailed = self.mailed or wait["kind"] == "email"
        self.positions = []
        self.emails, self.actions, self.waits = [], [], []
        self.end = _End(status, reason[:500])

    def turn(self) -> Turn:
        if self.end is None and not self.positions:
            self.end = _End("completed", "")
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
        )


_EMPTY: dict[str, Any] = {}


def _data(payload: dict[str, Any]) -> dict[str, Any]:
    data = payload.get("data")
    if isinstance(data, dict):
        return data
    return {key: value for key, value in payload.items() if key not in ("port", "name")}


def _thaw(held: dict[str, Any], now: datetime) -> Resumed:
    return Resumed(held["kind"], now, held.get("port"), held.get("name"), held.get("data") or {})


def _stamp(at: datetime, now: datetime) -> str:
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise ValueError("a moment must be a datetime with a zone")
    if at - now > FORBIDDEN:
        raise ValueError("a moment must lie within a hundred years")
    return at.isoformat()


def _fit(effects: Any) -> bool:
    return not effects or (
        isinstance(effects, list | tuple) and all(isinstance(each, EFFECTS) for each in effects)
    )


def _bounded(detail: Any, limit: int) -> Any:
    if detail is None:
        return None
    try:
        written = orjson.dumps(detail)
    except (TypeError, RecursionError):
        return {"why": str(detail)[:limit]}
    return (
        detail
        if len(written) <= limit
        else {"truncated": True, "why": written[: limit // 2].decode(errors="replace")}
    )


def _with(data: Any, changes: Any) -> dict[str, Any]:
    made = dict(data)
    for field, value in changes.items():
        root, _, rest = str(field).partition(".")
        if rest:
            made[root] = _with(made.get(root) or {}, {rest: value})
        else:
            made[root] = value
    return made


def reduce_outcome(outcome: Next | Fail | Stop) -> dict[str, Any]:
    """An action's outcome as plain data, for the stimulus that carries it."""
    if isinstance(outcome, Next):
        made: dict[str, Any] = {
            "outcome": "next",
            "port": outcome.port,
            "output": outcome.output,
            "why": outcome.why,
        }
        made["effects"] = [write_effect(effect) for effect in outcome.effects]
        return made
    return {"outcome": "stop" if isinstance(outcome, Stop) else "fail", "why": outcome.why}


def write_effect(effect: Effect) -> dict[str, Any]:
    kind = type(effect).__name__
    return {"effect": kind, **{name: getattr(effect, name) for name in type(effect).__dataclass_fields__}}


def reduce_effect(given: dict[str, Any]) -> Effect | None:
    known = {cls.__name__: cls for cls in EFFECTS}
    values = dict(given)
    cls = known.get(values.pop("effect", ""))
    return cls(**values) if cls is not None else None  # type: ignore[no-any-return]
