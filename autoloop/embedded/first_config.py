"""The INI file of a stack outside a clone, written once and then its owner's to edit."""

from __future__ import annotations

from pathlib import Path

__all__ = ["see_to_config"]

_TEXT = """\
# Settings of the AutoLoop in this folder, read at every start. `autoloop up` made this file; change what you like.
# Each key may also come from the environment: autoloop.log_level is AUTOLOOP_LOG_LEVEL there, and wins.

[app:main]
# Databases, Redis and keys come from the stack in this folder.
use = egg:autoloop#embedded
data = %(here)s

autoloop.stage = production
autoloop.log_format = text
autoloop.log_level = INFO

# Served over plain http on this machine only. Behind a proxy with https: say so here, and remove the next line.
autoloop.public_url = http://127.0.0.1:8080
autoloop.cookie_secure = false

[server:main]
host = 127.0.0.1
port = 8080
"""


def see_to_config(data: Path) -> Path:
    """The INI file of the stack in `data`, written if there is none."""
    path = data / "autoloop.ini"
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
        path.write_text(_TEXT)
    return path
