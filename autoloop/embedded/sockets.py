"""Private folders for unix sockets, short enough for the kernel."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from autoloop.embedded.launch import Identity

__all__ = ["own", "socket_folder"]

_LONGEST_PATH = 103  # macOS; Linux allows 107
_SHORT = "/tmp"  # noqa: S108 (macOS's own temporary folder is too long already)
_LONGEST_NAME = ".s.PGSQL.65535"


def socket_folder(place: Path, who: Identity | None = None) -> Path:
    """A 0700 folder for sockets: `place`/run, or, where that path is too long, one in the temporary folder.

    The choice is kept in a note beside it, so every process finds the same folder.
    """
    who = who or Identity()
    near = place / "run"
    if len(os.fsencode(near / _LONGEST_NAME)) <= _LONGEST_PATH:
        return own(near, who)
    note = place / "socket_folder"
    if note.exists():
        known = Path(note.read_text())
        # In a shared place others could have put something there: trust only what is ours and private.
        if known.is_dir() and not known.is_symlink():
            info = known.stat()
            if info.st_uid in {os.geteuid(), who.uid} and not info.st_mode & 0o077:
                return known
    own(place, who)
    made = Path(tempfile.mkdtemp(prefix="autoloop-", dir=_SHORT if os.access(_SHORT, os.W_OK) else None))
    note.write_text(str(made))
    return own(made, who)


def own(folder: Path, who: Identity) -> Path:
    """Make `folder`, private to `who`, unless it exists."""
    folder.mkdir(mode=0o700, exist_ok=True, parents=True)
    if who.is_other_user:
        os.chown(folder, who.uid, who.gid)
    return folder
