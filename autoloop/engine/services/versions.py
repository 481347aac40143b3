"""Versions: what publishing adds, and never changes."""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import func, select

from autoloop.base.errors import Invalid
from autoloop.base.services import Services
from autoloop.engine.graph import check
from autoloop.engine.models import Workflow, WorkflowVersion
from autoloop.plugins.registry import Registry

__all__ = ["add", "checksum", "refuse_problems"]


def checksum(graph: Any) -> str:
    """A hash of what a graph means: equal graphs have equal ones, whatever the order of their keys."""
    return sha256(orjson.dumps(graph, option=orjson.OPT_SORT_KEYS)).hexdigest()


def refuse_problems(services: Services, graph: Any) -> None:
    """Raise Invalid, with a message per place, if the graph may not be published."""
    problems = check(graph, services.registrations.plugins)
    if not problems:
        return
    details: dict[str, list[str]] = {}
    for problem in problems:
        place = ".".join(part for part in (problem.node and f"nodes.{problem.node}", problem.field) if part)
        details.setdefault(place or "graph", []).append(problem.message)
    raise Invalid("This workflow cannot run yet. See the details.", code="GRAPH_INVALID", details=details)


def stamped(graph: dict[str, Any], plugins: Registry) -> dict[str, Any]:
    """The graph with the version of its step's settings at each node that names none: today's.

    A later release of the step then knows what it has to bring up to date.
    """

    def marked(node: dict[str, Any]) -> dict[str, Any]:
        step = plugins.step(node["type"])
        if step is None or node.get("config_version") is not None:
            return node
        return {**node, "config_version": step.config_version}

    return {**graph, "nodes": [marked(node) for node in graph["nodes"]]}


def add(
    services: Services,
    workflow: Workflow,
    graph: dict[str, Any],
    *,
    triggers: list[Any] | None = None,
    published_by: UUID | None = None,
    note: str = "",
) -> WorkflowVersion:
    """Add the next version of a workflow and make it the one that new runs take.

    Graph and triggers equal to the latest version's give that version. Raises Invalid with the graph's problems.
    The caller holds the workflow's row lock or accepts that two at once conflict.
    """
    refuse_problems(services, graph)
    graph = stamped(graph, services.registrations.plugins)
    session = services.session
    mark = checksum(graph)
    latest = session.scalars(
        select(WorkflowVersion)
        .where(
            WorkflowVersion.workspace_id == workflow.workspace_id,
            WorkflowVersion.workflow_id == workflow.id,
            WorkflowVersion.number > 0,
        )
        .order_by(WorkflowVersion.number.desc())
        .limit(1)
    ).first()
    same = latest is not None and latest.checksum == mark
    if latest is not None and same and (None in (triggers, latest.triggers) or latest.triggers == triggers):
        version = latest
    else:
        version = WorkflowVersion(
            workspace_id=workflow.workspace_id,
            workflow_id=workflow.id,
            number=latest.number + 1 if latest is not None else 1,
            graph=graph,
            **({} if triggers is None else {"triggers": triggers}),  # else SQL null, not JSON null
            checksum=mark,
            published_by=published_by,
            note=note,
            published_at=func.now(),
        )
        session.add(version)
        session.flush()
    workflow.live_version_id = version.id
    session.flush()
    return version
