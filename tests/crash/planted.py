"""Eight bugs that the suite must find, each planted into a worker of these tests and nowhere else.

A plant gets the runtime of its worker before the work begins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Any
from uuid import uuid4

from sqlalchemy import event, text

from autoloop.base.runtime import Runtime
from autoloop.engine.advance import claim, write
from autoloop.engine.services import stimuli
from autoloop.mail.delivery import lapsed, letters, mark, outcomes, pump
from autoloop.mail.delivery.heartbeat import transmit

__all__ = ["PLANTED"]

Plant = Callable[[Runtime], None]


def patch(place: Any, name: str, make: Callable[[Any], Any]) -> None:
    setattr(place, name, make(getattr(place, name)))


def without(words: str, instead: str = "true") -> Callable[[Any], Any]:
    """A statement in which these words are replaced; they must be there."""

    def changed(statement: Any) -> Any:
        sql = str(statement)
        assert words in sql, words
        return (
            sql.replace(words, instead) if isinstance(statement, str) else text(sql.replace(words, instead))
        )

    return changed


def no_fence(_: Runtime) -> None:
    patch(mark, "LOCK", without("e.fence + 0 = u.fence"))


def mark_after_send(_: Runtime) -> None:
    def begin(self: pump.Pump, group: Sequence[letters.Finished], heart: Any) -> Any:
        self.finished = {each.message.key: each for each in group}
        staged: Any = self._stage([each.message for each in group], heart)
        arrived: Any = SimpleQueue()
        self.side.begin(partial(transmit, self.channel, staged, arrived)).result()
        self._mark(staged)
        return arrived

    pump.Pump._begin = begin  # type: ignore[method-assign]


def retry_on_unknown(_: Runtime) -> None:
    patch(lapsed, "LAPSED", without("status = 'unknown'", "status = 'intent'"))


def timer_not_swept(_: Runtime) -> None:
    patch(
        claim,
        "CLAIM",
        without("r.due_at is not null and r.attempts = 0", "r.status = 'active' and r.attempts = 0"),
    )


def suppression_checked_early(_: Runtime) -> None:
    patch(mark, "decide", lambda _: lambda *_, **__: {})


def new_message_id_per_retry(_: Runtime) -> None:
    patch(letters, "message_id_of", lambda usual: lambda _, sender: usual(uuid4(), sender))


def ack_only_state(runtime: Runtime) -> None:
    """What a mail's fate tells its run is only in the message that follows the commit."""

    def tell(services: Any, given: Any) -> int:
        def send(_session: Any) -> None:
            with runtime.unit("worker") as later:
                stimuli.add(later, given)

        event.listen(services.session, "after_commit", send, once=True)
        return len(given)

    patch(outcomes, "add_stimuli", lambda _: tell)


def lost_wake(_: Runtime) -> None:
    """What reaches a run while it is advanced is thrown away with what it has read."""

    def update(usual: Any) -> Any:
        def forgetful(cursor: Any, turns: Any, now: Any) -> None:
            usual(cursor, turns, now)
            runs = claim.ids(run.id for run, _ in turns)
            cursor.execute("delete from run_stimuli where run_id = any(%s::uuid[])", (runs,))

        return forgetful

    patch(write, "update_runs", update)


PLANTED: dict[str, Plant] = {
    "no fence": no_fence,
    "mark after send": mark_after_send,
    "retry on unknown": retry_on_unknown,
    "timer not swept": timer_not_swept,
    "suppression checked early": suppression_checked_early,
    "new Message-ID per retry": new_message_id_per_retry,
    "ack-only state": ack_only_state,
    "lost wake": lost_wake,
}
