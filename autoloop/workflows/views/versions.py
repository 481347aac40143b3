"""JSON: what differs between versions, and the way back to one."""

from __future__ import annotations

from typing import Any

import colander
from pyramid.request import Request

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.engine.simulate.schemas import Anything
from autoloop.web import api_view
from autoloop.web.permissions import Permission
from autoloop.workflows import schemas, services
from autoloop.workflows.comparing import compare
from autoloop.workflows.resources import Version

__all__ = ["Difference", "Other", "differing"]


class Other(colander.MappingSchema):
    """What to compare with: the number of another version; left out, the draft."""

    to = colander.SchemaNode(colander.Integer(), validator=colander.Range(1, 999_999_999), missing=None)


class Field(colander.MappingSchema):
    field = schemas.word()
    before = colander.SchemaNode(Anything(), missing=None)
    after = colander.SchemaNode(Anything(), missing=None)


class StepChange(colander.MappingSchema):
    id = schemas.word()
    type = schemas.word()
    what = schemas.word()
    fields = schemas.several(Field())


class TriggerChange(colander.MappingSchema):
    type = schemas.word()
    what = schemas.word()
    fields = schemas.several(Field())


class WayChange(colander.MappingSchema):
    what = schemas.word()
    source = colander.SchemaNode(colander.String(), name="from")
    port = schemas.word()
    to = schemas.word()


class Difference(colander.MappingSchema):
    same = schemas.flag()
    steps = schemas.several(StepChange())
    ways = schemas.several(WayChange())
    settings = schemas.several(Field())
    triggers = schemas.several(TriggerChange())
    triggers_known = schemas.flag(description="False: one of them is older than triggers are kept")
    truncated = schemas.flag()


def differing(context: Version, request: Request, to: int | None) -> dict[str, Any]:
    """What changed from this version to another, or to the draft. Raises Invalid for no such version."""
    workflow_id = context.__parent__.workflow_id  # type: ignore[union-attr]
    if to is None:
        draft = request.services(services.Drafts).of(workflow_id)
        return compare(context.row.graph, draft.graph, (context.row.triggers, draft.triggers))
    other = request.services(services.Versions).numbered(workflow_id, to)
    if other is None:
        raise Invalid(details={"to": [_("There is no version with this number.")]})
    return compare(context.row.graph, other.graph, (context.row.triggers, other.triggers))


@api_view(context=Version, name="compare", permission=Permission.READ, query=Other, out=Difference)
def compare_versions(context: Version, request: Request) -> dict[str, Any]:
    """What changed from this version to another, or to the draft."""
    return differing(context, request, request.filters["to"])


@api_view(context=Version, method="POST", name="restore", permission=Permission.EDIT, out=schemas.DraftOut)
def restore_version(context: Version, request: Request) -> Any:
    """Put this version's graph and triggers into the draft. Publish it to let new runs take it.

    The draft keeps its triggers if the version is older than they are kept.
    """
    workflow_id = context.__parent__.workflow_id  # type: ignore[union-attr]
    saved = request.services(services.Drafts).save(workflow_id, context.row.graph, context.row.triggers)
    request.db.refresh(saved, ["updated_at"])
    return saved
