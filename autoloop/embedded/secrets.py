"""The stack's own secrets: random, made once, readable by their owner only."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

__all__ = ["load_or_make"]


def load_or_make(data: Path) -> dict[str, str]:
    """Secrets of the stack in `data`: `secret_keys`. Made on the first call, in a 0600 file."""
    path = data / "secrets.json"
    try:
        known: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError:
        known = {}
    if not known.get("secret_keys"):
        known["secret_keys"] = secrets.token_hex(32)
        draft = path.with_name(f"secrets.{os.getpid()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(known, file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    return known
