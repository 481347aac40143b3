"""A real PostgreSQL and a real Redis for every test that asks; a database of its own for each module."""

from __future__ import annotations

import fcntl
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from webtest import TestApp

from autoloop import make_runtime
from autoloop.base.migrate import migrate, script_folder
from autoloop.base.runtime import Runtime
from autoloop.embedded.postgres import Postgres
from autoloop.embedded.redis import Redis
from autoloop.settings import Settings
from tests.factories import Client, Tenant, make_tenant

DATA = Path(__file__).parents[1] / "var" / "tests"
SECRET = "f3b1c05d9e7a42168c0d5b7e94a1f62380cd17e5"


@contextmanager
def alone(name: str) -> Iterator[None]:
    """One test process at a time: they share a server."""
    DATA.mkdir(parents=True, exist_ok=True)
    with (DATA / f"{name}.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres(DATA / "postgres", testing=True).shared() as server:
        server.prepare()
        yield server


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with Redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


def fingerprint() -> str:
    """Of everything that makes the tables: the migrated template is made anew when it changes."""
    files = sorted(script_folder().rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


@pytest.fixture(scope="session")
def template(postgres: Postgres) -> str:
    name = f"template_{fingerprint()}"
    with alone("template"):
        if postgres.create_database(name):
            try:
                migrate(*(postgres.dsn(role, name, driver="psycopg") for role in ROLES))
            except BaseException:
                postgres.drop_database(name)
                raise
    return name


ROLES = ("autoloop_owner", "autoloop_web", "autoloop_worker")


def settings_for(postgres: Postgres, database: str, redis: Redis, **more: object) -> Settings:
    owner, web, worker = (postgres.dsn(role, database, driver="psycopg") for role in ROLES)
    given: dict[str, object] = {
        "stage": "development",
        "public_url": "http://localhost",
        "database_url": web,
        "database_worker_url": worker,
        "database_owner_url": owner,
        "redis_url": redis.url,
        "broker_url": redis.broker_url,
        "secret_keys": (SECRET,),
        "cookie_secure": False,
        "log_format": "text",
        "log_level": "WARNING",
        "request_limit_per_minute": 1_000_000,
        "sign_in_limit_per_minute": 1_000_000,
        "outbound_allow": ("127.0.0.1",),
    }
    return Settings(**(given | more))


@pytest.fixture(scope="module")
def database(postgres: Postgres, template: str) -> Iterator[str]:
    """The name of a fresh, migrated database."""
    name = f"test_{secrets.token_hex(6)}"
    with alone("clone"):
        postgres.create_database(name, template=template)
    yield name
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def settings(postgres: Postgres, database: str, redis: Redis) -> Settings:
    return settings_for(postgres, database, redis)


@pytest.fixture(scope="module")
def runtime(settings: Settings) -> Iterator[Runtime]:
    """What a worker holds. Nudges go to a Redis that nobody reads: tests call the work themselves."""
    held = make_runtime(settings)
    yield held
    held.dispose()


@pytest.fixture(scope="module")
def wsgi(settings: Settings) -> Iterator[object]:
    from autoloop.config import configure

    config = configure(settings)
    app = config.make_wsgi_app()
    yield app
    config.registry.runtime.dispose()


@pytest.fixture
def app(wsgi: object) -> TestApp:
    """A browser without a session."""
    return TestApp(wsgi, extra_environ={"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost"})


@pytest.fixture
def tenant(runtime: Runtime) -> Tenant:
    """A new workspace with an owner."""
    return make_tenant(runtime)


@pytest.fixture
def api(wsgi: object, tenant: Tenant) -> Client:
    """The JSON door of `tenant`, as its owner, by an API key of scope write: `api.get("contacts")`."""
    return Client(wsgi, tenant.slug, tenant.key)


# Quick ones first; and at the end, how long each suite took.

SUITES = (
    "unit",
    "architecture",
    "contracts",
    "bad_input",
    "functional",
    "migration",
    "installed",
    "browser",
    "fuzz",
    "crash",
)


def suite_of(path: str) -> str:
    parts = path.replace("\\", "/").split("/")
    return parts[parts.index("tests") + 1] if "tests" in parts[:-1] else parts[-1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: place for place, name in enumerate(SUITES)}
    items.sort(key=lambda item: order.get(suite_of(item.nodeid), len(order)))


def pytest_terminal_summary(terminalreporter: object) -> None:
    seconds: dict[str, float] = {}
    for reports in terminalreporter.stats.values():  # type: ignore[attr-defined]
        for report in reports:
            if hasattr(report, "duration") and hasattr(report, "nodeid"):
                name = suite_of(report.nodeid)
                seconds[name] = seconds.get(name, 0.0) + report.duration
    line = ", ".join(
        f"{name} {took:.0f} s" for name, took in sorted(seconds.items(), key=lambda pair: -pair[1])
    )
    if line:
        terminalreporter.write_line(f"Seconds by suite: {line}")  # type: ignore[attr-defined]
