"""The doctor's examinations: each gives a finding, and advice where something is wrong."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autoloop.cli.configuration import Configuration

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime
    from autoloop.settings import Settings

__all__ = ["Finding", "examine"]

_ROOM_WARN, _ROOM_NEEDED = 2 * 2**30, 300 * 2**20
_CLOCK_SECONDS = 2.0


@dataclass(frozen=True)
class Finding:
    """What a check found: ok, warning or problem; and what to do."""

    name: str
    state: str
    found: str
    advice: str = ""

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)


def ok(name: str, found: str) -> Finding:
    return Finding(name, "ok", found)


def warning(name: str, found: str, advice: str) -> Finding:
    return Finding(name, "warning", found, advice)


def problem(name: str, found: str, advice: str) -> Finding:
    return Finding(name, "problem", found, advice)


def examine(configuration: Configuration) -> list[Finding]:
    """All checks that can be made; one that cannot for want of an earlier one is left out."""
    from autoloop.settings import SettingsError

    try:
        findings = list(_places(configuration))
    except SettingsError:  # the file cannot be read at all: said below
        findings = []
    try:
        settings = configuration.settings
    except SettingsError as error:
        return [problem("settings", str(error), f"Mend {configuration.path} or the environment."), *findings]
    findings.insert(0, ok("settings", f"{configuration.path} ({settings.stage})"))
    findings += _database(settings, configuration)
    findings += _broker("redis", settings.redis_url)
    if settings.broker_url and settings.broker_url != settings.redis_url:
        findings += _broker("broker", settings.broker_url)
    return findings + _parts(configuration)


def _places(configuration: Configuration) -> Iterator[Finding]:
    place = configuration.data if configuration.embedded else Path.cwd()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    said = f"{free / 2**30:.1f} GB free in {place}"
    if free < _ROOM_NEEDED:
        yield problem("disk", said, "Free some space: nothing new can be stored soon.")
    elif free < _ROOM_WARN:
        yield warning("disk", said, "Free some space before it gets tight.")
    else:
        yield ok("disk", said)
    if configuration.embedded:
        secrets = configuration.data / "secrets.json"
        if secrets.exists() and secrets.stat().st_mode & 0o077:
            yield problem("secrets", f"{secrets} can be read by others.", f"Run: chmod 600 {secrets}")
        elif secrets.exists():
            yield ok("secrets", f"{secrets} is private")


def _database(settings: Settings, configuration: Configuration) -> Iterator[Finding]:
    import psycopg

    from autoloop.base.migrate import head

    urls = {"web": settings.database_url, "worker": settings.database_worker_url}
    for role, url in urls.items():
        name = f"database ({role})"
        try:
            with psycopg.connect(
                url.replace("+psycopg", "", 1), connect_timeout=5, autocommit=True
            ) as connection:
                yield from _role(connection, name)
                if role == "web":
                    yield from _tables(connection, head())
        except psycopg.OperationalError as error:
            advice = (
                "Start it with `autoloop up`."
                if configuration.embedded
                else f"Check autoloop.database_{'worker_' if role == 'worker' else ''}url, the server, and its pg_hba.conf."
            )
            yield problem(name, f"PostgreSQL does not answer: {str(error).strip().splitlines()[0]}", advice)


def _role(connection: Any, name: str) -> Iterator[Finding]:
    user, version, superuser, bypass, owned, drift = connection.execute(
        """select current_user, current_setting('server_version_num')::int, rolsuper, rolbypassrls,
             (select count(*) from pg_class c join pg_roles o on o.oid = c.relowner
              where o.rolname = current_user and c.relkind in ('r', 'p')),
             extract(epoch from clock_timestamp())::float - %s
           from pg_roles where rolname = current_user""",
        [time.time()],
    ).fetchone()
    if version < 150000:
        yield problem(name, f"PostgreSQL {version // 10000} is too old.", "Use PostgreSQL 15 or newer.")
    elif superuser or bypass or owned:
        how = (
            "is a superuser"
            if superuser
            else "bypasses row-level security"
            if bypass
            else f"owns {owned} tables"
        )
        yield problem(
            name,
            f"The role {user} {how}: nothing keeps tenants apart.",
            "Serve with a plain role; see docs/how-to/deploy.md for the three roles.",
        )
    else:
        yield ok(name, f"PostgreSQL {version // 10000} as {user}, who owns nothing")
    if abs(drift) > _CLOCK_SECONDS:
        yield problem(
            "clock",
            f"This machine and the database differ by {drift:+.1f} s.",
            "Set both by NTP: sessions, signatures and schedules compare their times.",
        )
    elif name == "database (web)":
        yield ok("clock", f"agrees with the database within {max(abs(drift), 0.001):.3f} s")


def _tables(connection: Any, head: str) -> Iterator[Finding]:
    import psycopg

    try:
        row = connection.execute("select version_num from alembic_version").fetchone()
    except psycopg.errors.InsufficientPrivilege:
        row = None
    except psycopg.errors.UndefinedTable:
        yield problem("tables", "The database is empty.", "Run: autoloop migrate")
        return
    if row is None:
        yield warning(
            "tables",
            "The serving role may not read which version the tables have.",
            "Run: autoloop migrate --check",
        )
    elif row[0] != head:
        yield problem(
            "tables", f"The tables are at {row[0]}, this version needs {head}.", "Run: autoloop migrate"
        )
    else:
        yield ok("tables", f"at {head}, as this version needs")


def _broker(name: str, url: str) -> Iterator[Finding]:
    from kombu.connection import Connection

    if name == "redis":
        import redis

        def ask() -> object:
            return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2).ping()
    else:

        def ask() -> object:
            with Connection(
                url, connect_timeout=2, transport_options={"socket_connect_timeout": 2}
            ) as connection:
                return connection.ensure_connection(max_retries=1, timeout=2)

    try:
        ask()
    except Exception as error:
        yield warning(
            name,
            f"{name.capitalize()} does not answer: {error}",
            f"Check autoloop.{name}_url. Until it answers all goes on, slower; nothing is lost.",
        )
    else:
        yield ok(name, "answers")


def _parts(configuration: Configuration) -> list[Finding]:
    try:
        runtime = configuration.runtime()
    except Exception as error:
        return [
            problem(
                "application",
                f"It cannot be made: {type(error).__name__}: {error}",
                "Install AutoLoop again, or report this.",
            )
        ]
    try:
        return [*_plugins(runtime), *_health(runtime)]
    finally:
        runtime.dispose()


def _plugins(runtime: Runtime) -> Iterator[Finding]:
    plugins = runtime.registrations.plugins
    for said in plugins.problems:
        yield problem("plugin", said, "Mend or uninstall it, or name it in autoloop.plugins_disabled.")
    working = sum(1 for each in plugins.plugins if each.works)
    if working:
        yield ok("plugins", f"{working} work")
    else:
        yield problem(
            "plugins",
            "None found, not even AutoLoop's own.",
            "Install the package: pip install -e . (in a clone)",
        )


def _health(runtime: Runtime) -> Iterator[Finding]:
    """The checks that the rooms registered, but for those made above in more detail."""
    for name, check in runtime.registrations.health_checks.items():
        if name in ("database", "redis"):
            continue
        made: Callable[..., dict[str, Any]] = check
        try:
            said = made(runtime)
        except Exception as error:
            yield problem(name, f"The check failed: {str(error).splitlines()[0]}", "See the findings above.")
            continue
        advice = "Start one: autoloop scheduler" if name == "scheduler" else "See docs/how-to/deploy.md."
        if said["ok"]:
            yield ok(name, said["message"])
        else:
            yield (problem if said.get("needed") else warning)(name, said["message"], advice)
