"""A private Redis-protocol server: redis-server or valkey-server from PATH, else one in Python."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any, Self
from urllib.parse import quote

from autoloop.embedded.launch import own_environment, spawn
from autoloop.embedded.sockets import socket_folder

__all__ = ["Redis", "RedisError"]

_PROGRAMS = ("redis-server", "valkey-server")


class RedisError(RuntimeError):
    """The server did not start; the message says what it said."""


class Redis:
    """A server without persistence on a unix socket under `data_dir`. Whatever it holds may vanish.

    `pure` takes the Python one even if a real one is installed.
    """

    def __init__(self, data_dir: Path | str, *, pure: bool = False, death_signal: int = 0) -> None:
        self.data_dir = Path(data_dir).absolute()
        self.death_signal = death_signal
        self.process: subprocess.Popen[bytes] | None = None
        self.program = None if pure else next(filter(None, map(shutil.which, _PROGRAMS)), None)

    @property
    def kind(self) -> str:
        """Name of the program that serves."""
        return Path(self.program).name if self.program else "fakeredis"

    @property
    def socket_path(self) -> Path:
        """The server's socket."""
        return socket_folder(self.data_dir) / "redis.sock"

    @property
    def url(self) -> str:
        """For redis-py and dogpile.cache."""
        return f"unix://{quote(str(self.socket_path))}?db=0"

    @property
    def broker_url(self) -> str:
        """The same for Celery, which has another scheme for sockets."""
        return f"redis+socket://{quote(str(self.socket_path))}?virtual_host=0"

    @property
    def answers(self) -> bool:
        """True if a server answers PING within a second."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self.socket_path))
                client.sendall(b"*1\r\n$4\r\nPING\r\n")
                return client.recv(16).startswith(b"+PONG")
            except OSError:
                return False

    def start(self, output: int | IO[Any] | None = None) -> Self:
        """Start it; nothing happens if it runs. Raises RedisError. `output` takes its log."""
        if self.answers:
            return self
        self.socket_path.unlink(missing_ok=True)
        self.process = spawn(
            self._argv(),
            death_signal=self.death_signal,
            output=output,
            env=own_environment(),
            cwd=self.data_dir,
        )
        deadline = time.monotonic() + 15
        while not self.answers:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RedisError(f"{self.kind} did not start (exit status {self.process.returncode}).")
            time.sleep(0.01)
        return self

    def stop(self, timeout: float = 2.0) -> None:
        """Stop the server that this object started."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _argv(self) -> list[str]:
        if self.program is None:
            return [sys.executable, "-m", "autoloop.embedded.fake_redis", str(self.socket_path)]
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "save": "",
            "appendonly": "no",
            "maxmemory": "256mb",
            "maxmemory-policy": "allkeys-lru",
            "loglevel": "warning",
            "dir": str(self.data_dir),
        }
        return [self.program, *(part for key, value in options.items() for part in (f"--{key}", value))]
