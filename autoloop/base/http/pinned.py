"""Connections to addresses that were checked: the name is resolved once, and what was checked is connected to."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

import httpcore

from autoloop.base.http.addresses import Allowed, refusal
from autoloop.base.http.urls import Refused

__all__ = ["Deadline", "PinnedBackend", "Resolver", "resolve"]

Resolver = Callable[[str, int], Sequence[str]]
MOST_ADDRESSES = 16
MOST_TRIED = 4


def resolve(host: str, port: int) -> list[str]:
    """The host's addresses, in the order to try them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Deadline(threading.local):
    """When the exchange that this thread is in must be over, on the monotonic clock."""

    until: float = float("inf")

    @contextmanager
    def within(self, seconds: float) -> Any:
        before, self.until = self.until, min(self.until, time.monotonic() + seconds)
        try:
            yield
        finally:
            self.until = before

    def rest(self, timeout: float | None, error: type[Exception]) -> float:
        """Seconds that are left, at most `timeout`. Raises `error` when there are none."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise error("The whole exchange took too long.")
        return left if timeout is None else min(timeout, left)


class PinnedBackend(httpcore.NetworkBackend):
    """Where httpcore gets its connections: from checked addresses only, each read within the deadline."""

    def __init__(self, allowed: Allowed, deadline: Deadline, resolver: Resolver = resolve) -> None:
        self.allowed = allowed
        self.deadline = deadline
        self.resolver = resolver
        self.sockets = httpcore.SyncBackend()
        self.threads = ThreadPoolExecutor(16, thread_name_prefix="resolve")

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self.addresses(host, port)
        trouble: Exception = httpcore.ConnectError(f"“{host}” has no address.")
        for address in addresses[:MOST_TRIED]:
            seconds = self.deadline.rest(timeout, httpcore.ConnectTimeout)
            try:
                stream = self.sockets.connect_tcp(
                    address, port, seconds, socket_options=list(socket_options or ())
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                trouble = error
                continue
            return BoundedStream(stream, self.deadline)
        raise trouble

    def addresses(self, host: str, port: int) -> list[str]:
        """All addresses of the host. Raises Refused if a single one of them must not be reached."""
        try:
            found: Sequence[str] = [str(ip_address(host))]
        except ValueError:
            found = self._look_up(host, port)
        if not self.allowed.host(host):
            for address in found:
                why = refusal(address, self.allowed)
                if why:
                    raise Refused(f"“{host}” leads to {address}, which is {why} and cannot be called.")
        return list(found)

    def _look_up(self, host: str, port: int) -> Sequence[str]:
        asked = self.threads.submit(self.resolver, host, port)
        try:
            found = asked.result(self.deadline.rest(10, httpcore.ConnectTimeout))
        except Late:
            raise httpcore.ConnectTimeout(f"Looking up “{host}” took too long.") from None
        except (OSError, UnicodeError):
            raise httpcore.ConnectError(f"There is no host “{host}”.") from None
        return found[:MOST_ADDRESSES]

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise Refused("Only http and https addresses can be called.")

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class BoundedStream(httpcore.NetworkStream):
    """A connection of which no wait outlasts the exchange: a drip of single bytes ends in time."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self.stream = stream
        self.deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, self.deadline.rest(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, self.deadline.rest(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = self.deadline.rest(timeout, httpcore.ConnectTimeout)
        return BoundedStream(self.stream.start_tls(ssl_context, server_hostname, seconds), self.deadline)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)
