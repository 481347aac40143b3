"""Versions to look at. They are added by publishing alone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from autoloop.base.services import Service
from autoloop.engine.models import Workflow, WorkflowTrigger, WorkflowVersion

__all__ = ["Versions"]


class Versions(Service):
    newest = WorkflowVersion.number.desc()

    def of(self, workflow_id: UUID) -> Select[Any]:
        """The versions of a workflow, without their graphs."""
        return self._rows(workflow_id)

    def numbered(self, workflow_id: UUID, number: int) -> Any | None:
        """One version with its graph and triggers (None: not known), or None."""
        held = (WorkflowVersion.graph, WorkflowVersion.triggers, WorkflowVersion.checksum)
        rows = self._rows(workflow_id, *held)
        return self.session.execute(rows.where(WorkflowVersion.number == number)).one_or_none()

    def _rows(self, workflow_id: UUID, *more: Any) -> Select[Any]:
        return (
            select(
                WorkflowVersion.id,
                WorkflowVersion.number,
                WorkflowVersion.note,
                (WorkflowVersion.id == Workflow.live_version_id).label("is_live"),
                WorkflowVersion.published_by,
                WorkflowVersion.published_at,
                *more,
            )
            .join(
                Workflow,
                (Workflow.workspace_id == WorkflowVersion.workspace_id)
                & (Workflow.id == WorkflowVersion.workflow_id),
            )
            .where(
                WorkflowVersion.workspace_id == self.workspace_id,
                WorkflowVersion.workflow_id == workflow_id,
                WorkflowVersion.number > 0,
            )
        )

    def triggers(self, workflow_id: UUID) -> list[WorkflowTrigger]:
        """What starts runs of the live version."""
        return list(
            self.session.scalars(
                select(WorkflowTrigger)
                .where(
                    WorkflowTrigger.workspace_id == self.workspace_id,
                    WorkflowTrigger.workflow_id == workflow_id,
                    WorkflowTrigger.is_active,
                )
                .order_by(WorkflowTrigger.id)
            )
        )
