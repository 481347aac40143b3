"""Actions in hand, and everything a step is given to perform one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from psycopg import Cursor

from autoloop.base import due
from autoloop.engine.advance.facts import load_facts
from autoloop.engine.graph import CompiledGraph, CompiledNode
from autoloop.engine.models.states import ENDED
from autoloop.engine.perform.grants import load_granted, named_credentials
from autoloop.engine.perform.statements import LOAD
from autoloop.engine.trying import facts_of_test, own_test
from autoloop.engine.turns import Facts, variables_at
from autoloop.engine.versions import CompiledVersions
from autoloop.plugins.context import ActionContext
from autoloop.plugins.facts import NOTHING
from autoloop.plugins.outcomes import Fail, Next, Retry, Stop
from autoloop.plugins.steps import ActionStep

if TYPE_CHECKING:
    from autoloop.base.services import Services

__all__ = ["UNKNOWN", "Action", "Answer", "Prepared", "Task", "prepare"]

UNKNOWN = "nobody can say whether it was done: the worker stopped, or its time ran out, before it answered"
STANDING = ("paused", "blocked", "quarantined")


class Action(NamedTuple):
    """An action in hand, with what its run knows."""

    workspace_id: UUID
    id: UUID
    run_id: UUID
    node: str
    visit: int
    attempts: int
    fence: int
    workflow_id: UUID
    version_id: UUID
    contact_id: UUID
    started_as: UUID
    variables: dict[str, Any]
    positions: list[dict[str, Any]]
    is_test: bool
    run_status: str
    workflow_status: str
    graph: Any
    begun_at: datetime | None = None

    @property
    def place(self) -> Mapping[str, Any]:
        """Where in the run it was asked for."""
        here = (each for each in self.positions if (each["node"], each["visit"]) == (self.node, self.visit))
        return next(here, {})

    @property
    def is_over(self) -> bool:
        """Nobody waits for the result any more."""
        return self.run_status in ENDED or self.workflow_status == "archived"

    @property
    def is_held(self) -> bool:
        """A person has stopped the run or its workflow for now."""
        return self.run_status in STANDING or (self.workflow_status == "paused" and not self.is_test)


Answer = Next | Retry | Fail | Stop
Task = tuple[Action, CompiledNode, ActionContext]


@dataclass
class Prepared:
    """A batch sorted: what can be done, what is answered already, what waits, what nobody wants any more."""

    tasks: list[Task] = field(default_factory=list)
    answered: list[tuple[Action, Answer]] = field(default_factory=list)
    held: list[Action] = field(default_factory=list)
    dropped: list[Action] = field(default_factory=list)


def prepare(
    services: Services, versions: CompiledVersions, leases: Sequence[due.Lease], http: Any
) -> Prepared:
    """Look at each claimed action, load what its step needs, and make the contexts."""
    connection: Any = services.session.connection().connection.driver_connection
    prepared = Prepared()
    nodes: dict[UUID, CompiledNode] = {}
    with connection.cursor(binary=True) as cursor:
        actions = _load(cursor, leases)
        wanted = {(str(action.workspace_id), str(action.version_id)): action.graph for action in actions}
        graphs = versions.get(wanted, lambda _missing: wanted)
        for action in actions:
            _sort(action, graphs[str(action.workspace_id), str(action.version_id)], prepared, nodes)
        going = [action for action in actions if action.id in nodes]
        now = services.clock.now()
        facts = _facts(services, cursor, going, nodes, now)
        named = {
            action.id: named_credentials(nodes[action.id].step, nodes[action.id].config) for action in going
        }
        granted = load_granted(
            services, {(action.workspace_id, each) for action in going for each in named[action.id]}
        )
    for action in going:
        node = nodes[action.id]
        own = {
            str(each): granted[action.workspace_id, each]
            for each in named[action.id]
            if (action.workspace_id, each) in granted
        }
        context = _context(action, node, facts.get(action.contact_id, Facts()), now, http, own)
        finder = services.registrations.fact_loaders.get("find_contact")
        if finder is not None and "contacts" in node.step.capabilities:
            context.find_contact = partial(finder, action.workspace_id)
        prepared.tasks.append((action, node, context))
    return prepared


def _load(cursor: Cursor[Any], leases: Sequence[due.Lease]) -> list[Action]:
    values = {"tenants": [lease.workspace_id for lease in leases], "ids": [lease.id for lease in leases]}
    cursor.execute(LOAD, values)
    fences = {lease.id: lease.fence for lease in leases}
    return [action for action in map(Action._make, cursor.fetchall()) if action.fence == fences[action.id]]


def _sort(
    action: Action, graph: CompiledGraph | str, prepared: Prepared, nodes: dict[UUID, CompiledNode]
) -> None:
    node = graph.nodes.get(action.node) if isinstance(graph, CompiledGraph) else None
    if action.is_over:
        prepared.dropped.append(action)
    elif action.is_held:
        prepared.held.append(action)
    elif node is None or not isinstance(node.step, ActionStep):
        why = graph if isinstance(graph, str) else "its step is gone"
        prepared.answered.append((action, Retry(timedelta(minutes=1), why)))
    elif action.begun_at is not None:
        prepared.answered.append((action, Fail(UNKNOWN)))
    elif action.attempts > node.step.max_attempts:
        prepared.answered.append((action, Fail(f"gave up after {action.attempts - 1} attempts")))
    else:
        nodes[action.id] = node


def _facts(
    services: Services,
    cursor: Cursor[Any],
    actions: Sequence[Action],
    nodes: Mapping[UUID, CompiledNode],
    now: datetime,
) -> dict[UUID, Facts]:
    needs = NOTHING
    for action in actions:
        needs |= nodes[action.id].needs
    keys = sorted({(a.workspace_id, a.contact_id) for a in actions if nodes[a.id].needs})
    return load_facts(services, cursor, needs, keys, now)


def _context(
    action: Action,
    node: CompiledNode,
    known: Facts,
    now: datetime,
    http: Any,
    credentials: Mapping[str, Mapping[str, Any]],
) -> ActionContext:
    known = facts_of_test(known, own_test(action.is_test, action.variables))
    return ActionContext(
        now=now,
        workspace_id=str(action.workspace_id),
        run_id=str(action.run_id),
        workflow_id=str(action.workflow_id),
        chosen_by=str(action.started_as),
        node=action.node,
        visit=action.visit,
        contact=known.contact,
        business=known.business,
        emails=known.emails,
        happenings=known.happenings,
        variables=variables_at(action.place, action.variables),
        outputs=action.variables.get("outputs", {}),
        event=action.variables.get("event", {}),
        attempt=action.attempts,
        is_test=action.is_test,
        workspace=known.workspace,
        http=http if "http" in node.step.capabilities else None,  # type: ignore[arg-type]
        idempotency_key=f"{action.run_id}:{action.node}:{action.visit}",
        credentials=credentials,
    )
