"""Workflows as things with a name: found, made, renamed, copied, carried elsewhere, removed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, exists, or_, select

from autoloop.base.errors import Conflict, Invalid, NotFound
from autoloop.base.i18n import _
from autoloop.base.services import Service, Services
from autoloop.engine.models import Workflow, WorkflowVersion
from autoloop.workflows.embedded import MODES, embedded, settle_templates
from autoloop.workflows.exchange import checked_use, document, plain_json, read_document, replaced
from autoloop.workflows.models import WorkflowDraft
from autoloop.workflows.naming import Missing, references_of, settled
from autoloop.workflows.services.drafts import Drafts

__all__ = ["EMPTY", "Workflows", "existing_workflows"]

EMPTY: dict[str, Any] = {"schema": 1, "nodes": [], "edges": [], "settings": {"reentry": "once"}}


class Imported(NamedTuple):
    """The new workflow; what its document names and that is not here; what became of the templates in it."""

    workflow: Workflow
    missing: list[Missing]
    templates: list[dict[str, Any]]


class Workflows(Service):
    def found(self, filters: Mapping[str, Any]) -> Select[Any]:
        """Rows of the list by `q` and `status`; archived ones only if asked for by status or found by `q`."""
        rows = self._rows()
        if filters.get("q"):
            rows = rows.where(Workflow.name.icontains(filters["q"], autoescape=True))
        if filters.get("status"):
            rows = rows.where(Workflow.status == filters["status"])
        elif not filters.get("q"):
            rows = rows.where(Workflow.status != "archived")
        return rows

    def row(self, id: UUID) -> Any | None:
        """One workflow as the list shows it, or None."""
        return self.session.execute(self._rows().where(Workflow.id == id)).one_or_none()

    def _rows(self) -> Select[Any]:
        """Each with the number and date of its live version, and whether there is something to publish."""
        return (
            select(
                Workflow.id,
                Workflow.name,
                Workflow.description,
                Workflow.status,
                Workflow.is_active,
                WorkflowVersion.number.label("version"),
                WorkflowVersion.published_at,
                or_(
                    Workflow.status == "draft",
                    WorkflowDraft.published_revision.is_distinct_from(WorkflowDraft.revision),
                ).label("has_changes"),
                Workflow.created_at,
                Workflow.updated_at,
            )
            .outerjoin(
                WorkflowVersion,
                (WorkflowVersion.workspace_id == Workflow.workspace_id)
                & (WorkflowVersion.id == Workflow.live_version_id),
            )
            .outerjoin(
                WorkflowDraft,
                (WorkflowDraft.workspace_id == Workflow.workspace_id)
                & (WorkflowDraft.workflow_id == Workflow.id),
            )
            .where(Workflow.workspace_id == self.workspace_id)
        )

    def get(self, id: UUID, *, lock: bool = False) -> Workflow:
        """The workflow, locked against other changes if asked (workflows come first in the lock order).
        Raises NotFound."""
        row = self.session.get(
            Workflow,
            (self.workspace_id, id),
            populate_existing=lock,
            with_for_update={"key_share": True} if lock else None,
        )
        if row is None:
            raise NotFound
        return row

    def create(
        self,
        name: str,
        *,
        description: str = "",
        graph: Mapping[str, Any] | None = None,
        triggers: Sequence[Mapping[str, Any]] = ({"type": "manual", "config": {}},),
    ) -> Workflow:
        """A workflow with a draft: empty, or any graph in any state of repair. Raises Invalid for what
        the database cannot hold."""
        graph = dict(EMPTY if graph is None else graph)
        plain_json(graph, "graph")
        plain_json(list(triggers), "triggers")
        user = self.services.user_id
        row: Workflow = self.add(
            Workflow(workspace_id=self.workspace_id, name=name, description=description, user_id=user)
        )
        self.add(
            WorkflowDraft(
                workspace_id=self.workspace_id,
                workflow_id=row.id,
                graph=graph,
                triggers=[dict(trigger) for trigger in triggers],
                updated_by=user,
            )
        )
        self.services.changed("workflows")
        return row

    def change(self, id: UUID, given: Mapping[str, Any]) -> Workflow:
        """Set name and description, as far as they are given."""
        row = self.get(id, lock=True)
        for field in ("name", "description"):
            if field in given:
                setattr(row, field, given[field])
        row.revision += 1
        self.session.flush()
        self.services.changed("workflows")
        return row

    def exported(self, id: UUID, *, templates: bool = True) -> dict[str, Any]:
        """The workflow's draft as a document, with the templates that its steps send unless told otherwise."""
        row, draft = self.get(id), self.services(Drafts).of(id)
        references = references_of(self.services, draft.graph, draft.triggers)
        along = embedded(self.services, draft.graph, draft.triggers) if templates else ()
        return document(row.name, row.description, draft.graph, draft.triggers, references, along)

    def imported(
        self, given: Any, use: Mapping[str, str] | None = None, *, templates: str = "map"
    ) -> Imported:
        """A new draft from a document, and what it names that is not here. Raises Invalid.

        `use` replaces ids (of templates, senders …) by those of this workspace. Of the others, those that are
        not here are looked for by the names that the document gives them. Templates that came along are made
        where there is none of that name; `templates` says what else becomes of them (`embedded.MODES`).
        """
        if templates not in MODES:
            raise Invalid(details={"templates": [_("Must be one of map, both, none.")]})
        read = read_document(given)
        came = {"templates": read.get("templates", [])}
        chosen = checked_use(use or {})
        read = replaced({key: value for key, value in read.items() if key != "templates"}, chosen)
        words, report = settle_templates(self.services, read | came, templates)
        read = replaced(read, words)
        words, missing = settled(self.services, read["graph"], read["triggers"], read.get("references", ()))
        read = replaced(read, words)
        made = self.create(
            read["name"], description=read["description"], graph=read["graph"], triggers=read["triggers"]
        )
        return Imported(made, missing, report)

    def duplicate(self, id: UUID, name: str | None = None) -> Workflow:
        """A new draft with the same graph and triggers. It starts nothing until it is published."""
        held = self.exported(id, templates=False)
        title = name or str(_("Copy of ${name}", mapping={"name": held["name"]}).interpolate())[:200]
        return self.create(
            title, description=held["description"], graph=held["graph"], triggers=held["triggers"]
        )

    def remove(self, id: UUID) -> None:
        """Remove a workflow that was never published, and its tests. Raises Conflict for others: they have a history."""
        row = self.get(id, lock=True)
        published = select(
            exists().where(
                WorkflowVersion.workspace_id == self.workspace_id,
                WorkflowVersion.workflow_id == id,
                WorkflowVersion.number > 0,
            )
        )
        if self.session.execute(published).scalar_one():
            raise Conflict(
                _("This workflow was published, and its runs tell what happened. Archive it instead."),
                code="WORKFLOW_HAS_HISTORY",
            )
        self.session.delete(row)
        self.session.flush()
        self.services.changed("workflows")


def existing_workflows(services: Services, ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that are workflows of the workspace and not archived."""
    mine = select(Workflow.id).where(
        Workflow.workspace_id == services.workspace_id, Workflow.id.in_(ids), Workflow.status != "archived"
    )
    return set(services.session.scalars(mine))
