"""Parents of test runs see what their children would have changed: read when a child's end reaches them."""

from __future__ import annotations

from typing import Any

from psycopg import Cursor

from autoloop.engine.advance.claim import Claimed, ids
from autoloop.engine.trying import after_child
from autoloop.engine.turns import Stimulus

__all__ = ["hear_children"]

DONE = """
select r.parent_run_id::text, r.variables #> '{test,done}' from workflow_runs r
join unnest(%(tenants)s::uuid[], %(runs)s::uuid[]) u(tenant, run) on r.workspace_id = u.tenant and r.id = u.run
where r.is_test and r.variables #> '{test,done}' is not null order by r.ended_at
"""


def hear_children(cursor: Cursor[Any], runs: list[Claimed], told: dict[str, list[Stimulus]]) -> None:
    """Lay over what each test run would have changed what its children did that have just ended."""
    parents = {run.id: run for run in runs if run.is_test and run.id in told}
    ended = [
        (run.workspace_id, each.payload["data"]["run_id"])
        for run in parents.values()
        for each in told[run.id]
        if each.kind == "child" and "status" in each.payload["data"]
    ]
    if not ended:
        return
    values = {"tenants": ids(key[0] for key in ended), "runs": ids(key[1] for key in ended)}
    cursor.execute(DONE, values)
    for parent, done in cursor.fetchall():
        variables = parents[parent].variables
        variables["test"] = after_child(variables["test"], done)
