"""The walk of a simulation: turn after turn of the real interpreter, the clock jumping from due to due."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from autoloop.base.i18n import _
from autoloop.engine.graph import CompiledGraph, CompiledNode
from autoloop.engine.interpreter import interpret
from autoloop.engine.models.states import ENDED
from autoloop.engine.routing.waits import exit_rule
from autoloop.engine.simulate.answers import (
    Coming,
    answer_action,
    answer_child,
    answer_email,
    answer_event,
)
from autoloop.engine.simulate.choosing import choose_ports
from autoloop.engine.simulate.records import Records
from autoloop.engine.simulate.scenario import Scenario
from autoloop.engine.simulate.world import World
from autoloop.engine.turns import Limits, State, Stimulus, Turn, Wait, has_taken
from autoloop.plugins.conditions.operators import contains
from autoloop.plugins.outcomes import SendEmail

__all__ = ["simulate"]

RUN = UUID("00000000-0000-7000-8000-000000000000")
ONE_BY_ONE = Limits(steps_per_turn=1)
Mail = Callable[[World, SendEmail, State, CompiledNode, datetime], Mapping[str, Any]]


def simulate(
    graph: CompiledGraph, world: World, scenario: Scenario, mail: Mail | None = None
) -> dict[str, Any]:
    """Walk a contact through a graph that was compiled for this call alone.

    Returns {"steps", "late", "end": {"status", "code", "reason", "note", "at", "seconds"}, "contact",
    "business", "variables"} as plain data; moments are ISO 8601, `seconds` of virtual time. `mail` fills a
    template: it gives {"subject", "html", "text", "to", "from", "barred", "hold", "problems"}.
    """
    return _Walk(choose_ports(graph, scenario), world, scenario, mail).go()


class _Walk:
    def __init__(self, graph: CompiledGraph, world: World, scenario: Scenario, mail: Mail | None) -> None:
        self.graph, self.world, self.scenario, self.mail = graph, world, scenario, mail
        self.now = scenario.start
        self.records = Records(graph)
        self.rules = [exit_rule(each) for each in graph.settings.get("exit_rules") or ()]
        self.waiting: dict[tuple[str, int], Wait] = {}
        self.held: str | None = None
        self.journalled = 0
        self.numbers = count()
        self.coming: list[tuple[datetime, int, Coming]] = []
        self.log: list[tuple[datetime, str, Mapping[str, Any]]] = []
        since = self.now.isoformat()
        self.state = State(
            str(RUN),
            str(world.workspace_id),
            str(world.workflow_id),
            str(world.contact_id),
            [{"id": 1, "node": graph.start, "visit": 1, "since": since}],
            {graph.start: 1},
            {"event": dict(scenario.event)} if scenario.event else {},
        )
        for each in scenario.events:
            self.expect(Coming(self.now + each.after, None, each.name, dict(each.data)))

    def expect(self, coming: Coming | None) -> None:
        if coming is not None:
            heapq.heappush(self.coming, (coming.at, next(self.numbers), coming))

    def go(self) -> dict[str, Any]:
        deadline = time.monotonic() + self.scenario.seconds
        stimuli: list[Stimulus] = []
        for _turn in range(4 * self.scenario.most_steps + 100):
            turn = interpret(self.graph, self.state, self.world.facts(), stimuli, self.now, ONE_BY_ONE)
            self.absorb(turn)
            stimuli = []
            if turn.status in ENDED:
                return self.told(turn.status, "ENDED", turn.reason, None)
            if self.journalled >= self.scenario.most_steps:
                return self.endless()
            if time.monotonic() > deadline:
                return self.told("unfinished", "MOST_TIME", None, _("It took too long to work out."))
            if turn.status == "active":
                continue
            moment = self.next_moment(turn.due_at)
            if moment is None:
                return self.stuck()
            if moment - self.scenario.start > self.scenario.longest:
                return self.told(
                    "unfinished", "LONGEST", None, _("It waits for longer than a simulation looks ahead.")
                )
            self.now = max(self.now, moment)
            stimuli = self.arrived()
        return self.endless()

    def next_moment(self, due: datetime | None) -> datetime | None:
        moments = [due] if due is not None else []
        moments += [self.coming[0][0]] if self.coming else []
        return min(moments, default=None)

    def arrived(self) -> list[Stimulus]:
        """What has come by now. Answers go to their wait; events to every wait and exit rule that they fit."""
        found: list[Stimulus] = []
        while self.coming and self.coming[0][0] <= self.now:
            coming = heapq.heappop(self.coming)[2]
            if coming.stimulus is not None:
                found.append(coming.stimulus)
                continue
            data, event = coming.data or {}, _event_id(len(self.log))
            self.world.happened(coming.name, self.now, data)
            self.log.append((self.now, coming.name, data))
            if any(name == coming.name and contains(data, match) for name, match in self.rules):
                found.append(Stimulus("exit", {"reason": coming.name}))
            found += [
                _event(wait, event, coming.name, data)
                for wait in list(self.waiting.values())
                if wait.event == coming.name and contains(data, wait.match or {})
            ]
        return found

    def absorb(self, turn: Turn) -> None:
        """Take over what a turn came to, and answer what it asked for."""
        state = self.state
        state.positions, state.visits, state.seq = turn.positions, turn.visits, turn.seq
        if turn.variables is not None:
            state.variables = turn.variables
        for key in turn.gone:
            self.waiting.pop(key, None)
        touched = []
        for entry in turn.journal:
            self.journalled += 1
            touched.append(self.records.left(entry, self.now))
        touched += [self.records.stands(position, self.now) for position in turn.positions]
        for name, data in self.world.apply(turn.effects):
            self.expect(Coming(self.now, None, name, data))
        self.know([record for record in touched if record is not None], len(turn.journal), turn)
        mails = {(node, visit): asked for node, visit, asked in turn.emails}
        children = {(node, visit): asked for node, visit, asked in turn.children}
        for wait in turn.waits:
            child = children.get((wait.node, wait.visit))
            if child is not None:
                node, picked = self.graph.nodes[wait.node], self.scenario.of(wait.node)
                self.expect(answer_child(node, wait.visit, child, self.now, picked))
            else:
                self.answer(wait, mails.get((wait.node, wait.visit)))

    def know(self, touched: list[dict[str, Any]], left: int, turn: Turn) -> None:
        """What is known after the turn. One step runs in a turn: the first that left, else one that waits."""
        if not touched:
            return
        effects = turn.effects
        tags = self.world.contact.get("tags") or ()
        for record in touched[: max(left, 1)]:
            self.records.know(record, effects, self.state.variables, tags)
            forced = self.scenario.forced(record["node"])
            record["chosen"] = record["outcome"] == "next" and forced == record["port"]
            effects = []

    def answer(self, wait: Wait, mail: SendEmail | None) -> None:
        node, picked = self.graph.nodes[wait.node], self.scenario.of(wait.node)
        if mail is not None:
            self.answer_mail(wait, node, mail, picked)
        elif wait.kind == "action":
            self.expect(answer_action(node, wait.visit, self.now, picked))
        elif wait.kind == "event" and wait.event:
            self.waiting[wait.node, wait.visit] = wait
            self.look_back(wait)
            self.expect(answer_event(wait.event, wait.match or {}, self.now, picked))

    def look_back(self, wait: Wait) -> None:
        """An event that was faster than the wait counts, as in real runs."""
        since = wait.since or self.now
        for index, (at, name, data) in enumerate(self.log):
            event = _event_id(index)
            fits = name == wait.event and at >= since and contains(data, wait.match or {})
            if fits and not has_taken(wait.taken, event):
                self.expect(Coming(self.now, _event(wait, event, name, data)))
                return

    def answer_mail(
        self, wait: Wait, node: CompiledNode, asked: SendEmail, picked: Mapping[str, Any]
    ) -> None:
        email_id = f"00000000-0000-7000-8000-{len(self.world.emails) + 1:012x}"
        made = dict(self.mail(self.world, asked, self.state, node, self.now)) if self.mail else {}
        fate, coming = answer_email(
            asked,
            node.id,
            wait.visit,
            email_id,
            str(RUN),
            self.now,
            picked,
            made.get("barred"),
            made.get("hold") or 0.0,
        )
        for each in coming:
            self.expect(each)
        at = coming[0].at if coming else self.now
        if fate == "held":
            self.held = node.id
        made["fate"] = fate
        self.records.of(wait.node, wait.visit)["mail"] = made
        self.world.emails.append(
            {
                "email_id": email_id,
                "run_id": str(RUN),
                "workflow_id": str(self.world.workflow_id),
                "template_id": str(asked.template_id),
                "node": node.id,
                "status": {"sent": "accepted", "failed": "rejected", "held": "unknown"}.get(fate, fate),
                "kind": asked.kind,
                "subject": made.get("subject"),
                "created_at": self.now,
                "sent_at": at if fate == "sent" else None,
            }
        )

    def stuck(self) -> dict[str, Any]:
        if self.held is not None:
            note = _("The email's fate is unknown: the run waits until a person decides.")
            return self.told("waiting", "HELD", None, note)
        return self.told(
            "waiting", "NOTHING_COMES", None, _("It waits, and nothing that was picked ends the wait.")
        )

    def endless(self) -> dict[str, Any]:
        most = self.scenario.most_steps
        often = max(self.state.visits.items(), key=lambda each: each[1], default=("", 0))
        if often[1] > 1:
            note = _(
                "Ended after ${most} steps: it goes round, “${node}” was visited ${times} times.",
                mapping={"most": most, "node": often[0], "times": often[1]},
            )
        else:
            note = _("Ended after ${most} steps.", mapping={"most": most})
        return self.told("unfinished", "MOST_STEPS", None, note)

    def told(self, status: str, code: str, reason: str | None, note: Any) -> dict[str, Any]:
        passed = self.now - self.scenario.start
        end = {"status": status, "code": code, "reason": reason, "note": note, "at": self.now.isoformat()}
        return {
            "steps": self.records.rows,
            "late": self.records.late,
            "end": end | {"seconds": passed / timedelta(seconds=1)},
            "started_at": self.scenario.start.isoformat(),
            "contact": self.world.contact,
            "business": self.world.business,
            "variables": dict(self.state.variables),
        }


def _event(wait: Wait, event: str, name: str, data: Mapping[str, Any]) -> Stimulus:
    payload = {"event_id": event, "name": name, "data": dict(data)}
    return Stimulus("event", payload, wait.node, wait.visit)


def _event_id(index: int) -> str:
    """In the order in which they happened, as ids of real events are."""
    return f"{index:08}"
