"""Drafts: one per workflow, saved in any state of repair, checked on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from autoloop.base.errors import Conflict, NotFound, PreconditionFailed
from autoloop.base.i18n import _
from autoloop.base.services import Service
from autoloop.engine.graph import Problem
from autoloop.engine.models import Workflow
from autoloop.workflows.checking import check_draft
from autoloop.workflows.exchange import plain_json
from autoloop.workflows.models import WorkflowDraft

__all__ = ["Drafts"]


class Drafts(Service):
    def of(self, workflow_id: UUID, *, lock: bool = False) -> WorkflowDraft:
        """The draft of a workflow. Raises NotFound."""
        statement = select(WorkflowDraft).where(
            WorkflowDraft.workspace_id == self.workspace_id, WorkflowDraft.workflow_id == workflow_id
        )
        if lock:
            statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
        row = self.session.execute(statement).scalar_one_or_none()
        if row is None:
            raise NotFound
        return row

    def save(
        self,
        workflow_id: UUID,
        graph: Mapping[str, Any],
        triggers: Sequence[Mapping[str, Any]] | None = None,
        *,
        seen: int | None = None,
    ) -> WorkflowDraft:
        """Replace the graph, and the triggers if given. `seen` is the revision that was edited.

        Raises PreconditionFailed if somebody saved another since, Invalid for what cannot be held, Conflict if
        the workflow is archived.
        """
        plain_json(graph, "graph")
        plain_json(list(triggers or ()), "triggers")
        self._refuse_archived(workflow_id)
        row = self.of(workflow_id, lock=True)
        if seen is not None and row.revision != seen:
            raise PreconditionFailed
        same = row.graph == graph and (triggers is None or row.triggers == list(triggers))
        if same:
            return row
        row.graph = dict(graph)
        if triggers is not None:
            row.triggers = [dict(trigger) for trigger in triggers]
        row.revision += 1
        row.updated_by = self.services.user_id
        self.session.flush()
        self.services.changed("workflows")
        return row

    def _refuse_archived(self, workflow_id: UUID) -> None:
        """Read without a lock: workflows are locked before drafts, and the caller may hold the draft's."""
        key = (Workflow.workspace_id == self.workspace_id, Workflow.id == workflow_id)
        if self.session.scalar(select(Workflow.status).where(*key)) == "archived":
            raise Conflict(
                _("This workflow is archived. Restore it before you change its draft."),
                code="WORKFLOW_ARCHIVED",
            )

    def pictured(self, workflow_ids: Sequence[UUID]) -> dict[UUID, tuple[dict[str, Any], list[Any]]]:
        """Graph and triggers of several drafts, with one statement."""
        found = select(WorkflowDraft.workflow_id, WorkflowDraft.graph, WorkflowDraft.triggers).where(
            WorkflowDraft.workspace_id == self.workspace_id, WorkflowDraft.workflow_id.in_(workflow_ids)
        )
        return {row.workflow_id: (row.graph, row.triggers) for row in self.session.execute(found)}

    def problems(self, draft: WorkflowDraft) -> list[Problem]:
        """What would stop it from being published."""
        return check_draft(self.services, draft.graph, draft.triggers)
