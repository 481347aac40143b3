"""Places of runs and events in the tree."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from pyramid.location import lineage

from autoloop.engine.services.runs import Runs as RunService
from autoloop.web.tree import Collection, Node, Row

__all__ = ["Events", "Run", "Runs", "Steps"]


class Run(Row):
    """One contact going through one version."""

    def load(self) -> Any | None:
        return self.request.services(RunService).shown(self.id, self.__parent__.workflow_id)  # type: ignore[union-attr]

    @property
    def etag(self) -> str | None:
        return None  # a run moves by itself: what was read of it is no ground for refusing a change


class Runs(Collection):
    """Runs of the workspace or, below a workflow, of that workflow."""

    row_node: ClassVar[type[Row]] = Run

    @property
    def workflow_id(self) -> UUID | None:
        for node in lineage(self.__parent__):
            found: UUID | None = getattr(node, "workflow_id", None)
            if found is not None:
                return found
        return None


class Steps(Node):
    """The journal of a run."""

    @property
    def run(self) -> Any:
        return self.__parent__.row  # type: ignore[union-attr]


class Events(Node):
    """The inbox of the workspace."""
