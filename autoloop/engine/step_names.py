"""What people call a step: its note, else what its type says of its settings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from autoloop.engine.graph import parse
from autoloop.engine.graph.check import read_node
from autoloop.engine.graph.parsed import Node
from autoloop.engine.models import WorkflowVersion
from autoloop.plugins import Registry

__all__ = ["StepName", "names_in_versions", "step_names"]

MOST = 80
ICONS = {
    "ab_split": "split", "branch": "git-branch", "switch": "git-branch", "fork": "git-branch", "goal": "flag",
    "stop": "octagon-x", "wait_until": "calendar", "update_contact": "pencil", "for_each": "list", "emit_event": "zap",
}  # fmt: skip
DRAWN = frozenset(
    [
        "bell",
        "building-2",
        "calendar",
        "clock",
        "filter",
        "flag",
        "git-branch",
        "globe",
        "hourglass",
        "list",
        "mail",
        "message-circle",
        "octagon-x",
        "pencil",
        "search",
        "split",
        "square",
        "tag",
        "timer",
        "user-pen",
        "webhook",
        "workflow",
        "zap",
    ]
)


@dataclass(frozen=True, slots=True)
class StepName:
    """`title` names the step; `line` says what it does, where that says more."""

    title: str
    line: str = ""
    icon: str = "activity"
    type: str = ""


def step_names(graph: Any, plugins: Registry, wanted: Collection[str] | None = None) -> dict[str, StepName]:
    """Node id → its name; of all nodes, or of those wanted. Any graph will do, and missing plugins too."""
    parsed, _problems = parse(graph)
    nodes: Iterable[Node] = parsed.nodes.values()
    return {node.id: _name(node, plugins) for node in nodes if wanted is None or node.id in wanted}


def _name(node: Node, plugins: Registry) -> StepName:
    known = plugins.step(node.type)
    title = str(known.title) if known is not None else node.type
    try:
        step, config = read_node(node, plugins)
        line = step.summary(config)
    except Exception:  # settings that no longer fit, or a plugin of any quality
        line = ""
    icon = ICONS.get(node.type) or str(getattr(known, "icon", ""))
    icon = icon if icon in DRAWN else "activity"
    note = node.note.strip().partition("\n")[0][:MOST]
    said = line if line and line != title else ""
    if note:
        return StepName(note, said or title, icon, title)
    return StepName(said or title, title if said else "", icon, title)


def names_in_versions(
    session: Session, workspace: UUID, plugins: Registry, wanted: Mapping[UUID, Collection[str]]
) -> dict[tuple[UUID, str], StepName]:
    """(version id, node id) → name, for nodes of several versions: one statement."""
    query = select(WorkflowVersion.id, WorkflowVersion.graph).where(
        WorkflowVersion.workspace_id == workspace, WorkflowVersion.id.in_(list(wanted))
    )
    return {
        (version, node): name
        for version, graph in session.execute(query)
        for node, name in step_names(graph, plugins, wanted[version]).items()
    }
