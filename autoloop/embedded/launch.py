"""Start a server that dies with its parent, and as somebody PostgreSQL agrees to run for."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

__all__ = ["Identity", "die_with_parent", "identity", "may_reach", "own_environment", "spawn"]

# Runs before the real program, in a bare interpreter: becomes the wanted user, asks the kernel for a signal when
# the parent dies (after the change of user, which would clear the request), and gives way to the program.
_LAUNCHER = """
import ctypes, os, sys
death, parent, uid, gid = map(int, sys.argv[1:5])
libc = ctypes.CDLL(None)  # loaded while we may still read the interpreter's files
if uid >= 0:
    os.setgroups([]); os.setgid(gid); os.setuid(uid)
if death and sys.platform.startswith("linux"):
    libc.prctl(1, death, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent process is gone")
try:
    os.execvp(sys.argv[5], sys.argv[5:])
except OSError as error:
    sys.exit(f"cannot start {sys.argv[5]}: {error.strerror}")
"""


@dataclass(frozen=True)
class Identity:
    """Who a server runs as: ourselves, ourselves under another number (namespace), or another user."""

    prefix: tuple[str, ...] = ()
    uid: int = -1
    gid: int = -1

    @property
    def is_other_user(self) -> bool:
        """True if the server cannot reach what only we may read."""
        return self.uid >= 0


@cache
def identity() -> Identity:
    """Find an identity for PostgreSQL, which refuses root and users unknown to the system.

    A plain user runs it directly. Root runs it in a user namespace, where files and processes stay root's but the
    server sees another number; where namespaces are forbidden, as the user `autoloop` or `nobody`.
    """
    known = {entry.pw_uid: entry for entry in pwd.getpwall()}
    if os.geteuid() != 0 and os.geteuid() in known:
        return Identity()
    candidates = [1000, *(uid for uid in sorted(known) if uid not in (0, 1000))]
    mapped = next((uid for uid in candidates if uid in known), None)
    if mapped is not None and shutil.which("unshare"):
        prefix = ("unshare", "-U", f"--map-user={mapped}", f"--map-group={mapped}")
        if os.environ.get("AUTOLOOP_TEST_NO_NAMESPACES") != "1" and _works([*prefix, "true"]):
            return Identity(prefix=prefix)
    if os.geteuid() == 0:
        for entry in known.values():
            if entry.pw_name == "autoloop":
                return Identity(uid=entry.pw_uid, gid=entry.pw_gid)
        for entry in known.values():
            if entry.pw_name == "nobody":
                return Identity(uid=entry.pw_uid, gid=entry.pw_gid)
    # Nothing better: let PostgreSQL say in its own words why it refuses.
    return Identity()


def spawn(
    argv: list[str],
    *,
    who: Identity | None = None,
    death_signal: int = signal.SIGTERM,
    output: int | IO[Any] | None = None,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `argv` in its own session, so that a Ctrl-C in the terminal reaches only the supervisor.

    `death_signal` (0: none) is sent when the *thread* that called this ends, so call it from one that stays.
    """
    who = who or Identity()
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER]
    numbers = [str(int(death_signal)), str(os.getpid()), str(who.uid), str(who.gid)]
    return subprocess.Popen(
        [*launcher, *numbers, *who.prefix, *argv],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        start_new_session=True,
        env=env,
        cwd=cwd or Path("/"),
    )


def die_with_parent(parent: int, death_signal: int = signal.SIGKILL) -> None:
    """In a forked process: end when the process `parent` ends, however that happens. Linux only; elsewhere nothing."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(1, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def own_environment() -> dict[str, str]:
    """Our environment, in which `python -m autoloop…` works from any folder, even in a clone not installed."""
    root = str(Path(__file__).resolve().parents[2])
    path = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}


def may_reach(path: Path, who: Identity) -> bool:
    """True if `who` may enter (or run) `path`, as far as it exists already."""
    existing = path.absolute()
    while not existing.exists():
        existing = existing.parent
    return all(
        (info := step.stat()).st_mode & 0o001
        or (info.st_gid == who.gid and info.st_mode & 0o010)
        or (info.st_uid == who.uid and info.st_mode & 0o100)
        for step in [existing, *existing.resolve().parents]
    )


def _works(argv: list[str]) -> bool:
    try:
        done = subprocess.run(argv, capture_output=True, check=False, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
