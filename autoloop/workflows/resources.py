"""Places of workflows in the tree: /w/{workspace}/workflows/{id} and what hangs below."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar
from uuid import UUID

from pyramid.decorator import reify

from autoloop.base.errors import NotFound
from autoloop.web.permissions import Permission
from autoloop.web.tree import Collection, Node, Row
from autoloop.workflows import services

__all__ = [
    "Draft",
    "Stats",
    "StepTypes",
    "TriggerTypes",
    "Triggers",
    "Version",
    "Versions",
    "Workflow",
    "Workflows",
]


class Workflow(Row):
    """A workflow, as the list shows it."""

    @property
    def workflow_id(self) -> UUID:
        return self.id

    def load(self) -> Any | None:
        return self.request.services(services.Workflows).row(self.id)

    def guard(self) -> None:
        """What hangs below is there only if the workflow is."""
        assert self.row is not None


class Workflows(Collection):
    """The workflows of the workspace."""

    row_node = Workflow


class Below(Node):
    """A place right below a workflow."""

    @property
    def workflow_id(self) -> UUID:
        assert isinstance(self.__parent__, Workflow)
        return self.__parent__.id


class Draft(Row):
    """The one draft of a workflow. Its entity tag is its revision."""

    def __init__(self, parent: Workflow, name: str) -> None:
        super().__init__(parent, name, parent.id)  # type: ignore[arg-type]

    def load(self) -> Any | None:
        return self.request.services(services.Drafts).of(self.id)

    @property
    def etag(self) -> str:
        return draft_tag(self.row)

    @property
    def may_be_edited(self) -> bool:
        """Is the person allowed to, and is the workflow not put away?"""
        assert isinstance(self.__parent__, Workflow)
        is_archived = self.__parent__.row.status == "archived"
        return not is_archived and self.request.has_permission(Permission.EDIT, self)


def draft_tag(draft: Any) -> str:
    return hashlib.sha256(f"{draft.id}:{draft.revision}".encode()).hexdigest()[:20]


class Version(Node):
    """A published version, by its number."""

    parameter: ClassVar = "number"

    @reify
    def row(self) -> Any:
        versions = self.__parent__
        assert isinstance(versions, Versions)
        row = self.request.services(services.Versions).numbered(versions.workflow_id, int(self.__name__))
        if row is None:
            raise NotFound
        return row


class Versions(Below):
    """What was published, newest first."""

    row_node: ClassVar = Version

    def member(self, name: str) -> Node:
        if not (name.isascii() and name.isdecimal()) or name.startswith("0") or len(name) > 9:
            raise KeyError(name)
        return Version(self, name)


class Triggers(Below):
    """What starts runs of the workflow since it was published last."""


class Stats(Below):
    """Figures of the workflow, counted when asked for."""


class StepTypes(Node):
    """Every step that a workflow may use here, with its form."""


class TriggerTypes(Node):
    """Every trigger that a workflow may have here, with its form."""
