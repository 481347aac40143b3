"""A whole stack as a child of ours, for the demo and for tests."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from autoloop.embedded.launch import own_environment, spawn
from autoloop.embedded.lock import StackLock
from autoloop.embedded.ports import free_port
from autoloop.embedded.supervisor import BootError

__all__ = ["BackgroundStack"]


@dataclass
class BackgroundStack:
    """`autoloop up` in `data`, its log in `data`/autoloop.log. It ends with us, however we end.

    `port` 0 takes a free one. `environment` overrides settings (AUTOLOOP_…), `options` are more words for `up`.
    """

    data: Path
    port: int = 0
    environment: dict[str, str] | None = None
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it serves, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """Everything the stack says."""
        return self.data / "autoloop.log"

    def start(self, timeout: float = 120.0) -> Self:
        """Start it and return once it serves. Raises BootError with the end of the log."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        words = [
            "up",
            "--data",
            str(self.data),
            "--port",
            str(self.port),
            "--log",
            str(self.log),
            *self.options,
        ]
        with self.log.open("ab") as output:
            self.process = spawn(
                [sys.executable, "-m", "autoloop.cli", *words],
                output=output,
                env={**own_environment(), **(self.environment or {})},
            )
        deadline = time.monotonic() + timeout
        while not self.ready:
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = self.log.read_text(errors="replace")[-3000:]
                self.stop()
                raise BootError(f"The stack did not start. It said:\n{said}")
            time.sleep(0.05)
        return self

    @property
    def ready(self) -> bool:
        """True while it serves."""
        state = StackLock(self.data).state()
        return bool(state.get("ready")) and self.process is not None and state.get("pid") == self.process.pid

    @property
    def state(self) -> dict[str, Any]:
        """What the stack says of itself: pid, url, ready, config (the INI file its parts read)."""
        return StackLock(self.data).state()

    def stop(self, timeout: float = 15.0) -> int | None:
        """Stop it in order; returns its exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
