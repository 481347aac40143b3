"""PasteDeploy's door to the embedded stack: `use = egg:autoloop#embedded`."""

from __future__ import annotations

import os
from typing import Any

import autoloop
from autoloop.embedded.places import connections, data_folder

__all__ = ["main", "with_connections"]


def main(global_config: dict[str, str] | None = None, **ini: str) -> Any:
    """The WSGI application on the embedded stack's databases and keys, which the INI file need not name."""
    return autoloop.main(global_config, **with_connections(ini))


def with_connections(ini: dict[str, str]) -> dict[str, str]:
    """`ini` with what the stack in its `data` folder provides; keys that are given stay as they are."""
    rest = {key: value for key, value in ini.items() if key != "data"}
    return {**connections(data_folder(os.environ.get("AUTOLOOP_DATA") or ini.get("data"))), **rest}
