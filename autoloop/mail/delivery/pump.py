"""The mail of one account, group after group: stage, mark, transmit, and write down what became of it.

While one group is at the provider the next is composed; its replies are written in the transaction that
marks the next, so that a group costs one commit. A reply never waits for a slow server: then it is
written by itself.
"""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from autoloop.base.runtime import Runtime
from autoloop.mail.delivery.heartbeat import Arrived, Heartbeat, Side, transmit
from autoloop.mail.delivery.letters import Finished, finish
from autoloop.mail.delivery.mark import mark
from autoloop.mail.delivery.outcomes import UNSENT, Outcome, of_refusal, of_reply, write_held, write_replies
from autoloop.mail.delivery.outgoing import Outgoing
from autoloop.mail.governor.watch import Watch
from autoloop.plugins.email import Channel, Fate, Refused, Reply, Staged

if TYPE_CHECKING:
    from autoloop.mail.delivery.keys import Keys
    from autoloop.mail.delivery.versions import Versions
    from autoloop.mail.links import Links

__all__ = ["Pump"]

log = logging.getLogger(__name__)

SOON = 0.05  # seconds that replies wait for the next group's envelopes
PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, None)  # seconds between tries to write down what is known only here

Results = list[tuple[Outgoing, Outcome]]


class Pump:
    """Sends one batch of one account through its channel. Used once."""

    def __init__(
        self, runtime: Runtime, channel: Channel, side: Side, versions: Versions, keys: Keys, links: Links
    ) -> None:
        self.runtime, self.channel, self.side = runtime, channel, side
        self.versions, self.keys, self.links = versions, keys, links
        self.known: Results = []  # replies that are not written down yet
        self.refused: Results = []
        self.watch = Watch()
        self.trouble: Refused | Reply | None = None
        self.healthy = False
        self.finished: dict[str, Finished] = {}

    def run(self, mails: Sequence[Outgoing]) -> Sequence[Outgoing]:
        """Send until all are gone or the account itself is in trouble. Returns those not begun."""
        heart = Heartbeat(self.runtime, [mail.lease for mail in mails])
        width = self.channel.width
        try:
            coming = self._compose(mails[:width])
            for at in range(0, len(mails), width):
                arrived = self._begin(coming, heart)
                coming = self._compose(mails[at + width : at + 2 * width])
                self._hear(arrived, heart)
                if self.trouble is not None:
                    return mails[at + width :]
        finally:
            self._write_down()
        return []

    def _compose(self, mails: Sequence[Outgoing]) -> list[Finished]:
        made = []
        for mail in mails:
            if (slowed := self.watch.stops(mail)) is not None:
                self.refused.append((mail, slowed))
                continue
            result = finish(mail, self.versions, self.links, self.keys.of(mail))
            if isinstance(result, Outcome):
                self.refused.append((mail, result))
            else:
                made.append(result)
        return made

    def _begin(self, group: Sequence[Finished], heart: Heartbeat) -> Arrived:
        """Stage the group, mark it together with what is known of the last one, and let it go."""
        self.finished = {each.message.key: each for each in group}
        staged: list[Staged] = []
        for answer in self._stage([each.message for each in group], heart):
            if isinstance(answer, Staged):
                staged.append(answer)
                continue
            self.refused.append((self._mail(answer), of_refusal(self._mail(answer), answer)))
            if self.watch.heard(self._mail(answer), answer):
                self.trouble = answer
        going = self._mark(staged)
        for each in staged:
            if self._mail(each).id not in going:
                self.channel.abandon(each)
        kept = [each for each in staged if self._mail(each).id in going]
        self.healthy = self.healthy or bool(kept)
        arrived: Arrived = queue.SimpleQueue()
        if kept:
            self.side.begin(partial(transmit, self.channel, kept, arrived))
        else:
            arrived.put(None)
        return arrived

    def _mail(self, each: Staged | Refused) -> Outgoing:
        return self.finished[each.message.key].mail

    def _stage(self, messages: Sequence[Any], heart: Heartbeat) -> Sequence[Staged | Refused]:
        if not messages:
            return []
        staging: Future[Sequence[Staged | Refused]] = self.side.begin(lambda: self.channel.stage(messages))
        if self.known and not wait([staging], timeout=SOON).done:
            self._write_down()
        try:
            return heart.result(staging)
        except Exception as error:
            log.exception("a provider failed while staging")
            why = f"The provider failed: {type(error).__name__}: {error}"
            self.channel.close()
            return [Refused(message, False, None, why, of_account=True) for message in messages]

    def _mark(self, staged: Sequence[Staged]) -> frozenset[UUID]:
        """Committed when it returns: only now may a body octet leave."""
        # What gives units of caps back commits by itself: in one transaction with taking others, two
        # workers could wait for each other.
        if any(outcome.said in UNSENT for _, outcome in self.known):
            self._write_down()
        try:
            with self.runtime.unit("worker") as services:
                write_replies(services, self.known)
                write_held(services, self.refused)
                going = mark(services, [self.finished[each.message.key] for each in staged])
        except BaseException:
            self._abandon(staged)
            raise
        self.known, self.refused = [], []
        return going

    def _abandon(self, staged: Sequence[Staged]) -> None:
        """The mark failed: nothing was sent. If its commit came through all the same, say so there."""
        for each in staged:
            self.channel.abandon(each)
        reply = Reply(Fate.TEMPORARY, text="Closed without a final dot: the mark could not be committed")
        self.known += [(self._mail(each), of_reply(self._mail(each), reply)) for each in staged]

    def _hear(self, arrived: Arrived, heart: Heartbeat) -> None:
        """Take the replies as they come. What came before the last handful is written down at once."""
        for replies in heart.replies(arrived):
            self._write_down()
            for each, reply in replies:
                self.known.append((self._mail(each), of_reply(self._mail(each), reply)))
                if self.watch.heard(self._mail(each), reply):
                    self.trouble = reply

    def _write_down(self) -> None:
        """A reply is known only here: a database that is gone for a moment must not turn it into “unknown”."""
        if not self.known and not self.refused:
            return
        for pause in PAUSES:
            try:
                with self.runtime.unit("worker") as services:
                    write_replies(services, self.known)
                    write_held(services, self.refused)
            except DBAPIError:
                log.warning(
                    "replies to %d emails could not be written down yet", len(self.known), exc_info=True
                )
                if pause is None:
                    raise
                time.sleep(pause)
            else:
                self.known, self.refused = [], []
                return
