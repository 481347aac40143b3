"""Where the stack keeps its data, and how any process reaches what runs there."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import platformdirs

from autoloop.embedded.cluster import PORT, Cluster
from autoloop.embedded.launch import identity
from autoloop.embedded.redis import Redis
from autoloop.embedded.secrets import load_or_make

__all__ = ["clone", "connections", "data_folder"]


def clone() -> Path | None:
    """The root of the clone that this code runs from; None if it was installed."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "setup.cfg").exists() and (root / "development.ini").exists() else None


def data_folder(chosen: str | Path | None = None) -> Path:
    """`chosen`, else $AUTOLOOP_DATA, else ./var of a clone, else the user's data folder."""
    if chosen or (chosen := os.environ.get("AUTOLOOP_DATA")):
        return Path(chosen).expanduser().absolute()
    root = clone()
    return root / "var" if root else Path(platformdirs.user_data_dir("autoloop", appauthor=False))


def connections(data: Path) -> dict[str, str]:
    """The `autoloop.` settings of the stack in `data`: databases, Redis, keys. Good before it runs, too."""
    data.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(data / "postgres", identity())
    sockets = cluster.socket_folder
    redis = Redis(data / "redis")

    def database(role: str) -> str:
        return f"postgresql+psycopg://autoloop_{role}@/autoloop?host={quote(str(sockets))}&port={PORT}"

    return {
        "autoloop.database_url": database("web"),
        "autoloop.database_worker_url": database("worker"),
        "autoloop.database_owner_url": database("owner"),
        "autoloop.redis_url": redis.url,
        "autoloop.broker_url": redis.broker_url,
        "autoloop.secret_keys": load_or_make(data)["secret_keys"],
    }
