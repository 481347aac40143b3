"""What migrations make is what the models say, and an old database can be brought up."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text

from autoloop.base.db import Base
from autoloop.base.migrate import MigrationError, current, head, import_models, migrate
from tests.conftest import ROLES


def test_models_and_migrations_agree(postgres, database) -> None:
    import_models()
    engine = create_engine(postgres.dsn("autoloop_owner", database, driver="psycopg"))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_object": not_a_partition}
        )
        differences = compare_metadata(context, Base.metadata)
    engine.dispose()
    assert differences == []


def not_a_partition(_object, name, kind, reflected, compare_to) -> bool:
    """Partitions are made by time, not by models; what stands only in the database is one, or is wrong."""
    if kind == "table" and reflected and compare_to is None:
        return not any(name.startswith(f"{parent}_") for parent in PARENTS)
    return True


PARENTS = ("events", "run_steps", "email_attempts")


def test_migrating_twice_changes_nothing(postgres, database) -> None:
    urls = [postgres.dsn(role, database, driver="psycopg") for role in ROLES]
    assert migrate(*urls) == (head(), head())


def test_a_database_that_cannot_be_reached_is_a_sentence(postgres) -> None:
    with pytest.raises(MigrationError, match=r"refused|does not exist"):
        migrate(*(postgres.dsn(role, "no_such_database", driver="psycopg") for role in ROLES))


def test_partitions_reach_six_months_ahead_and_the_default_is_empty(postgres, database) -> None:
    engine = create_engine(postgres.dsn("autoloop_owner", database, driver="psycopg"))
    with engine.connect() as connection:
        assert current(connection) == head()
        for parent in PARENTS:
            count = connection.execute(
                text("select count(*) from pg_inherits where inhparent = cast(:parent as regclass)"),
                {"parent": parent},
            ).scalar_one()
            assert count >= 8, parent
            assert connection.execute(text(f"select count(*) from {parent}_default")).scalar_one() == 0
    engine.dispose()


MANY = "array['business_contacts', 'businesses', 'workflow_runs', 'email_logs']::regclass[]"
# An index helps that begins with the key's columns, or with one other than the workspace.
UNINDEXED = f"""
select c.conname from pg_constraint c
where c.contype = 'f' and c.conparentid = 0 and c.confrelid = any({MANY}) and not exists (
  select from pg_index i where i.indrelid = c.conrelid and (i.indkey::int2[])[0] = any(c.conkey)
    and ((i.indkey::int2[])[1] = any(c.conkey) or (i.indkey::int2[])[0] <> c.conkey[1]))"""


def test_what_is_deleted_in_sets_is_found_by_those_that_refer_to_it(postgres, database) -> None:
    """Without an index a foreign key reads its whole table for each row that goes."""
    engine = create_engine(postgres.dsn("autoloop_owner", database, driver="psycopg"))
    with engine.connect() as connection:
        assert connection.execute(text(UNINDEXED)).scalars().all() == []
    engine.dispose()
