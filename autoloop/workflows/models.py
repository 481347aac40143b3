"""Drafts: what a person edits, and nobody else sees until it is published."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, Stamped, tenant_fk

__all__ = ["WorkflowDraft"]


class WorkflowDraft(InWorkspace, Stamped, Base):
    """The one draft of a workflow: its graph, in any state of repair, and what shall start its runs.

    `triggers` is a list of {"type", "config"}. `revision` rises with every save and is the draft's
    entity tag; `published_revision` is the one that the last version was made of.
    """

    __tablename__ = "workflow_drafts"
    __table_args__ = (
        tenant_fk("workflow_id", "automation_workflows"),
        UniqueConstraint("workspace_id", "workflow_id"),
        CheckConstraint("jsonb_typeof(graph) = 'object'", name="graph_object"),
        CheckConstraint("jsonb_typeof(triggers) = 'array'", name="triggers_array"),
    )

    workflow_id: Mapped[UUID]
    graph: Mapped[dict[str, Any]]
    triggers: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"), default=list)
    revision: Mapped[int] = mapped_column(server_default="1", default=1)
    published_revision: Mapped[int | None]
    updated_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
