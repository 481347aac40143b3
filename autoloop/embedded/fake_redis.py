"""A Redis-protocol server in Python, for machines without one: fakeredis behind a unix socket."""

from __future__ import annotations

import itertools
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from fakeredis import TcpFakeServer

__all__ = ["UnixFakeServer", "main"]


class UnixFakeServer(TcpFakeServer):
    """fakeredis's server on a unix socket, which only the folder's owner can reach."""

    address_family = socket.AF_UNIX
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: str) -> None:
        self._numbers = itertools.count(1)
        super().__init__(path)  # type: ignore[arg-type]
        self.daemon_threads = True

    def server_bind(self) -> None:
        """Bind to a path; the parent would look for a host and a port."""
        self.socket.bind(self.server_address)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a client. Unix sockets have no peer address, but fakeredis tells its clients apart by it."""
        connection, _ = self.socket.accept()
        return connection, ("unix", next(self._numbers))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


def main(path: str) -> None:
    """Serve at `path` until SIGTERM."""
    Path(path).unlink(missing_ok=True)
    server = UnixFakeServer(path)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main(sys.argv[1])
