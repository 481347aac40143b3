"""Where the migrations lie: apart from what runs them, which takes a second to load."""

from __future__ import annotations

import sysconfig
from pathlib import Path

__all__ = ["migrations"]


def migrations() -> Path | None:
    """This installation's folder: beside the package in a clone, under `share` once installed; None if it is missing."""
    folders = (
        Path(__file__).parents[2] / "alembic",
        Path(sysconfig.get_path("data")) / "share/autoloop/alembic",
    )
    return next((folder for folder in folders if (folder / "env.py").exists()), None)
