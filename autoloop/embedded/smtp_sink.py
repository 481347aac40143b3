"""A small, fast SMTP server that takes everything and remembers what it took.

For the demo, the benchmarks and the crash tests: it writes each Message-ID down before it says
250, so that its journal is the judge of "never lost, never twice". It delivers nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import ssl
import sys
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from uuid import UUID

__all__ = ["Captured", "Journal", "Sink", "SmtpSession", "main"]

END = b"\r\n.\r\n"
MAX_LINE = 4096


@dataclass(frozen=True, slots=True)
class Captured:
    """One message as it was taken. `data` is without dot-stuffing and without the final dot."""

    message_id: str
    sender: str
    recipient: str
    data: bytes
    at: float = field(default_factory=time.time)


Take = Callable[[Captured], None]
Answer = Callable[[str, "SmtpSession"], str | None]
"""Asked at every verb (and at "." with the message whole): a reply line to give instead of the
usual one, "close" to hang up, "hang" to say nothing more, or None to go on."""


def _as_usual(verb: str, session: SmtpSession) -> str | None:
    """Nothing unusual."""
    return None


def message_id_of(data: bytes) -> str:
    """The Message-ID header's value, unfolded; empty if there is none."""
    head = data.partition(b"\r\n\r\n")[0]
    place = (b"\r\n" + head.lower()).find(b"\r\nmessage-id:")
    if place < 0:
        return ""
    value = head[place + len("message-id:") :]
    lines = value.split(b"\r\n")
    more = [line for line in lines[1:2] if line[:1] in (b" ", b"\t")]
    return b"".join([lines[0], *more]).strip().decode("ascii", "replace")


class SmtpSession(asyncio.Protocol):
    """One client. Verbs may be pipelined; replies keep their order."""

    def __init__(self, take: Take, answer: Answer) -> None:
        self._take, self._answer = take, answer
        self._buffer = bytearray()
        self._body: bytearray | None = None
        self._dead = False
        self.sender = ""
        self.recipient = ""
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._reply("CONNECT", "220 sink ESMTP")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._buffer and not self._dead:
            if self._body is not None:
                if not self._more_body():
                    return
                continue
            end = self._buffer.find(b"\r\n")
            if end < 0:
                if len(self._buffer) > MAX_LINE:
                    self._transport.close()
                return
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 2]
            self._line(line)

    def _more_body(self) -> bool:
        """Move received octets into the body; False while its end has not come."""
        body = self._body
        assert body is not None
        seen = max(len(body) - len(END), 0)
        if len(body) == 2:  # the CRLF put there so that an empty message ends too
            self._reply("BODY", None)
            if self._dead:
                return False
        body += self._buffer
        self._buffer.clear()
        end = body.find(END, seen)
        if end < 0:
            return False
        self._buffer += body[end + len(END) :]
        self.data = bytes(body[: end + 2]).replace(b"\r\n..", b"\r\n.")[2:]
        self._body = None
        self._reply(".", "250 taken", self._keep)
        return True

    def _keep(self) -> None:
        self._take(Captured(message_id_of(self.data), self.sender, self.recipient, self.data))

    def _line(self, line: bytes) -> None:
        verb, _, argument = line.decode("utf-8", "replace").partition(" ")
        verb = verb.upper()
        if verb in ("EHLO", "HELO"):
            self._reply(
                verb, "250-sink\r\n250-PIPELINING\r\n250-SIZE 33554432\r\n250-SMTPUTF8\r\n250 8BITMIME"
            )
        elif verb == "MAIL":
            self.sender = _path(argument)
            self._reply(verb, "250 ok")
        elif verb == "RCPT":
            self.recipient = _path(argument)
            self._reply(verb, "250 ok")
        elif verb == "DATA":
            self._reply(verb, "354 go on", self._begin_body)
        elif verb == "QUIT":
            self._reply(verb, "221 bye")
            self._transport.close()
        elif verb in ("RSET", "NOOP", "VRFY"):
            self._reply(verb, "250 ok")
        else:
            self._reply(verb, "502 not here")

    def _begin_body(self) -> None:
        self._body = bytearray(b"\r\n")

    def _reply(self, verb: str, usual: str | None, then: Callable[[], None] | None = None) -> None:
        """Answer a verb; `then` happens first, and only if the usual answer is given."""
        line = self._answer(verb, self) or usual
        if line == usual and then is not None:
            then()
        if line == "hang":
            self._dead = True
        elif line == "close":
            self._dead = True
            self._transport.abort()
        elif line is not None:
            self._transport.write(line.encode() + b"\r\n")


def _path(argument: str) -> str:
    return argument.partition("<")[2].partition(">")[0]


class Journal:
    """Appends one line per message: Message-ID, recipient, size, time. Flushed before the 250."""

    def __init__(self, path: Path) -> None:
        self._file: IO[str] = path.open("a", encoding="utf-8", buffering=1)

    def __call__(self, mail: Captured) -> None:
        self._file.write(f"{mail.message_id}\t{mail.recipient}\t{len(mail.data)}\t{mail.at:.6f}\n")

    def close(self) -> None:
        self._file.close()

    @staticmethod
    def read(path: Path) -> list[tuple[str, str]]:
        """(Message-ID, recipient) of every message taken, in order."""
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [(parts[0], parts[1]) for parts in (line.split("\t") for line in lines)]


class Sink:
    """The server on a thread of its own: `with Sink() as sink: sink.port, sink.mails`."""

    def __init__(self, take: Take | None = None, answer: Answer = _as_usual, port: int = 0) -> None:
        self.mails: list[Captured] = []
        self.host, self.port = "127.0.0.1", port
        self._take = take or self.mails.append
        self.answer = answer
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="smtp-sink", daemon=True)
        self._up = threading.Event()

    def _session(self) -> SmtpSession:
        return SmtpSession(self._take, self.answer)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(self._session, self.host, self.port, backlog=512)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._up.wait(10):
            raise TimeoutError("the SMTP sink did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


def refusing(per_thousand: int) -> Answer:
    """Refuse so many of a thousand recipients for good, always the same ones."""

    def answer(verb: str, session: SmtpSession) -> str | None:
        if verb == "RCPT" and zlib.crc32(session.recipient.encode()) % 1000 < per_thousand:
            return "550 5.1.1 nobody of this name here"
        return None

    return answer


async def serve(
    take: Take,
    port: int,
    ready: Callable[[int], None],
    answer: Answer = _as_usual,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Serve until cancelled, through TLS from the first octet if `tls` says how; `ready` is told the port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SmtpSession(take, answer), "127.0.0.1", port, backlog=512, ssl=tls
    )
    ready(server.sockets[0].getsockname()[1])
    async with server:
        await server.serve_forever()


def main(arguments: list[str] | None = None) -> None:
    """`python -m autoloop.embedded.smtp_sink --journal FILE [--port N] [--workspace ID] [--refuse N] [--tls PEM]`

    Prints its port, then serves. With a workspace's id, mail also goes into that workspace's mailbox;
    AUTOLOOP_DATABASE_WORKER_URL says in which database. N of a thousand recipients are refused. PEM holds a
    key and its certificate.
    """
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--workspace", type=UUID)
    parser.add_argument("--refuse", type=int, default=0)
    parser.add_argument("--tls", type=Path)
    given = parser.parse_args(arguments)
    tls = None
    if given.tls is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(given.tls)
    takers: list[Take] = [Journal(given.journal)]
    forward = None
    if given.workspace is not None:
        from autoloop.embedded.smtp_mailbox import Forward

        forward = Forward(os.environ["AUTOLOOP_DATABASE_WORKER_URL"], given.workspace)
        takers.append(forward)

    def take(mail: Captured) -> None:
        for taker in takers:
            taker(mail)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        ready = partial(print, flush=True)
        asyncio.run(serve(take, given.port, ready, refusing(given.refuse), tls))
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        if forward is not None:
            forward.close()


if __name__ == "__main__":
    main()
