"""Places of runs and events in the tree: /w/{workspace}/runs/{id}/steps, below a workflow too."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from autoloop.engine.services.bulk import Bulk
from autoloop.engine.services.enrolments import Enrolments as EnrolmentService
from autoloop.engine.services.runs import Runs as RunService
from autoloop.web.tree import Collection, Node, Row

__all__ = ["Enrolment", "Enrolments", "Events", "Job", "Jobs", "Run", "Runs", "Steps"]


class Run(Row):
    """One contact going through one version."""

    def load(self) -> Any | None:
        runs = self.__parent__
        assert isinstance(runs, Runs)
        return self.request.services(RunService).find(self.id, runs.workflow_id)


class Runs(Collection):
    """Runs, of the workspace or of the workflow it hangs below."""

    row_node = Run

    @property
    def workflow_id(self) -> UUID | None:
        found: UUID | None = getattr(self.__parent__, "workflow_id", None)
        return found

    def guard(self) -> None:
        if self.workflow_id is not None:
            assert isinstance(self.__parent__, Row)
            _ = self.__parent__.row  # there only if the workflow is


class Steps(Node):
    """The journal of a run, in order."""

    def guard(self) -> None:
        assert isinstance(self.__parent__, Run)
        _ = self.__parent__.row


class Events(Node):
    """The inbox: what happened to contacts."""


class Enrolment(Row):
    """One set of contacts on its way into a workflow."""

    def load(self) -> Any | None:
        return self.request.services(EnrolmentService).find(self.id)


class Enrolments(Collection):
    """Large enrolments of the workspace."""

    row_node = Enrolment


class Job(Row):
    """One act on many runs."""

    def load(self) -> Any | None:
        found = self.request.services(Bulk).find(self.id)
        assert isinstance(self.__parent__, Jobs)
        return (
            found if found is not None and self.__parent__.workflow_id in (None, found.workflow_id) else None
        )


class Jobs(Collection):
    """Acts on many runs, of the workspace or of the workflow above."""

    row_node = Job

    @property
    def workflow_id(self) -> UUID | None:
        assert isinstance(self.__parent__, Runs)
        return self.__parent__.workflow_id
