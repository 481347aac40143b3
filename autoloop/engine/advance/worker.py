"""One batch after the other: claim, learn, interpret, write, commit."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID
from weakref import WeakKeyDictionary

from psycopg import Cursor

from autoloop.base.clock import Clock
from autoloop.base.garbage import uncollected
from autoloop.base.ids import new_id
from autoloop.base.services import Services
from autoloop.engine.advance import asks, children, claim, poison, stimuli, write
from autoloop.engine.advance.claim import Claimed
from autoloop.engine.advance.deadline import Deadline, TimeIsUp
from autoloop.engine.advance.facts import load_facts
from autoloop.engine.advance.halts import halted, may_walk, too_late
from autoloop.engine.advance.line import Line
from autoloop.engine.advance.tested import hear_children
from autoloop.engine.graph import CompiledGraph
from autoloop.engine.interpreter import interpret
from autoloop.engine.models.states import ENDED
from autoloop.engine.trying import after_test, facts_of_test, own_test
from autoloop.engine.turns import Facts, Limits, State, Stimulus, Turn
from autoloop.engine.versions import CompiledVersions
from autoloop.plugins.facts import NOTHING

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["PROBE", "Advancer", "work"]

log = logging.getLogger(__name__)

LARGEST_BATCH = 1000
BATCH_SECONDS = 5.0
SLOW_RUN_SECONDS = 0.05
RECOVER_EVERY = 5.0
LOOK_EVERY = 0.5
GOING = frozenset({"active", "waiting"})
NO_STIMULI: list[Stimulus] = []

PROBE = """
select exists (select 1 from run_stimuli where not parked)
  or exists (select 1 from run_batches where started_at < clock_timestamp() - interval '10 seconds')
  or exists (select 1 from (select due_at from workflow_runs where due_at is not null and attempts > 0
    order by workspace_id, due_at limit 1000) struck where due_at <= now())
  or exists (
    with recursive hop as (
      (select workspace_id, due_at from workflow_runs where due_at is not null and attempts = 0
       order by workspace_id, due_at limit 1)
      union all
      select next.workspace_id, next.due_at from hop cross join lateral (
        select workspace_id, due_at from workflow_runs
        where due_at is not null and attempts = 0 and workspace_id > hop.workspace_id
        order by workspace_id, due_at limit 1) next)
    select 1 from hop where due_at <= now())
"""

Pick = Callable[[Any, UUID, datetime | None], tuple[datetime, list[Claimed]]]


def work(runtime: Runtime) -> int:
    """Advance one batch of due runs. Returns how many runs it had in hand; 0 says nothing is due."""
    return Advancer.of(runtime).turn()


class Advancer:
    """What one worker thread keeps between batches: compiled versions, whose turn it is, the batch size."""

    def __init__(self, runtime: Runtime, versions: CompiledVersions | None = None) -> None:
        self.runtime = runtime
        self.versions = versions or CompiledVersions(runtime.registrations.plugins)
        self.rows = poison.BatchRows(runtime)
        self.line = Line(runtime)
        self.least = runtime.settings.worker_batch
        self.by_turns = claim.ByTurns(self.least)
        self.limits = Limits()
        self.recovered = self.looked = 0.0
        self.steps = 0

    @classmethod
    def of(cls, runtime: Runtime) -> Advancer:
        held = vars(_local).setdefault("advancers", WeakKeyDictionary())
        if runtime not in held:
            held[runtime] = cls(runtime)
            gc.freeze()  # what was imported stays; walking over it at every full collection costs more than a batch
        found: Advancer = held[runtime]
        return found

    @uncollected()
    def turn(self) -> int:
        moment = time.monotonic()
        if moment - self.recovered > RECOVER_EVERY:
            poison.recover(self.runtime)
            self.recovered = moment
        handled = self.attempt(self.by_turns)
        grown = min(self.by_turns.size * 2, max(LARGEST_BATCH, self.least))
        self.by_turns.size = grown if handled >= self.by_turns.size else self.least
        if handled and moment - self.looked < LOOK_EVERY:
            return handled
        self.looked = moment
        return handled + self.attempt(claim.claim_one)

    def attempt(self, pick: Pick) -> int:
        """One batch; on an error in halves, down to the run whose error it is. Returns its size."""
        batch, held = new_id(), list[Claimed]()
        try:
            return self.advance(batch, pick, held)
        except (Exception, TimeIsUp) as error:
            if not held:
                raise
            self.rows.remove(batch)
            log.warning("a batch of %d runs is tried again in halves: %s", len(held), error)
            self.halve(held, error)
            return len(held)

    def halve(self, runs: list[Claimed], error: BaseException) -> None:
        if len(runs) == 1:
            poison.note_error(self.runtime, runs[0], error)
            return
        for half in (runs[: len(runs) // 2], runs[len(runs) // 2 :]):
            batch = new_id()
            try:
                self.advance(batch, partial(claim.claim_these, half), [])
            except (Exception, TimeIsUp) as again:
                self.rows.remove(batch)
                self.halve(half, again)

    def advance(self, batch: UUID, pick: Pick, held: list[Claimed]) -> int:
        """Claim, interpret, write and commit one batch. `held` is filled as soon as runs are in hand."""
        clock = self.runtime.clock
        given = None if type(clock) is Clock else clock.now()  # a test's clock; workers trust the database's
        with self.line.unit() as (services, connection), connection.cursor(binary=True) as cursor:
            now, runs = pick(connection, batch, given)
            if not runs:
                return 0
            held += runs
            self.rows.send(batch, runs)
            turns = self.interpret(services, cursor, runs, now)
            nudges = self.write(services, connection, cursor, batch, turns, now)
        for kind in nudges:
            self.runtime.nudge(kind)
        return len(runs)

    def interpret(
        self, services: Services, cursor: Cursor[Any], runs: list[Claimed], now: datetime
    ) -> list[tuple[Claimed, Turn]]:
        """A turn for each run that can have one; what reached the others is put aside."""
        versions = self.compiled(cursor, runs)
        still: list[Claimed] = []
        turns: list[tuple[Claimed, Turn]] = []
        going: list[tuple[Claimed, CompiledGraph]] = []
        ended: list[Claimed] = []
        for run in runs:
            graph = versions[run.workspace_id, run.version_id]
            if run.status not in GOING:
                (ended if run.status in ENDED else still).append(run)
            elif may_walk(run) and isinstance(graph, CompiledGraph):
                going.append((run, graph))
            else:
                turns.append((run, halted(run, graph, now)))
                still.append(run)
        if still:
            stimuli.park(cursor, still)
        told = stimuli.consume(cursor, [run for run, _ in going] + ended)
        turns += [(run, too_late(run, told[run.id], now)) for run in ended if run.id in told]
        hear_children(cursor, [run for run, _ in going], told)
        facts = self.facts(services, cursor, going, now)
        self.rows.committed()
        with Deadline(BATCH_SECONDS):
            turns += [(run, self.turn_of(run, graph, facts, told, now)) for run, graph in going]
        return turns

    def turn_of(
        self,
        run: Claimed,
        graph: CompiledGraph,
        facts: dict[str, Facts],
        told: dict[str, list[Stimulus]],
        now: datetime,
    ) -> Turn:
        state = State(
            run.id,
            run.workspace_id,
            run.workflow_id,
            run.started_as,
            run.positions,
            run.visits,
            run.variables,
            run.steps,
            run.is_test,
        )
        known = facts.get(run.contact_id)
        if run.is_test:
            known = facts_of_test(known or Facts(), own_test(True, run.variables))
        started = time.thread_time()
        turn = interpret(graph, state, known, told.get(run.id, NO_STIMULI), now, self.limits)
        if time.thread_time() - started > SLOW_RUN_SECONDS:
            log.warning("run %s took over %d ms of CPU for its turn", run.id, 1000 * SLOW_RUN_SECONDS)
        return after_test(turn, run.variables) if run.is_test else turn

    def compiled(self, cursor: Cursor[Any], runs: list[Claimed]) -> dict[Any, CompiledGraph | str]:
        def load(keys: list[tuple[str, str]]) -> dict[tuple[str, str], Any]:
            values = {"tenants": claim.ids(key[0] for key in keys), "ids": claim.ids(key[1] for key in keys)}
            cursor.execute(GRAPHS, values)
            return {(tenant, key): graph for tenant, key, graph in cursor.fetchall()}

        return self.versions.get({(run.workspace_id, run.version_id) for run in runs}, load)

    def facts(
        self,
        services: Services,
        cursor: Cursor[Any],
        going: list[tuple[Claimed, CompiledGraph]],
        now: datetime,
    ) -> dict[str, Facts]:
        needs, keys = NOTHING, set()
        for run, graph in going:
            wanted = graph.always
            for position in run.positions:
                node = graph.nodes.get(position["node"])
                if node is not None:
                    further = node.behind if "wait" in position else node.ahead
                    if further:
                        wanted |= further
            if wanted:
                needs |= wanted
                keys.add((run.workspace_id, run.contact_id))
        if not needs:
            return {}
        known = load_facts(
            services, cursor, needs, [(UUID(key[0]), UUID(key[1])) for key in sorted(keys)], now
        )
        return {str(contact): facts for contact, facts in known.items()}

    def write(
        self,
        services: Services,
        connection: Any,
        cursor: Cursor[Any],
        batch: UUID,
        turns: list[tuple[Claimed, Turn]],
        now: datetime,
        inserted: bool = False,
    ) -> list[str]:
        """All that came of the batch, runs before mails before contacts. Returns the kinds to nudge.

        Runs `inserted` in this transaction have their state already; who inserted them commits.
        """
        kinds: dict[tuple[str, str], str] = {}
        for run, turn in turns:
            for node, _ in turn.actions:
                graph = self.versions.known(run.workspace_id, run.version_id)
                kinds[run.version_id, node] = graph.nodes[node].type
        with connection.pipeline():
            if not inserted:
                write.update_runs(cursor, turns, now)
            self.steps += write.insert_steps(cursor, turns, now)
            write.remove_waits(cursor, turns)
            write.add_waits(cursor, turns)
            actions = write.insert_actions(cursor, turns, kinds, now)
            finished = write.announce(connection, turns, now)
            cursor.execute(poison.REMOVE, (batch,), prepare=True)
            plain = not any(turn.emails or turn.effects or turn.mailed or turn.children for _, turn in turns)
            if plain and not inserted:
                connection.commit()  # with the rest, in one trip
        nudges = ["perform"] if actions else []
        told = finished is not None and finished.rowcount > 0
        if plain:
            return [*nudges, "route"] if told else nudges
        if children.start_children(services, turns):
            nudges.append("advance")
        if asks.ask_for_mails(services, turns):
            nudges.append("mail")
        return [*nudges, "route"] if asks.change_contacts(services, turns, now) or told else nudges


GRAPHS = """
select v.workspace_id::text, v.id::text, v.graph from unnest(%(tenants)s::uuid[], %(ids)s::uuid[]) u(tenant, id)
join workflow_versions v on v.workspace_id = u.tenant and v.id = u.id
"""


_local = threading.local()
