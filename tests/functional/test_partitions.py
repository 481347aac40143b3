"""Months past their time leave whole; what unfinished runs still need stays; strays are told of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, create_engine, text

from autoloop.base.ids import id_floor
from autoloop.cli.partitions import command
from autoloop.engine.explain.runs import FORGOTTEN, RunStory
from autoloop.engine.partitions import KINDS, TABLES, check, drop_old, listed
from autoloop.settings import Settings
from tests.factories import make_tenant
from tests.functional.engine_world import World, engine_only

START = datetime(2020, 3, 1, tzinfo=UTC)
MAKE = "create table {name} partition of {parent} for values from ('{first}') to ('{beyond}')"
STEP = text("""
insert into run_steps (workspace_id, run_id, seq, node, type, visit, position, outcome, entered_at, at)
select :w, :run, n, 's', 'wait', 1, 1, 'next', now(), now() from generate_series(1, 5) n""")
GRAPH = {"nodes": [{"id": "s", "type": "wait", "config": {"amount": 1}}], "edges": [], "settings": {}}


@pytest.fixture
def owner(postgres, database) -> Iterator[Engine]:
    engine = create_engine(postgres.dsn("autoloop_owner", database, driver="psycopg"))
    yield engine
    with engine.begin() as connection:
        connection.execute(text("update partition_turns set due_at = now()"))
    engine.dispose()


@pytest.fixture
def world(runtime, owner) -> World:
    return World(runtime, make_tenant(runtime).id)


def month(owner: Engine, parent: str, at: datetime) -> str:
    name = f"{parent}_{at:%Y_%m}"
    beyond = (at + timedelta(days=32)).replace(day=1)
    with owner.begin() as connection:
        connection.execute(
            text(MAKE.format(name=name, parent=parent, first=id_floor(at), beyond=id_floor(beyond)))
        )
    return name


def begun(world: World, owner: Engine, workflow: UUID, at: datetime, status: str, days_ago: int) -> UUID:
    """A run that began long ago, with five lines of journal."""
    key = UUID(int=id_floor(at + timedelta(days=3)).int + uuid4().int % 2**40)
    ended = datetime.now(UTC) - timedelta(days=days_ago) if status == "completed" else None
    with owner.begin() as connection:
        connection.execute(
            text("""
            insert into workflow_runs (workspace_id, id, workflow_id, version_id, contact_id, started_as, entry_key,
              status, positions, visits, variables, steps, due_at, ended_at, started_at)
            select :w, :run, workflow_id, id, :contact, :contact, cast(:run as text), :status, '[]', '{}', '{}', 5,
              null, :ended, :at from workflow_versions where workflow_id = :workflow"""),
            {
                "w": world.workspace_id,
                "run": key,
                "contact": world.contacts()[0],
                "status": status,
                "ended": ended,
                "at": at,
                "workflow": workflow,
            },
        )
        connection.execute(STEP, {"w": world.workspace_id, "run": key})
    return key


def standing(runtime) -> set[str]:
    return {each.name for each in listed(runtime) if each.is_over}


def drop_all(runtime) -> None:
    while drop_old(runtime):
        pass


def test_months_past_their_time_leave_and_what_goes_on_keeps_its_journal(runtime, owner, world) -> None:
    workflow = world.workflow(GRAPH)
    ended, mixed = (month(owner, "run_steps", START.replace(month=n)) for n in (3, 4))
    fresh = month(owner, "run_steps", START.replace(month=5))
    events = month(owner, "events", START)
    gone = begun(world, owner, workflow, START, "completed", 400)
    also_gone = begun(world, owner, workflow, START.replace(month=4), "completed", 400)
    paused = begun(world, owner, workflow, START.replace(month=4), "paused", 0)
    just_ended = begun(world, owner, workflow, START.replace(month=5), "completed", 3)
    assert standing(runtime) == {ended, mixed, fresh, events}
    drop_all(runtime)
    assert standing(runtime) == {mixed, fresh}
    lines = {run: world.path(run) for run in (gone, also_gone, paused, just_ended)}
    assert lines == {gone: [], also_gone: [], paused: ["s:next"] * 5, just_ended: ["s:next"] * 5}
    with owner.begin() as connection:  # the day after: nothing is thinned twice in a month
        connection.execute(text("update partition_turns set due_at = now()"))
    assert drop_old(runtime) == 0
    assert world.path(paused) == ["s:next"] * 5
    with runtime.unit("web", world.workspace_id) as services:
        stories = [services(RunStory).find(run)["sentences"] for run in (gone, paused)]
    assert FORGOTTEN in stories[0] and FORGOTTEN not in stories[1]
    assert all(not partition.is_over for partition in listed(runtime) if partition.table == "events")


def test_a_mail_whose_fate_is_unknown_keeps_its_attempts(runtime, owner, world) -> None:
    kept = month(owner, "email_attempts", START)
    keys = [UUID(int=id_floor(START).int + n) for n in (1, 2)]
    with owner.begin() as connection:
        for key, status in zip(keys, ("unknown", "delivered"), strict=True):
            values = {"w": world.workspace_id, "id": key, "status": status}
            connection.execute(
                text("""insert into email_logs (workspace_id, id, send_key, kind, status, to_address, due_at)
                values (:w, :id, cast(:id as text), 'test', :status, 'a@b.example', now())"""),
                values,
            )
            connection.execute(
                text(
                    "insert into email_attempts (workspace_id, email_id, n, fence) values (:w, :id, 1, 1), (:w, :id, 2, 2)"
                ),
                {"w": world.workspace_id, "id": key},
            )
    drop_all(runtime)
    assert kept in standing(runtime)
    assert [world.count("email_attempts", f"email_id = '{key}'") for key in keys] == [2, 0]


def test_for_ever_drops_nothing_and_looks_again_tomorrow(settings, owner) -> None:
    name = month(owner, "events", START.replace(year=2019))
    given = {key: getattr(settings, key) for key in Settings.__dataclass_fields__} | {"journal_months": 0}
    held = engine_only(Settings(**given))
    drop_all(held)
    with owner.connect() as connection:
        assert connection.execute(text("select to_regclass(:name) is not null"), {"name": name}).scalar()
        assert not connection.execute(text(KINDS[1].probe)).scalar()
    held.dispose()


def test_whoever_is_writing_is_waited_for_another_time(runtime, owner, world) -> None:
    name = month(owner, "run_steps", START.replace(month=8))
    with runtime.unit("worker") as services:
        services.session.execute(STEP, {"w": world.workspace_id, "run": uuid4()})
        assert drop_old(runtime) == 0
        services.session.rollback()
    assert name in standing(runtime)
    with owner.begin() as connection:
        soon = "select due_at between now() and now() + interval '61 s' from partition_turns"
        assert connection.execute(text(soon)).scalar()
        connection.execute(text("update partition_turns set due_at = now()"))
    drop_all(runtime)
    assert name not in standing(runtime)


def test_rows_outside_every_month_are_told_of(runtime, owner, world) -> None:
    assert check(runtime)["ok"]
    with owner.begin() as connection:
        connection.execute(STEP, {"w": world.workspace_id, "run": UUID(int=5)})
    told = check(runtime)
    assert not told["ok"] and not told["needed"]
    assert "run_steps_default" in told["message"]
    with owner.begin() as connection:
        connection.execute(text("delete from run_steps_default"))


def test_the_command_shows_the_months_and_drops_at_once(runtime, owner, tmp_path, monkeypatch) -> None:
    name = month(owner, "run_steps", START.replace(month=11))
    ini = tmp_path / "test.ini"
    ini.write_text("[app:main]\nuse = egg:autoloop\n")
    for each in fields(Settings):
        value = getattr(runtime.settings, each.name)
        written = " ".join(value) if isinstance(value, tuple) else str(value)
        monkeypatch.setenv(f"AUTOLOOP_{each.name.upper()}", written)
    answer = CliRunner().invoke(command, ["--config", str(ini), "--drop", "--json"], catch_exceptions=False)
    told = json.loads(answer.output)
    assert name in told["dropped"]
    assert {each["table"] for each in told["partitions"]} == set(TABLES)


def test_nobody_drops_this_month(runtime) -> None:
    with runtime.unit("worker") as services:
        assert services.session.execute(text("select autoloop_drop_partition('2100-01-01')")).scalar() is None


def test_a_deleted_workspace_leaves_no_journal_and_others_theirs(runtime, owner, world) -> None:
    other = World(runtime, make_tenant(runtime).id)
    now = datetime.now(UTC) - timedelta(days=3)
    for each in (world, other):
        begun(each, owner, each.workflow(GRAPH), now, "paused", 0)
    with owner.begin() as connection:
        connection.execute(text("delete from workspaces where id = :w"), {"w": world.workspace_id})
    assert (world.count("run_steps"), other.count("run_steps")) == (0, 5)
