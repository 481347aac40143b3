"""Perform: does the I/O that runs asked for, outside every transaction, held by lease and fence."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

import httpx
import orjson
from psycopg import Cursor

from autoloop.base import due
from autoloop.base.ids import new_id
from autoloop.engine.advance.facts import load_facts
from autoloop.engine.graph import CompiledGraph, CompiledNode
from autoloop.engine.interpreter import plain_outcome
from autoloop.engine.turns import Facts
from autoloop.engine.versions import CompiledVersions
from autoloop.plugins.context import ActionContext
from autoloop.plugins.expressions import ExpressionError
from autoloop.plugins.facts import NOTHING
from autoloop.plugins.outcomes import Fail, Next, Retry, Stop
from autoloop.plugins.steps import ActionStep

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime
    from autoloop.base.services import Services

__all__ = ["PROBE", "Performer", "work"]

log = logging.getLogger(__name__)

MARGIN = timedelta(seconds=30)
FIRST_RETRY, LAST_RETRY = timedelta(seconds=5), timedelta(minutes=15)

PROBE = """
select exists (select 1 from run_actions
  where due_at <= now() and (lease_until is null or lease_until < clock_timestamp()))
"""

LOAD = """
select a.workspace_id, a.id, a.run_id, a.node, a.visit, a.attempts, a.fence, r.workflow_id, r.version_id,
  r.contact_id, r.started_as, r.variables, r.is_test, r.ended_at is not null, v.graph
from unnest(%(tenants)s::uuid[], %(ids)s::uuid[]) u(tenant, id)
join run_actions a on a.workspace_id = u.tenant and a.id = u.id
join workflow_runs r on r.workspace_id = a.workspace_id and r.id = a.run_id
join workflow_versions v on v.workspace_id = r.workspace_id and v.id = r.version_id
"""

# The result is written only by who still holds the fence; nobody else's row is touched.
SETTLE = """
with held as (
  delete from run_actions a using jsonb_to_recordset(%(rows)s::jsonb) u(w uuid, i uuid, f bigint, s uuid, p jsonb)
  where a.workspace_id = u.w and a.id = u.i and a.fence + 0 = u.f
  returning a.workspace_id, a.run_id, a.id, a.node, a.visit, u.s, u.p)
insert into run_stimuli (workspace_id, run_id, source_key, id, kind, node, visit, payload)
select workspace_id, run_id, 'action:' || id, s, 'action', node, visit, p from held on conflict do nothing
"""

AGAIN = """
update run_actions a set due_at = now() + make_interval(secs => u.d), lease_until = null, last_error = u.e
from jsonb_to_recordset(%(rows)s::jsonb) u(w uuid, i uuid, f bigint, d double precision, e text)
where a.workspace_id = u.w and a.id = u.i and a.fence + 0 = u.f
"""


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
    is_test: bool
    ended: bool
    graph: Any


Answer = Next | Retry | Fail | Stop


def work(runtime: Runtime) -> int:
    """Perform one batch of due actions. Returns how many."""
    return Performer.of(runtime).turn()


class Performer:
    """What one worker keeps: a pool of threads, an HTTP client, compiled versions."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.versions = CompiledVersions(runtime.registrations.plugins)
        self.threads = runtime.settings.worker_threads
        self.pool = ThreadPoolExecutor(self.threads, thread_name_prefix="perform")
        self.http = httpx.Client(
            timeout=httpx.Timeout(15, connect=5), follow_redirects=False, trust_env=False
        )
        self.stuck: set[Future[Answer]] = set()

    @classmethod
    def of(cls, runtime: Runtime) -> Performer:
        held = vars(_local).setdefault("performers", WeakKeyDictionary())
        if runtime not in held:
            held[runtime] = cls(runtime)
        found: Performer = held[runtime]
        return found

    def turn(self) -> int:
        self.stuck = {future for future in self.stuck if not future.done()}
        free = self.threads - len(self.stuck)
        if free <= 0:
            log.critical("every thread is stuck in a step; this process ends and is replaced")
            raise SystemExit(1)
        with self.runtime.unit("worker") as services:
            leases = due.claim(
                services.session,
                "run_actions",
                "@.due_at <= now()",
                batch=free,
                lease=self._lease(),
                start=UUID(int=0),
            )
        if not leases:
            return 0
        tasks, settled = self._prepare(leases)
        self._settle(settled)
        self._perform(tasks)
        self.runtime.nudge("advance")
        return len(leases)

    def _lease(self) -> timedelta:
        steps = self.runtime.registrations.plugins.steps.values()
        longest = max((step.time_limit for step in steps if isinstance(step, ActionStep)), default=30.0)
        return timedelta(seconds=longest) + MARGIN

    def _prepare(
        self, leases: Sequence[due.Lease]
    ) -> tuple[list[tuple[Action, CompiledNode, ActionContext]], list[tuple[Action, Answer]]]:
        """Contexts for what can be done, and answers for what cannot."""
        with self.runtime.unit("worker") as services:
            connection: Any = services.session.connection().connection.driver_connection
            with connection.cursor(binary=True) as cursor:
                actions = self._load(cursor, leases)
                now = services.clock.now()
                nodes: dict[UUID, CompiledNode] = {}
                settled: list[tuple[Action, Answer]] = []
                graphs = self._graphs(actions)
                for action in actions:
                    graph = graphs[str(action.workspace_id), str(action.version_id)]
                    node = graph.nodes.get(action.node) if isinstance(graph, CompiledGraph) else None
                    if action.ended:
                        settled.append((action, Stop("the run has ended")))
                    elif node is None or not isinstance(node.step, ActionStep):
                        why = graph if isinstance(graph, str) else "its step is gone"
                        settled.append((action, Retry(timedelta(minutes=1), why)))
                    elif action.attempts > node.step.max_attempts:
                        settled.append((action, Fail(f"gave up after {action.attempts - 1} attempts")))
                    else:
                        nodes[action.id] = node
                facts = self._facts(services, cursor, [a for a in actions if a.id in nodes], nodes, now)
        ready = [
            (a, nodes[a.id], self._context(a, nodes[a.id], facts, now)) for a in actions if a.id in nodes
        ]
        return ready, settled

    def _load(self, cursor: Cursor[Any], leases: Sequence[due.Lease]) -> list[Action]:
        values = {"tenants": [lease.workspace_id for lease in leases], "ids": [lease.id for lease in leases]}
        cursor.execute(LOAD, values)
        fences = {lease.id: lease.fence for lease in leases}
        return [
            action for action in map(Action._make, cursor.fetchall()) if action.fence == fences[action.id]
        ]

    def _graphs(self, actions: Sequence[Action]) -> dict[tuple[str, str], CompiledGraph | str]:
        graphs = {(str(action.workspace_id), str(action.version_id)): action.graph for action in actions}
        return self.versions.get(graphs, lambda _missing: graphs)

    def _facts(
        self,
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
        self, action: Action, node: CompiledNode, facts: Mapping[UUID, Facts], now: datetime
    ) -> ActionContext:
        known = facts.get(action.contact_id, Facts())
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
            variables=action.variables.get("vars", {}),
            outputs=action.variables.get("outputs", {}),
            event=action.variables.get("event", {}),
            attempt=action.attempts,
            is_test=action.is_test,
            http=self.http if "http" in node.step.capabilities else None,  # type: ignore[arg-type]
            idempotency_key=f"{action.run_id}:{action.node}:{action.visit}",
        )

    def _perform(self, tasks: Sequence[tuple[Action, CompiledNode, ActionContext]]) -> None:
        """Run the steps in threads; write each answer as it comes, and a timeout where none came."""
        running: dict[Future[Answer], tuple[Action, CompiledNode, float]] = {}
        for action, node, context in tasks:
            step: Any = node.step
            future = self.pool.submit(run_step, step, context, node.config)
            running[future] = (action, node, time.monotonic() + step.time_limit)
        while running:
            rest = min(until for _, _, until in running.values()) - time.monotonic()
            done, _ = wait(running, timeout=max(0.0, min(rest, 0.5)), return_when=FIRST_COMPLETED)
            answers = []
            for future in done:
                action, node, _ = running.pop(future)
                answers.append((action, self._bounded(action, node, future.result())))
            for future, (action, node, until) in list(running.items()):
                if time.monotonic() >= until:
                    del running[future]
                    if not future.cancel():
                        self.stuck.add(future)
                    step = node.step
                    answer = Retry(FIRST_RETRY, f"timeout after {step.time_limit:g} s")
                    answers.append((action, self._bounded(action, node, answer)))
            self._settle(answers)

    def _bounded(self, action: Action, node: CompiledNode, answer: Answer) -> Answer:
        step: Any = node.step
        if isinstance(answer, Retry) and action.attempts >= step.max_attempts:
            return Fail(f"gave up after {action.attempts} attempts: {answer.why}")
        return answer

    def _settle(self, answers: Sequence[tuple[Action, Answer]]) -> None:
        """Write answers under their fences: a result as a stimulus, a retry into the action's row."""
        results, retries = [], []
        for action, answer in answers:
            row: dict[str, Any] = {"w": action.workspace_id, "i": action.id, "f": action.fence}
            if isinstance(answer, Retry):
                wait_for = min(max(answer.after, timedelta(0)), timedelta(days=30))
                retries.append(row | {"d": wait_for.total_seconds(), "e": answer.why[:1000]})
            else:
                results.append(row | {"s": new_id(), "p": plain(answer)})
        if not results and not retries:
            return
        with self.runtime.unit("worker") as services:
            connection: Any = services.session.connection().connection.driver_connection
            with connection.cursor() as cursor:
                if results:
                    cursor.execute(SETTLE, {"rows": _dump(results)})
                if retries:
                    cursor.execute(AGAIN, {"rows": _dump(retries)})


def run_step(step: ActionStep, context: ActionContext, config: Mapping[str, Any]) -> Answer:
    """One attempt. A step's own error is tried again, with back-off and jitter."""
    try:
        answer = step.run(context, config)
    except ExpressionError as error:
        return Fail(str(error)[:500])
    except Exception as error:
        after = due.backoff(context.attempt, base=FIRST_RETRY, cap=LAST_RETRY)
        return Retry(after, f"{type(error).__name__}: {error}"[:500])
    if not isinstance(answer, Next | Retry | Fail | Stop):
        return Fail(f"answered {type(answer).__name__}, which is no outcome of an action")
    return answer


def plain(answer: Next | Fail | Stop) -> Any:
    """The answer as JSON can carry it; one that cannot be carried is a failure."""
    try:
        return orjson.loads(orjson.dumps(plain_outcome(answer)))
    except (TypeError, RecursionError, AttributeError) as error:
        return plain_outcome(Fail(f"gave an output that is not plain data: {error}"[:500]))


def _dump(rows: list[dict[str, Any]]) -> str:
    return orjson.dumps(rows).decode().replace("\\u0000", "\\ufffd")


_local = threading.local()
