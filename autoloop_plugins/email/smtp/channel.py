"""Several SMTP sessions worked in step: each verb goes out on all of them before replies are read.

A server that offers PIPELINING (RFC 2920) hears the whole envelope in one write. So a group costs one
round trip instead of three per message, and every message has a connection of its own that can be
closed without a final dot.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autoloop.plugins.email import Channel, Fate, Message, Refused, Reply, Staged
from autoloop_plugins.email.smtp.connection import Connection, ServerAnswer, Target, Timeouts, Trouble
from autoloop_plugins.email.smtp.refusals import no_such_mailbox, no_such_mailbox_after_all

__all__ = ["SmtpChannel"]

MAX_IDLE = 20.0
MAX_MESSAGES = 200
ENVELOPE = ("MAIL", "RCPT", "DATA")
WANTED = {"MAIL": (250,), "RCPT": (250, 251), "DATA": (354,)}
SIGN_IN_CODES = frozenset({530, 534, 535, 538})  # RFC 4954 §6


@dataclass(slots=True)
class _Lane:
    """One message on its way through the verbs."""

    message: Message
    connection: Connection | None = None
    reused: bool = False
    refused: Refused | None = None
    declined: ServerAnswer | None = None
    of_address: bool = False

    @property
    def pipelines(self) -> bool:
        return self.connection is not None and self.connection.offers("pipelining")

    def refuse(self, answer: ServerAnswer | None, text: str, *, of_account: bool = False) -> None:
        code = answer.code if answer else None
        of_account = of_account or code in SIGN_IN_CODES
        said = f"{answer.code} {answer.text}" if answer else text
        # 421 closes the session whatever it answered; 5xx about the account is not about this message.
        permanent = answer is not None and answer.permanent and not of_account
        of_address = self.of_address and permanent and answer is self.declined
        self.refused = Refused(
            self.message, permanent, code, said, of_account=of_account, of_address=of_address
        )


class SmtpChannel(Channel):
    """A pool of at most `width` sessions with one server."""

    def __init__(self, target: Target, *, width: int = 4, timeouts: Timeouts | None = None) -> None:
        self.width = width
        self._target = target
        self._timeouts = timeouts or Timeouts()
        self._patience = {
            "MAIL": self._timeouts.mail,
            "RCPT": self._timeouts.rcpt,
            "DATA": self._timeouts.data,
        }
        self._idle: list[Connection] = []

    # -- stage ------------------------------------------------------------------------------------

    def stage(self, messages: Sequence[Message]) -> Sequence[Staged | Refused]:
        lanes = [_Lane(message) for message in messages]
        self._seat(lanes)
        seated = [lane for lane in lanes if lane.connection is not None]
        self._envelopes([lane for lane in seated if lane.pipelines], again=True)
        for verb in ENVELOPE:
            self._say_and_hear([lane for lane in seated if not lane.pipelines], (verb,), again=verb == "MAIL")
        return [lane.refused or Staged(lane.message, lane.connection) for lane in lanes]

    def _envelopes(self, lanes: Sequence[_Lane], *, again: bool) -> None:
        """MAIL, RCPT and DATA in one write and their replies in one read (RFC 2920)."""
        self._say_and_hear(lanes, ENVELOPE, again=again)

    def _seat(self, lanes: Sequence[_Lane]) -> None:
        """Give each message a session; once the server cannot be reached, stop knocking."""
        down: Trouble | None = None
        for lane in lanes:
            if (idle := self._take_idle()) is not None:
                lane.connection, lane.reused = idle, True
            elif down is not None:
                lane.refuse(down.answer, str(down), of_account=True)
            else:
                down = self._open_for(lane)
            if lane.connection is not None and (problem := self._unfit(lane)):
                self._idle.append(lane.connection)
                lane.refused = Refused(lane.message, True, None, problem)
                lane.connection = None

    def _open_for(self, lane: _Lane) -> Trouble | None:
        try:
            lane.connection, lane.reused = Connection(self._target, self._timeouts), False
        except Trouble as trouble:
            lane.refuse(trouble.answer, str(trouble), of_account=True)
            return trouble
        return None

    def _take_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if time.monotonic() - connection.used_at < MAX_IDLE:
                return connection
            connection.quit()
        return None

    @staticmethod
    def _unfit(lane: _Lane) -> str | None:
        """Why this server can never take this message, known without asking."""
        message, connection = lane.message, lane.connection
        assert connection is not None
        limit = connection.size_limit()
        if limit is not None and len(message.data) > limit:
            return f"The message has {len(message.data)} octets; the server takes {limit}"
        if not (message.sender + message.recipient).isascii() and not connection.offers("smtputf8"):
            return (
                "The address has other letters than a to z before the @, "
                "and this mail server takes no such addresses (it does not offer SMTPUTF8)"
            )
        return None

    def _say_and_hear(self, lanes: Sequence[_Lane], verbs: Sequence[str], *, again: bool = False) -> None:
        """Say the verbs on every live lane, then hear them all. `again`: an idle session that turns
        out to be dead is replaced once, as nothing has been said on it yet."""
        live = [lane for lane in lanes if lane.connection is not None and lane.refused is None]
        troubles = {id(lane): trouble for lane in live if (trouble := self._say(lane, verbs)) is not None}
        for place, verb in enumerate(verbs):
            deadline = time.monotonic() + self._patience[verb]
            for lane in live:
                if lane.connection is None:
                    continue
                trouble, answer = troubles.get(id(lane)), None
                if trouble is None:
                    trouble, answer = self._hear(lane, deadline)
                gone = trouble is not None or (answer is not None and answer.code == 421)
                if gone and again and place == 0 and lane.reused:
                    self._replace(lane)
                elif trouble is not None:
                    self._drop(lane)
                    lane.refuse(lane.declined or trouble.answer, f"{verb}: {trouble}")
                elif answer is not None:
                    self._take(lane, verb, answer)
        for lane in live:
            if lane.declined is not None and lane.connection is not None:
                self._decline(lane, lane.declined)

    def _take(self, lane: _Lane, verb: str, answer: ServerAnswer) -> None:
        """Note a reply. The first that says no is what counts; those after it only follow from it."""
        if answer.code not in WANTED[verb]:
            if lane.declined is None:
                lane.declined, lane.of_address = answer, verb == "RCPT" and no_such_mailbox(answer)
        elif verb == "DATA" and lane.declined is not None:
            # It would take a message for nobody: hanging up is the one safe way out of DATA.
            self._drop(lane)
            lane.refuse(lane.declined, "")

    def _replace(self, lane: _Lane) -> None:
        self._drop(lane)
        if self._open_for(lane) is not None:
            return
        lane.reused = False
        if lane.pipelines:
            self._envelopes([lane], again=False)
        else:
            self._say_and_hear([lane], ENVELOPE[:1])

    def _say(self, lane: _Lane, verbs: Sequence[str]) -> Trouble | None:
        connection, message = lane.connection, lane.message
        assert connection is not None
        wide = not (message.sender + message.recipient).isascii()
        lines = []
        for verb in verbs:
            if verb == "MAIL":
                size = f" SIZE={len(message.data)}" if connection.offers("size") else ""
                lines.append(f"MAIL FROM:<{message.sender}>{size}{' BODY=8BITMIME SMTPUTF8' if wide else ''}")
            elif verb == "RCPT":
                lines.append(f"RCPT TO:<{message.recipient}>")
            else:
                lines.append(verb)
        try:
            connection.say(*lines)
        except Trouble as trouble:
            return trouble
        return None

    @staticmethod
    def _hear(lane: _Lane, deadline: float) -> tuple[Trouble | None, ServerAnswer | None]:
        assert lane.connection is not None
        try:
            return None, lane.connection.hear(deadline - time.monotonic())
        except Trouble as trouble:
            return trouble, None

    def _decline(self, lane: _Lane, answer: ServerAnswer) -> None:
        """The server said no before any body: keep the session if RSET cleans it."""
        connection, lane.connection = lane.connection, None
        assert connection is not None
        lane.refuse(answer, "")
        try:
            if answer.code == 421:
                raise Trouble("closing")
            connection.say("RSET")
            if connection.hear(self._timeouts.hello).code != 250:
                raise Trouble("not reset")
        except Trouble:
            connection.close()
        else:
            self._idle.append(connection)

    @staticmethod
    def _drop(lane: _Lane) -> None:
        if lane.connection is not None:
            lane.connection.close()
        lane.connection = None

    # -- transmit or abandon ----------------------------------------------------------------------

    def transmit(self, staged: Staged) -> Reply:
        return next(reply for _, reply in self.transmit_all([staged]))

    def transmit_all(self, group: Sequence[Staged]) -> Iterator[tuple[Staged, Reply]]:
        with selectors.DefaultSelector() as waiting:
            for staged in group:
                early = self._send(staged)
                if early is not None:
                    yield staged, early
                else:
                    waiting.register(staged.handle, selectors.EVENT_READ, staged)
            deadline = time.monotonic() + self._timeouts.final
            while waiting.get_map():
                ready = waiting.select(max(deadline - time.monotonic(), 0))
                # Past the deadline those left are read with no patience: each becomes unknown.
                for key in [key for key, _ in ready] or list(waiting.get_map().values()):
                    waiting.unregister(key.fileobj)
                    yield key.data, self._settle(key.data, deadline)

    @staticmethod
    def _send(staged: Staged) -> Reply | None:
        """Body and final dot. A reply if the message is certainly gone or its fate uncertain already."""
        connection: Connection = staged.handle
        try:
            connection.send_body(staged.message.data)
        except Trouble as trouble:
            connection.close()
            return Reply(Fate.TEMPORARY, text=str(trouble))
        try:
            if connection.send_final_dot():
                return None
        except Trouble as trouble:
            connection.close()
            return Reply(Fate.UNKNOWN, text=str(trouble))
        connection.close()
        return Reply(Fate.TEMPORARY, text="Lost before the final dot")

    def _settle(self, staged: Staged, deadline: float) -> Reply:
        connection: Connection = staged.handle
        try:
            answer = connection.hear(deadline - time.monotonic())
        except Trouble as trouble:
            connection.close()
            return Reply(Fate.UNKNOWN, text=f"No reply after the final dot: {trouble}")
        connection.sent += 1
        if answer.code == 421 or not 200 <= answer.code < 600:
            connection.close()
        elif connection.sent >= MAX_MESSAGES:
            connection.quit()
        else:
            self._idle.append(connection)
        text = f"{answer.code} {answer.text}"
        if 200 <= answer.code < 300:
            return Reply(Fate.ACCEPTED, answer.code, text)
        if answer.permanent:
            gone = no_such_mailbox_after_all(answer)
            return Reply(Fate.PERMANENT, answer.code, text, of_address=gone)
        if 400 <= answer.code < 500:
            return Reply(Fate.TEMPORARY, answer.code, text)
        return Reply(Fate.UNKNOWN, answer.code, text)

    def abandon(self, staged: Staged) -> None:
        staged.handle.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().quit()
