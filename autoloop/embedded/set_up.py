"""Whether a database needs setting up before it serves, remembered from the last time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg

from autoloop.base.scripts import migrations
from autoloop.embedded.postgres import DATABASE, ROLES, Postgres

__all__ = ["is_set_up", "remember"]


def remember(data: Path, revision: str) -> None:
    """Keep what setting up told: the revision; and the migrations that are there."""
    (data / "set_up.json").write_text(json.dumps({"revision": revision, "files": _files()}))


def is_set_up(data: Path, postgres: Postgres) -> bool:
    """True if the database is where the last setting up left it, no migration was added, and somebody owns it.

    Saves a start the time to load the migration tools.
    """
    try:
        known = json.loads((data / "set_up.json").read_text())
        if known["files"] != _files():
            return False
        with psycopg.connect(postgres.dsn(ROLES[0], DATABASE), autocommit=True) as connection:
            row = connection.execute(
                "select version_num, exists (select from users) from alembic_version"
            ).fetchone()
    except (OSError, ValueError, KeyError, psycopg.Error):
        return False
    return row is not None and row[0] == known["revision"] and bool(row[1])


def _files() -> list[list[Any]]:
    """Those of the AutoLoop that runs now, which may be another than the last time."""
    folder = migrations()
    found = folder.glob("versions/*.py") if folder else ()
    return sorted([path.name, path.stat().st_mtime_ns, path.stat().st_size] for path in found)
