"""Bringing a database to this version's tables; the roles it needs first."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, make_url, pool, text
from sqlalchemy.exc import DBAPIError

from autoloop.base.scripts import migrations

__all__ = ["LOCK", "MigrationError", "current", "head", "import_models", "migrate", "role_statements"]

LOCK = 0x4175_746F  # "Auto": one migration at a time in a database

ROOMS = ("base", "web", "accounts", "workspaces", "businesses", "engine", "mail", "workflows")


class MigrationError(Exception):
    """The database cannot be migrated; the message says what to do."""


def import_models() -> None:
    """Make every table known to the metadata."""
    for room in ROOMS:
        name = f"autoloop.{room}.models"
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name)


def script_folder() -> Path:
    """Where the migrations are. Raises MigrationError if they are nowhere."""
    found = migrations()
    if found is None:
        raise MigrationError("The migrations are missing from this installation. Install AutoLoop again.")
    return found


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(script_folder()))
    return config


def head() -> str:
    """The newest migration of this version of AutoLoop."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def current(connection: Connection) -> str | None:
    """The migration this database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def migrate(
    owner_url: str, web_url: str, worker_url: str, *, revision: str = "head"
) -> tuple[str | None, str | None]:
    """Bring the database to `revision`. Returns where it was and where it is.

    Connects as the owner; makes the serving roles where it may. Raises MigrationError with the
    statements to run where it may not. Nothing is half done: the whole step is one transaction.
    """
    engine = create_engine(owner_url, poolclass=pool.NullPool, connect_args={"connect_timeout": 10})
    try:
        with engine.begin() as connection:
            _see_to_roles(connection, web_url, worker_url)
            config = _config()
            config.attributes["connection"] = connection
            before = current(connection)
            command.upgrade(config, revision)
            return before, current(connection)
    except CommandError as error:
        raise MigrationError(str(error)) from error
    except DBAPIError as error:
        fault = "refused" if getattr(error.orig, "sqlstate", None) else "does not answer"
        raise MigrationError(f"The database {fault}: {str(error.orig).strip()}") from error
    finally:
        engine.dispose()


def role_statements(web_url: str, worker_url: str) -> list[str]:
    """What an administrator of the server runs once, if the owner may not create roles."""
    web, worker = make_url(web_url), make_url(worker_url)
    return [
        f"create role {web.username} login password '…';",
        f"create role {worker.username} login password '…';",
        f"grant {web.username} to {worker.username};",
    ]


def _see_to_roles(connection: Connection, web_url: str, worker_url: str) -> None:
    web, worker = make_url(web_url), make_url(worker_url)
    known = set(connection.execute(text("select rolname from pg_roles")).scalars())
    missing = [url for url in (web, worker) if url.username not in known]
    member = (
        not missing
        and connection.execute(
            text("select pg_has_role(cast(:worker as name), cast(:web as name), 'member')"),
            {"worker": worker.username, "web": web.username},
        ).scalar()
    )
    if member:
        return
    may = connection.execute(
        text("select rolcreaterole or rolsuper from pg_roles where rolname = current_user")
    ).scalar()
    if not may:
        statements = "\n  ".join(role_statements(web_url, worker_url))
        raise MigrationError(
            "The serving roles are missing and the owner may not create roles. "
            f"Run this once as an administrator of the server, then migrate again:\n  {statements}"
        )
    quote = connection.dialect.identifier_preparer.quote
    for url in missing:
        password = (url.password or "").replace("'", "''")
        secret = f" password '{password}'" if password else ""
        connection.exec_driver_sql(f"create role {quote(url.username or '')} login{secret}")
    connection.exec_driver_sql(f"grant {quote(web.username or '')} to {quote(worker.username or '')}")
