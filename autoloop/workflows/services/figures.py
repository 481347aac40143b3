"""Figures of a workflow: runs by status, who stands where, what left by which port."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text

from autoloop.base.i18n import _
from autoloop.base.services import Service, Services
from autoloop.engine.models import RUN_STATUSES

__all__ = ["Figures", "overview"]

MOST_FOLLOWED = 20_000
"""Runs whose ways are counted, the newest ones: journals grow without end, and a page may not."""

LIVE = text(
    "select count(*) filter (where is_active), count(*) from automation_workflows where workspace_id = :workspace and status <> 'archived'"
)

STATUSES = text("""
select status, count(*) from workflow_runs
where workspace_id = :workspace and workflow_id = :workflow and not is_test group by status""")

STANDING = text("""
select place ->> 'node' node, count(*) here
from workflow_runs run cross join lateral jsonb_array_elements(run.positions) place
where run.workspace_id = :workspace and run.workflow_id = :workflow and not run.is_test and run.ended_at is null
group by 1""")

LEFT = text("""
select step.node, step.port, count(*) from (
  select workspace_id, id from workflow_runs
  where workspace_id = :workspace and workflow_id = :workflow and not is_test order by id desc limit :most) run
join run_steps step on step.run_id = run.id and step.workspace_id = run.workspace_id
where step.port is not null group by 1, 2""")


class Figures(Service):
    def of(self, workflow_id: UUID) -> dict[str, Any]:
        """{"total", "runs": {status: n}, "followed", "nodes": {node: {"here": n, "left": {port: n}}}}; test runs
        do not count, and `left` is of as many of the newest runs as `followed` says. Three statements, whatever
        the number of runs."""
        runs = self.runs(workflow_id)
        nodes: dict[str, dict[str, Any]] = {}

        def node(name: str) -> dict[str, Any]:
            return nodes.setdefault(name, {"here": 0, "left": {}})

        for name, here in self._ask(STANDING, workflow_id):
            node(name)["here"] = here
        for name, port, count in self._ask(LEFT, workflow_id):
            node(name)["left"][port] = count
        total = sum(runs.values())
        return {"total": total, "runs": runs, "followed": min(total, MOST_FOLLOWED), "nodes": nodes}

    def runs(self, workflow_id: UUID) -> dict[str, int]:
        """How many runs there are of each status."""
        counted = dict(self._ask(STATUSES, workflow_id))
        return {status: counted.get(status, 0) for status in RUN_STATUSES}

    def _ask(self, statement: Any, workflow_id: UUID) -> Any:
        values = {"workspace": self.workspace_id, "workflow": workflow_id, "most": MOST_FOLLOWED}
        return self.session.execute(statement, values).all()


def overview(services: Services) -> list[dict[str, Any]]:
    """Figures for the workspace's first page."""
    live, total = services.session.execute(LIVE, {"workspace": services.workspace_id}).one()
    note = _("of ${total}", mapping={"total": f"{total:,}"}).interpolate()
    return [{"title": _("Live workflows"), "value": live, "note": note, "path": "workflows"}]
