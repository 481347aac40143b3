"""One worker's turn at due actions: claim, run the steps in threads, write each answer as it comes.

Other systems may take a minute to answer. A turn sees to its steps for a moment; those that take longer go on in
their threads, beside all else that the worker has to do.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import httpx
import orjson

from autoloop.base import due
from autoloop.base.http import Allowed, OutboundClient
from autoloop.base.ids import new_id
from autoloop.engine.graph import CompiledNode
from autoloop.engine.interpreter import plain_outcome, sentence
from autoloop.engine.perform.actions import UNKNOWN, Action, Answer, Prepared, Task, prepare
from autoloop.engine.perform.last_look import Looked, look
from autoloop.engine.perform.statements import AGAIN, DROP, HOLD, LEAVE, SETTLE
from autoloop.engine.versions import CompiledVersions
from autoloop.plugins.context import ActionContext
from autoloop.plugins.expressions import ExpressionError
from autoloop.plugins.outcomes import Fail, Next, Retry, Stop
from autoloop.plugins.steps import ActionStep

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["Performer"]

log = logging.getLogger(__name__)

MARGIN = timedelta(seconds=30)
FIRST_RETRY, LAST_RETRY = timedelta(seconds=5), timedelta(minutes=15)
MOMENT = 0.25  # seconds in which most systems answer: their answers are written together
PATIENCE = 10.0  # seconds past its limit after which a step that goes on costs the process its place


Running = dict[Future[Answer], tuple[Action, CompiledNode, float]]


def leave() -> None:
    """End this process without waiting for its threads; whoever started it starts another."""
    logging.shutdown()
    os._exit(75)


class Performer:
    """What one worker keeps: a pool of threads, the outbound client, compiled versions."""

    def __init__(self, runtime: Runtime, replace: Callable[[], None] = leave) -> None:
        settings = runtime.settings
        self.runtime = runtime
        self.replace = replace
        self.versions = CompiledVersions(runtime.registrations.plugins)
        self.threads = settings.worker_threads
        self.pool = ThreadPoolExecutor(self.threads, thread_name_prefix="perform")
        ports = tuple(map(int, settings.outbound_ports))
        self.http = OutboundClient(Allowed.read(settings.outbound_allow), ports=ports)
        self.rounds = due.Rounds("run_actions", "@.due_at <= now()")
        self._held: dict[Future[Answer], float | None] = {}
        self._lock = threading.Lock()

    @classmethod
    def of(cls, runtime: Runtime) -> Performer:
        held = vars(_local).setdefault("performers", WeakKeyDictionary())
        if runtime not in held:
            held[runtime] = cls(runtime)
        found: Performer = held[runtime]
        return found

    def turn(self) -> int:
        """Begin what is due, as far as threads are free. Returns how many actions it had in hand."""
        free = self._free()
        if free <= 0:
            return 0
        with self.runtime.unit("worker") as services:
            leases = self.rounds.claim(services.session, batch=free, lease=self._lease())
        if not leases:
            return 0
        prepared = self._prepare(leases)
        self._set_aside(prepared)
        self._settle(prepared.answered)
        running = self._begin(prepared.tasks)
        self._follow(running, MOMENT)
        if running:
            self.runtime.go_on_beside(partial(self._see_through, running))
        self.runtime.nudge("advance")
        return len(leases)

    def _free(self) -> int:
        """How many steps may begin. Ends the process if others hold its threads beyond their time."""
        with self._lock:
            self._held = {future: since for future, since in self._held.items() if not future.done()}
            stuck = [since for since in self._held.values() if since is not None]
            free = self.threads - len(self._held)
        if len(stuck) >= self.threads or any(time.monotonic() - since > PATIENCE for since in stuck):
            log.critical("%d steps do not end; this process ends and is replaced", len(stuck))
            self.replace()
        return free

    def _lease(self) -> timedelta:
        steps = self.runtime.registrations.plugins.steps.values()
        longest = max((step.time_limit for step in steps if isinstance(step, ActionStep)), default=30.0)
        return timedelta(seconds=longest) + MARGIN

    def _prepare(self, leases: Sequence[due.Lease]) -> Prepared:
        with self.runtime.unit("worker") as services:
            return prepare(services, self.versions, leases, self.http)

    def _begin(self, tasks: Sequence[Task]) -> Running:
        """Run the steps in threads."""
        running: Running = {}
        for action, node, context in self._still_wanted(tasks):
            step: Any = node.step
            future = self.pool.submit(run_step, step, context, node.config)
            running[future] = (action, node, time.monotonic() + step.time_limit)
        with self._lock:
            self._held |= dict.fromkeys(running)
        return running

    def _see_through(self, running: Running) -> None:
        """Follow what takes long to its end; its threads are then free for more."""
        while running:
            if self._follow(running, MOMENT):
                self.runtime.nudge("advance")
        self.runtime.nudge("perform")

    def _follow(self, running: Running, seconds: float) -> int:
        """For so long, write each answer as it comes, and a timeout where none came. Returns how many."""
        end, written = time.monotonic() + seconds, 0
        while running and time.monotonic() < end:
            rest = min(end, *(until for _, _, until in running.values())) - time.monotonic()
            done, _ = wait(running, timeout=max(0.0, rest), return_when=FIRST_COMPLETED)
            answers: list[tuple[Action, Answer]] = []
            for future in done:
                action, node, _ = running.pop(future)
                answers.append((action, _bounded(action, node, future.result())))
            for future, (action, node, until) in list(running.items()):
                if time.monotonic() >= until:
                    del running[future]
                    if not future.cancel():
                        with self._lock:
                            self._held[future] = until
                    step: Any = node.step
                    late = Retry(FIRST_RETRY, f"timeout after {step.time_limit:g} s")
                    answers.append((action, Fail(UNKNOWN) if _once(node) else _bounded(action, node, late)))
            self._settle(answers)
            written += len(answers)
        return written

    def _still_wanted(self, tasks: Sequence[Task]) -> list[Task]:
        """Look once more, right before the effects: people pause, and contacts leave, at any moment."""
        if not tasks:
            return []
        with self.runtime.unit("worker") as services:
            once = {action.id for action, node, _ in tasks if _once(node)}
            found = look(services, [action for action, _, _ in tasks], once)
        self._set_aside(found)
        return [task for task in tasks if task[0].id in found.wanted]

    def _set_aside(self, sorted_: Prepared | Looked) -> None:
        """Actions of paused runs wait without counting an attempt; those of ended ones are gone."""
        leaving = sorted_.leaving if isinstance(sorted_, Looked) else []
        for statement, actions in ((HOLD, sorted_.held), (DROP, sorted_.dropped), (LEAVE, leaving)):
            if actions:
                self._write((statement, [_key(action) for action in actions]))

    def _settle(self, answers: Sequence[tuple[Action, Answer]]) -> None:
        """Write answers under their fences: a result as a stimulus, a retry into the action's row."""
        results, retries = [], []
        for action, answer in answers:
            row = _key(action)
            if isinstance(answer, Retry):
                wait_for = min(max(answer.after, timedelta(0)), timedelta(days=30))
                retries.append(row | {"d": wait_for.total_seconds(), "e": sentence(answer.why)[:1000]})
            else:
                results.append(row | {"s": new_id(), "p": plain(answer)})
        self._write((SETTLE, results), (AGAIN, retries))

    def _write(self, *given: tuple[str, list[dict[str, Any]]]) -> None:
        if not any(rows for _, rows in given):
            return
        with self.runtime.unit("worker") as services:
            connection: Any = services.session.connection().connection.driver_connection
            with connection.cursor() as cursor:
                for statement, rows in given:
                    if rows:
                        cursor.execute(statement, {"rows": _dump(rows)})


def _key(action: Action) -> dict[str, Any]:
    return {"w": action.workspace_id, "i": action.id, "f": action.fence}


def _bounded(action: Action, node: CompiledNode, answer: Answer) -> Answer:
    step: Any = node.step
    if isinstance(answer, Retry) and action.attempts >= step.max_attempts:
        return Fail(f"gave up after {action.attempts} attempts: {answer.why}")
    return answer


def _once(node: CompiledNode) -> bool:
    step: Any = node.step
    return bool(step.once)


def run_step(step: ActionStep, context: ActionContext, config: Mapping[str, Any]) -> Answer:
    """One attempt. A step's own error is tried again, with back-off and jitter; what can never work is not."""
    try:
        answer = step.run(context, config)
    except (httpx.InvalidURL, ExpressionError) as error:
        return Fail(str(error)[:500])
    except (Exception, SystemExit) as error:
        if step.once:
            return Fail(f"{UNKNOWN} ({type(error).__name__}: {error})"[:500])
        after = due.backoff(context.attempt, base=FIRST_RETRY, cap=LAST_RETRY)
        return Retry(after, f"{type(error).__name__}: {error}"[:500])
    if not isinstance(answer, Next | Retry | Fail | Stop):
        return Fail(f"answered {type(answer).__name__}, which is no outcome of an action")
    if isinstance(answer, Retry) and not isinstance(answer.after, timedelta):
        return Fail("answered a retry after no usable time")
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
