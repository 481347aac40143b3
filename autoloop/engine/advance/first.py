"""First turns: who is let in by an event walks at once, in the transaction that lets it in.

A run that has walked up to its first wait, or to its end, is inserted as what it has become: it is never
due, never claimed and never updated for that. What cannot be done so is inserted as due, for Advance:
runs that will listen to events (an event routed before our commit would find no wait, and no run to wait
for), runs that start others, more than `MOST` in a batch, and all of a batch that follows a worker's death.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg import Connection, Cursor

from autoloop.base.clock import Clock
from autoloop.base.ids import new_id
from autoloop.base.services import Services
from autoloop.engine.advance import claim, write
from autoloop.engine.advance.claim import Claimed
from autoloop.engine.advance.deadline import Deadline, TimeIsUp
from autoloop.engine.advance.worker import Advancer
from autoloop.engine.graph import CompiledGraph
from autoloop.engine.services.enrolment import Entrance
from autoloop.engine.turns import Turn

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["FirstTurns"]

log = logging.getLogger(__name__)

MOST = 500  # runs in a batch of events
SECONDS = 1.0  # of CPU for all of them
# Versions whose runs seldom fit are not tried again for so many seconds.
UNFIT_FOR = 60.0
REMEMBERED = 1000

# A batch row without runs is of first turns. One whose lock can be taken has lost its worker, perhaps to
# what these runs did: until the same events are routed (see `poison.LOST`) runs are inserted as due, and
# Advance finds out which.
FALLEN = """
select exists (select from run_batches where case when run_ids = '{}' and id <> %s
  then pg_try_advisory_xact_lock_shared(hashtextextended(id::text, 7)) end)
"""

_unfit: dict[UUID, float] = {}


class FirstTurns:
    """Those of one batch of events. `begin`, then `take` and `entered` for each workflow, then `write`."""

    def __init__(self, runtime: Runtime, services: Services, cursor: Cursor[Any]) -> None:
        self.advancer = Advancer.of(runtime)
        self.services, self.cursor = services, cursor
        self.connection: Connection[Any] = cursor.connection
        self.batch = new_id()
        self.now: datetime = runtime.clock.now()
        self.trusted = type(runtime.clock) is Clock  # then the database's is, as everywhere in Advance
        self.left, self.seconds = MOST, SECONDS
        self.taken: dict[UUID, tuple[Claimed, Turn]] = {}
        self.turns: list[tuple[Claimed, Turn]] = []

    def begin(self) -> bool:
        """Note that a batch is in hand. False if this one must go without first turns."""
        with self.connection.pipeline():
            locked = claim.lock_batch(self.connection, self.batch)
            fallen = self.connection.execute(FALLEN, (self.batch,), prepare=True)
        row, found = locked.fetchone(), fallen.fetchone()
        assert row is not None
        assert found is not None
        if found[0]:
            return False
        if self.trusted:
            self.now = row[0]
        self.advancer.rows.send(self.batch, [])
        return True

    def take(self, door: Entrance, rows: Sequence[dict[str, Any]]) -> None:
        """Bring rows of new runs to where their first turn leads, as far as that can be done here."""
        chosen = rows[: self.left] if self.seconds > 0 else ()
        if not chosen or _unfit.get(door.version_id, 0.0) > time.monotonic():
            return
        self.left -= len(chosen)
        runs = [_new(door, row, self.now) for row in chosen]
        graph = self.advancer.compiled(self.cursor, runs[:1])[runs[0].workspace_id, runs[0].version_id]
        if not isinstance(graph, CompiledGraph) or graph.goals:
            return
        fit = 0
        for row, run, turn in zip(chosen, runs, self._turns(runs, graph), strict=False):
            if _fits(turn):
                fit += 1
                row.update(write.state_of(turn, self.now))
                self.taken[row["i"]] = run, turn
        if 2 * fit < len(runs):
            if len(_unfit) >= REMEMBERED:
                _unfit.clear()
            _unfit[door.version_id] = time.monotonic() + UNFIT_FOR

    def _turns(self, runs: list[Claimed], graph: CompiledGraph) -> list[Turn]:
        """A turn for each, or for the first of them if one fails or takes too long."""
        facts = self.advancer.facts(self.services, self.cursor, [(run, graph) for run in runs], self.now)
        self._known()
        turns: list[Turn] = []
        started = time.thread_time()
        try:
            with Deadline(self.seconds):
                for run in runs:
                    turns.append(self.advancer.turn_of(run, graph, facts, {}, self.now))  # noqa: PERF401
        except (Exception, TimeIsUp) as error:
            log.warning("runs of version %s take their first turns later: %r", runs[0].version_id, error)
            if isinstance(error, TimeIsUp):
                self.seconds = 0.0
        self.seconds -= time.thread_time() - started
        return turns

    def _known(self) -> None:
        """Wait until the batch is known of: before any step runs, and before it is taken away."""
        if self.advancer.rows.sent:
            self.advancer.rows.committed()

    def entered(self, runs: Sequence[UUID]) -> None:
        """These went in; what others would have done is forgotten."""
        self.turns += [self.taken[run] for run in runs if run in self.taken]

    @property
    def resting(self) -> int:
        """How many of them wait, or have ended: Advance has nothing to do for them now."""
        return sum(turn.due_at is None or turn.due_at > self.now for _, turn in self.turns)

    def write(self) -> list[str]:
        """All that came of the turns, but the runs themselves. Returns the kinds to nudge."""
        self._known()
        return self.advancer.write(
            self.services, self.connection, self.cursor, self.batch, self.turns, self.now, True
        )

    def undone(self) -> None:
        """The transaction was rolled back, and its worker lives."""
        self.advancer.rows.remove(self.batch)


def _new(door: Entrance, row: Mapping[str, Any], now: datetime) -> Claimed:
    contact = str(row["c"])
    return Claimed(
        str(door.workspace_id),
        str(row["i"]),
        str(door.workflow_id),
        str(door.version_id),
        contact,
        contact,
        "active",
        [{"id": 1, "node": door.start, "visit": 1, "since": now.isoformat()}],
        {door.start: 1},
        row["x"],
        0,
        False,
        0,
        None,
        "live",
    )


def _fits(turn: Turn) -> bool:
    return not turn.children and all(wait.kind != "event" for wait in turn.waits)
