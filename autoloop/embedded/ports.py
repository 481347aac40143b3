"""Which ports are free, and who holds the one that is not."""

from __future__ import annotations

import errno
import socket

import psutil

__all__ = ["PortTakenError", "free_port", "see_that_free"]


class PortTakenError(RuntimeError):
    """Somebody listens there already, or we may not; the message says who and what to do."""


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def see_that_free(host: str, port: int) -> None:
    """Raise PortTakenError unless a server could listen at host:port now."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        raise PortTakenError(f"“{host}” is not an address of this machine.") from None
    with socket.socket(family, kind, proto) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise PortTakenError(_why(host, port, error)) from None


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken{_by_whom(port)}. Stop that, or choose another port with --port."
    if error.errno == errno.EACCES:
        return f"This user may not listen on port {port}. Choose one above 1023 with --port."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine."
    return f"Nothing can listen on {host}:{port}: {error.strerror}."


def _by_whom(port: int) -> str:
    try:
        for one in psutil.net_connections("inet"):
            if one.laddr and one.laddr.port == port and one.status == psutil.CONN_LISTEN and one.pid:
                return f" by process {one.pid} ({psutil.Process(one.pid).name()})"
    except psutil.Error:
        pass
    return ""
