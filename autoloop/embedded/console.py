"""One readable log of many processes: a prefix each, in colour on a terminal."""

from __future__ import annotations

import os
import sys
import time
from typing import IO

__all__ = ["Console"]

_COLOURS = {
    "autoloop": "1",
    "postgres": "36",
    "redis": "35",
    "setup": "34",
    "web": "32",
    "worker": "33",
    "scheduler": "94",
}
_WIDTH = max(map(len, _COLOURS))


class Console:
    """Writes lines as `name | line`. Never fails: a closed terminal must not stop what runs."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self.stream = stream or sys.stdout
        self.coloured = self.stream.isatty() and "NO_COLOR" not in os.environ
        self._full_told = 0.0

    def say(self, message: str) -> None:
        """A line of the supervisor's own."""
        for line in message.splitlines():
            self.line("autoloop", line)

    def line(self, name: str, text: str) -> None:
        """A line of the child `name`."""
        prefix = f"{name:<{_WIDTH}} |"
        if self.coloured:
            prefix = f"\x1b[{_COLOURS.get(name, '0')}m{prefix}\x1b[0m"
        try:
            self.stream.write(f"{prefix} {text}\n")
            self.stream.flush()
        except (OSError, ValueError):
            return
        if "No space left on device" in text and time.monotonic() - self._full_told > 60:
            self._full_told = time.monotonic()
            self.say(
                "The disk is full. Nothing is lost, but nothing new can be stored: free some space; "
                "what failed is tried again by itself."
            )
