"""What every benchmark stands on: a durable private PostgreSQL, a tenant, contacts; and how figures are printed."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text

from autoloop import make_runtime
from autoloop.base.ids import new_id
from autoloop.base.migrate import migrate
from autoloop.base.runtime import Runtime
from autoloop.embedded.launch import own_environment
from autoloop.embedded.postgres import Postgres
from autoloop.embedded.redis import Redis
from autoloop.settings import Settings

ROLES = ("autoloop_owner", "autoloop_web", "autoloop_worker")
SECRET = "8c1f5a0e7d42b93610ef5a7c24d8b9e0"


@dataclass(frozen=True)
class Stand:
    postgres: Postgres
    settings: Settings
    runtime: Runtime
    workspace_id: UUID
    user_id: UUID

    def owner_dsn(self) -> str:
        return self.postgres.dsn("autoloop_owner", "autoloop")

    def contacts(self, count: int) -> list[UUID]:
        """Add contacts; returns their ids."""
        ids = [new_id() for _ in range(count)]
        with self.runtime.unit("web", self.workspace_id) as services:
            services.session.execute(CONTACTS, {"workspace": self.workspace_id, "ids": ids})
        return ids

    def analyze(self) -> None:
        import psycopg

        with psycopg.connect(self.owner_dsn(), autocommit=True) as connection:
            connection.execute("analyze")


CONTACTS = text("""
insert into business_contacts (workspace_id, id, email, email_normal, first_name, status)
select :workspace, id, 'c' || row_number() over () || '-' || id || '@bench.example',
  'c' || row_number() over () || '-' || id || '@bench.example', 'Ada', 'active'
from unnest(cast(:ids as uuid[])) id""")


@contextmanager
def stand(**more: object) -> Iterator[Stand]:
    with tempfile.TemporaryDirectory(prefix="autoloop-bench-") as folder:
        Path(folder).chmod(0o755)
        with Postgres(Path(folder) / "postgres") as postgres, Redis(Path(folder) / "redis") as redis:
            postgres.prepare()
            owner, web, worker = (postgres.dsn(role, "autoloop", driver="psycopg") for role in ROLES)
            migrate(owner, web, worker)
            given: dict[str, Any] = {
                "stage": "development",
                "public_url": "http://localhost:8080",
                "database_url": web,
                "database_worker_url": worker,
                "redis_url": redis.url,
                "broker_url": redis.broker_url,
                "secret_keys": (SECRET,),
                "cookie_secure": False,
                "log_level": "WARNING",
                "log_format": "text",
                "request_limit_per_minute": 100_000_000,
            }
            settings = Settings(**(given | more))
            runtime = make_runtime(settings)
            workspace_id, user_id = tenant(runtime)
            yield Stand(postgres, settings, runtime, workspace_id, user_id)
            runtime.dispose()


def environment(settings: Settings) -> dict[str, str]:
    """Ours, with these settings: for processes of AutoLoop that a benchmark starts."""
    given = {name: value for name, value in own_environment().items() if not name.startswith("AUTOLOOP_")}
    for field in fields(Settings):
        value = getattr(settings, field.name)
        written = " ".join(value) if isinstance(value, tuple) else str(value)
        given[f"AUTOLOOP_{field.name.upper()}"] = written.lower() if isinstance(value, bool) else written
    return given


def tenant(runtime: Runtime) -> tuple[UUID, UUID]:
    user, workspace = new_id(), new_id()
    with runtime.unit("web") as services:
        session = services.session
        session.execute(
            text("insert into users (id, email, name) values (:id, 'bench@people.example', 'Bench')"),
            {"id": user},
        )
        session.execute(
            text(
                "insert into workspaces (id, slug, name, postal_address) values (:id, 'bench', 'Bench', '1 Main Street')"
            ),
            {"id": workspace},
        )
        session.execute(
            text("insert into members (workspace_id, user_id, role) values (:w, :u, 'owner')"),
            {"w": workspace, "u": user},
        )
    return workspace, user


def timed(work: Callable[[], int]) -> float:
    """Things per second of one round."""
    started = time.perf_counter()
    count = work()
    return count / (time.perf_counter() - started)


def report(
    title: str, unit: str, figures: dict[str, Sequence[float]], *, floor: str, notes: str = ""
) -> dict[str, float]:
    """Print each median with its spread, and its ratio to the floor's median."""
    print(f"\n{title}")
    base = statistics.median(figures[floor])
    ratios = {}
    for name, rates in figures.items():
        middle = statistics.median(rates)
        ratios[name] = middle / base
        spread = f"[{min(rates):,.0f}..{max(rates):,.0f}] n={len(rates)}"
        print(f"  {name:38} {middle:>12,.0f} {unit}  {spread:28} {ratios[name]:6.0%} of the floor")
    if notes:
        print(f"  {notes}")
    return ratios
