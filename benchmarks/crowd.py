"""Crowds of runs made as the owner, in one statement: what an installation holds after years."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psutil
import psycopg

from autoloop.base.ids import new_id
from autoloop.engine.models import Workflow
from autoloop.engine.services import enrolment
from benchmarks.executions import live
from benchmarks.stand import Stand

__all__ = ["clear", "neighbour", "plant", "pss", "waiting_workflow"]

# uuid7s made by PostgreSQL, ten of a millisecond, up to now: in the order of `n`, as enrolment makes them.
UUID7 = """(lpad(to_hex(floor(extract(epoch from now()) * 1000)::bigint - (%(count)s - n) / 10), 12, '0') || '7' ||
  substr(md5(random()::text || n), 1, 3) || '8' || substr(md5(n || random()::text), 1, 15))::uuid"""

PART = 20_000
PLANT = f"""
insert into workflow_runs (workspace_id, id, workflow_id, version_id, contact_id, started_as, entry_key, status,
  positions, visits, variables, steps, due_at)
select r.workspace_id, {UUID7}, r.workflow_id, r.version_id, c.id, c.id, 'crowd:' || n || %(stamp)s, 'waiting',
  jsonb_set(r.positions, '{{{{0,wait,until}}}}', to_jsonb({{due}})), r.visits, r.variables, r.steps, {{due}}
from workflow_runs r cross join generate_series(%(first)s::int, %(last)s::int) n
join unnest(%(contacts)s::uuid[]) with ordinality c(id, place) on c.place = 1 + n %% cardinality(%(contacts)s::uuid[])
where r.id = %(like)s"""


def waiting_workflow(standing: Stand, contact: UUID) -> tuple[Workflow, UUID]:
    """A live workflow of one wait of years, and a run that stands in it."""
    graph: dict[str, Any] = {
        "schema": 1,
        "nodes": [
            {
                "id": "w",
                "type": "wait",
                "config_version": 1,
                "config": {"amount": 3000, "unit": "days"},
                "position": {"x": 0, "y": 0},
                "note": "",
            }
        ],
        "edges": [],
        "settings": {"reentry": "always", "start": "w"},
    }
    with standing.runtime.unit("web", standing.workspace_id) as services:
        workflow = live(services, standing, graph)
        enrolment.enrol(services, workflow.id, [contact])
    while standing.runtime.registrations.due_kinds["advance"].work(standing.runtime):
        pass
    with psycopg.connect(standing.owner_dsn(), autocommit=True) as owner:
        row = owner.execute("select id from workflow_runs where workflow_id = %s", (workflow.id,)).fetchone()
    assert row is not None
    return workflow, row[0]


def plant(standing: Stand, like: UUID, contacts: list[UUID], count: int, due: str = "now()") -> None:
    """`count` runs that stand where `like` stands, due at the SQL expression `due` over `n` from 1 on."""
    values = {"like": like, "count": count, "contacts": contacts, "stamp": str(new_id())}
    with psycopg.connect(standing.owner_dsn(), autocommit=True) as owner:
        # In parts: rows not yet committed lie in everybody's way at the front of the index of what is due.
        for first in range(1, count + 1, PART):
            part = {"first": first, "last": min(first + PART - 1, count)}
            owner.execute(PLANT.format(due=due), values | part)


def clear(standing: Stand, like: UUID) -> None:
    """Forget all runs but `like`, and the whole journal."""
    with psycopg.connect(standing.owner_dsn(), autocommit=True) as owner:
        owner.execute("delete from workflow_runs where id <> %s", (like,))
        owner.execute("truncate run_steps")
        owner.execute("vacuum analyze workflow_runs")


def neighbour(standing: Stand, number: int) -> Stand:
    """Another workspace on the same stand."""
    key = new_id()
    with psycopg.connect(standing.owner_dsn(), autocommit=True) as owner:
        owner.execute(
            "insert into workspaces (id, slug, name, postal_address) values (%s, %s, 'Next door', '2 Main Street')",
            (key, f"next-{number}"),
        )
        owner.execute(
            "insert into members (workspace_id, user_id, role) values (%s, %s, 'owner')",
            (key, standing.user_id),
        )
    return Stand(standing.postgres, standing.settings, standing.runtime, key, standing.user_id)


def pss(pid: int) -> float:
    """Proportional memory of a process and all its children, in MiB."""
    total = 0
    parent = psutil.Process(pid)
    for process in (parent, *parent.children(recursive=True)):
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total / 2**20
