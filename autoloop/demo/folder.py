"""The demo's own data folder, empty at each start."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from autoloop.embedded.lock import StackLock
from autoloop.embedded.postgres import Postgres

__all__ = ["NotADemoError", "wipe"]

MARK = "made-by-autoloop-demo"
KEPT = ("stack.lock", "pycache", MARK)


class NotADemoError(RuntimeError):
    """The folder holds something else, which the demo must not remove."""


def wipe(data: Path) -> bool:
    """Make `data` an empty folder for a demo; True if an earlier demo's data went.

    Raises AlreadyRunningError while a stack runs in it, NotADemoError if no demo made it.
    """
    if data.exists() and any(data.iterdir()) and not (data / MARK).exists():
        raise NotADemoError(
            f"{data} holds something that no demo made, and the demo begins by removing what is there. "
            "Give it a folder of its own with --data."
        )
    lock = StackLock(data)
    lock.take()
    try:
        (data / MARK).touch()
        _end_what_a_killed_demo_left(lock, data)
        old = [path for path in data.iterdir() if path.name not in KEPT]
        for path in old:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        return any(path.name == "postgres" for path in old)
    finally:
        lock.release()


def _end_what_a_killed_demo_left(lock: StackLock, data: Path) -> None:
    try:
        known = json.loads((data / "children.json").read_text())
    except (OSError, ValueError):
        known = []
    lock.end_leftovers(known)
    if (data / "postgres").exists():
        postgres = Postgres(data / "postgres")
        if postgres.running:
            postgres.stop()
