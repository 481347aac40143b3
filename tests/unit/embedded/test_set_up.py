"""Whether `autoloop up` may leave setting up out."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest

from autoloop.base import scripts
from autoloop.embedded import set_up


class Database:
    """One that is at the revision `head`, and that somebody owns."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def execute(self, _statement: str) -> Any:
        return SimpleNamespace(fetchone=lambda: ("head", True))


def test_not_where_another_autoloop_did_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_up.psycopg, "connect", lambda *_, **__: Database())
    postgres: Any = SimpleNamespace(dsn=lambda *_: "")
    set_up.remember(tmp_path, "head")
    assert set_up.is_set_up(tmp_path, postgres)
    newer = tmp_path / "newer"
    ours = scripts.migrations()
    assert ours is not None
    shutil.copytree(ours, newer / "alembic")
    (newer / "alembic" / "versions" / "9999_more.py").touch()
    monkeypatch.setattr(scripts, "__file__", str(newer / "autoloop" / "base" / "scripts.py"))
    assert not set_up.is_set_up(tmp_path, postgres)
