"""How a migration runs: alone (advisory lock), patiently but not forever (timeouts), in one transaction each."""

from alembic import context
from sqlalchemy import create_engine, pool, text

from autoloop.base.db import Base
from autoloop.base.migrate import LOCK, import_models

import_models()
settings = context.config.attributes


def run(connection) -> None:
    connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})
    connection.execute(text("set local lock_timeout = '10s'"))
    connection.execute(text("set local statement_timeout = '15min'"))
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    context.run_migrations()


if context.is_offline_mode():
    context.configure(dialect_name="postgresql", target_metadata=Base.metadata, literal_binds=True)
    context.run_migrations()
elif "connection" in settings:
    run(settings["connection"])
else:
    engine = create_engine(settings["url"], poolclass=pool.NullPool)
    with engine.begin() as connection:
        run(connection)
