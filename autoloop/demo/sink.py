"""The receiving side of the demo: an SMTP server of our own, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import UUID

from autoloop.embedded.launch import own_environment, spawn
from autoloop.embedded.supervisor import BootError

__all__ = ["SinkProcess"]


@dataclass
class SinkProcess:
    """Takes mail into `journal`, and into a workspace's mailbox if one is named; ends with us.

    `refuse` of a thousand recipients do not exist there. `database` is the URL of the role autoloop_worker.
    """

    journal: Path
    workspace_id: UUID | None = None
    database: str = ""
    refuse: int = 0
    port: int = 0

    def __enter__(self) -> Self:
        words = ["--journal", str(self.journal), "--refuse", str(self.refuse)]
        if self.workspace_id is not None:
            words += ["--workspace", str(self.workspace_id)]
        self.journal.touch()
        log = self.journal.with_suffix(".log")
        with log.open("wb") as output:
            self._process = spawn(
                [sys.executable, "-m", "autoloop.embedded.smtp_sink", *words],
                output=output,
                env={**own_environment(), "AUTOLOOP_DATABASE_WORKER_URL": self.database},
            )
        deadline = time.monotonic() + 30
        while not (said := log.read_text()).endswith("\n"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise BootError(f"The SMTP sink did not start: {said}")
            time.sleep(0.02)
        self.port = int(said)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
