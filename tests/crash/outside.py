"""What lies outside: an SMTP server and an HTTP server that remember all they were asked, and may misbehave."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from autoloop.embedded.smtp_sink import Answer, Captured, Sink, SmtpSession, message_id_of

__all__ = ["PostOffice", "Server"]


class Server:
    """An HTTP server that counts how often it was called with which Idempotency-Key."""

    def __init__(self) -> None:
        self.calls: dict[str, list[str]] = defaultdict(list)
        self.meanwhile: Callable[[], object] = lambda: None
        told = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                told.calls[self.headers.get("Idempotency-Key", "")].append(body)
                told.meanwhile()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.http.server_close()


class PostOffice(Sink):
    """A sink that keeps what it was offered, taken or not, as (email's id, Message-ID).

    `answer` may misbehave; `taken` is called when a message is written down and its sender not yet told.
    """

    def __init__(self) -> None:
        self.offered: list[tuple[str, str]] = []
        self.usual: Answer = lambda verb, session: None
        self.taken: Callable[[], None] = lambda: None
        super().__init__(self._keep, self._answer)

    def behave(self) -> None:
        self.usual, self.taken = (lambda verb, session: None), (lambda: None)

    def _keep(self, mail: Captured) -> None:
        self.mails.append(mail)
        self.taken()

    def _answer(self, verb: str, session: SmtpSession) -> str | None:
        if verb == ".":
            found = re.search(rb"^X-AutoLoop-Email: (\S+)", session.data, re.MULTILINE)
            self.offered.append((found[1].decode() if found else "", message_id_of(session.data)))
        return self.usual(verb, session)
