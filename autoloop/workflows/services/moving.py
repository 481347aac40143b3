"""Runs that go on in another version: who would go where, and the job that takes them there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from autoloop.base.errors import Conflict, Invalid, NotFound
from autoloop.base.i18n import _
from autoloop.base.services import Service
from autoloop.engine.models import BulkJob, WorkflowVersion
from autoloop.engine.moving import Place, Route, route_between
from autoloop.engine.services.bulk import Bulk
from autoloop.engine.services.workflows import WorkflowStatus

__all__ = ["REASONS", "Moving"]

REASONS = {
    "no_step_to_go_to": _("no step to go to"),
    "its_email_is_under_way": _("its email is under way, and only a step that sends can hear of it"),
    "its_answer_is_under_way": _(
        "an answer from outside is under way, and only the same kind of step takes it"
    ),
    "its_other_run_is_under_way": _("it waits for another run, and only the same kind of step can"),
    "its_other_ways_are_under_way": _("it waits for its other ways, and only a merge can"),
    "its_list_is_gone": _("it is in a list that the other version does not have"),
    "other_status": _("it has ended or moved meanwhile"),
}

MOST_SHAPES = 10_000

# Runs that stand alike, counted together: their places say all that decides whether they can go.
STANDING = text("""
select r.version_id, p.places, count(*) as runs from workflow_runs r cross join lateral (
  select jsonb_agg(jsonb_build_array(e -> 'node', e -> 'wait' -> 'kind', jsonb_path_query_array(e, '$.loops[*][0]'))) places
  from jsonb_array_elements(r.positions) e) p
where r.workspace_id = :workspace and r.version_id = any(cast(:versions as uuid[])) and r.ended_at is null
  and not r.is_test group by r.version_id, p.places limit :most
""")


@dataclass(frozen=True, slots=True)
class Sides:
    """The versions that runs come from, and the one they go to."""

    sources: Mapping[UUID, Any]
    target: Any


class Moving(Service):
    def plan(
        self, workflow_id: UUID, to: int, source: int | None, given: Mapping[str, str | None]
    ) -> dict[str, Any]:
        """Who would go where: {"from", "to", "runs", "moves", "stays", "places", "left"}. Changes nothing.

        `source` None means all other versions. `given` maps node ids to node ids of version `to`, or to None
        for "stay"; what it does not name goes to the node with the same id and type. `places` are {"version",
        "node", "type", "to", "to_type", "count"}, `left` {"version", "node", "reason", "count"}; a run that
        stands in several places counts in each, a run that stays once. Raises NotFound, Invalid.
        """
        sides = self._sides(workflow_id, to, source)
        _check_map(sides, given)
        routes = {
            id: route_between(row.graph, sides.target.graph, given) for id, row in sides.sources.items()
        }
        places: dict[tuple[UUID, str], int] = {}
        left: dict[tuple[UUID, str, str], int] = {}
        runs = stays = 0
        for version, shape, count in self._standing(sides):
            held = _read(shape)
            runs += count
            refused = routes[version].refusal(held)
            if refused is not None:
                reason, node = refused
                stays += count
                left[version, node, reason] = left.get((version, node, reason), 0) + count
                continue
            for place in held:
                places[version, place.node] = places.get((version, place.node), 0) + count
        return {
            "from": source,
            "to": to,
            "runs": runs,
            "moves": runs - stays,
            "stays": stays,
            "places": [_place(sides, routes[id], id, node, count) for (id, node), count in places.items()],
            "left": [
                {"version": sides.sources[id].number, "node": node, "reason": reason, "count": count}
                for (id, node, reason), count in left.items()
            ],
        }

    def move(
        self, workflow_id: UUID, to: int, source: int | None, given: Mapping[str, str | None]
    ) -> BulkJob:
        """Begin to move them, part by part, as due work. Raises as `plan`, and Conflict if it is archived."""
        workflow = self.services(WorkflowStatus).hold(workflow_id)
        if workflow.status == "archived":
            raise Conflict(_("This workflow is archived: its runs have ended."), code="WORKFLOW_ARCHIVED")
        sides = self._sides(workflow_id, to, source)
        _check_map(sides, given)
        filter: dict[str, Any] = {"workflow_id": str(workflow_id)}
        if source is not None:
            filter["version"] = source
        return self.services(Bulk).move(filter, sides.target.id, given)

    def steps(self, workflow_id: UUID, source: int | None, to: int) -> dict[str, str]:
        """Nodes of the versions that runs come from: id → type."""
        sides = self._sides(workflow_id, to, source)
        return {node["id"]: node["type"] for row in sides.sources.values() for node in row.graph["nodes"]}

    def _standing(self, sides: Sides) -> list[Any]:
        values = {"workspace": self.workspace_id, "versions": list(sides.sources), "most": MOST_SHAPES}
        return list(self.session.execute(STANDING, values))

    def _sides(self, workflow_id: UUID, to: int, source: int | None) -> Sides:
        rows = self.session.execute(
            select(WorkflowVersion.id, WorkflowVersion.number, WorkflowVersion.graph).where(
                WorkflowVersion.workspace_id == self.workspace_id,
                WorkflowVersion.workflow_id == workflow_id,
                WorkflowVersion.number > 0,
            )
        ).all()
        target = next((row for row in rows if row.number == to), None)
        if target is None:
            raise NotFound
        sources = {row.id: row for row in rows if row.number == (source or row.number) and row.number != to}
        if source is not None and not sources:
            raise Invalid(details={"from": [_("Give the number of another version, or leave it out.")]})
        return Sides(sources, target)


def _check_map(sides: Sides, given: Mapping[str, str | None]) -> None:
    before = {node["id"] for row in sides.sources.values() for node in row.graph["nodes"]}
    after = {node["id"] for node in sides.target.graph["nodes"]}
    wrong: dict[str, list[Any]] = {}
    for node, target in given.items():
        if node not in before:
            wrong[f"map.{node[:64]}"] = [_("No version that runs come from has this step.")]
        elif target is not None and target not in after:
            wrong[f"map.{node[:64]}"] = [_("The version that they go to does not have this step.")]
    if wrong:
        raise Invalid(details=wrong)


def _read(shape: Any) -> list[Place]:
    return [
        Place(node, wait, tuple(key.rpartition(":")[0] for key in loops)) for node, wait, loops in shape or ()
    ]


def _place(sides: Sides, route: Route, version: UUID, node: str, count: int) -> dict[str, Any]:
    target = route.nodes[node]
    return {
        "version": sides.sources[version].number,
        "node": node,
        "type": route.before[node],
        "to": target,
        "to_type": route.after[target],
        "count": count,
    }
