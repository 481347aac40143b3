"""JSON: runs that go on in another version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import colander
from pyramid.request import Request
from pyramid.response import Response

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.web import api_view
from autoloop.web.answers import one
from autoloop.web.permissions import Permission
from autoloop.workflows import schemas, services
from autoloop.workflows.resources import Version

__all__ = ["MoveOut", "checked_map"]


class MoveIn(colander.MappingSchema):
    """`map` gives node ids of the version that runs come from to node ids of this one; null means "stay"."""

    source = colander.SchemaNode(
        colander.Integer(),
        name="from",
        missing=None,
        validator=colander.Range(1, 999_999_999),
        description="Only runs in this version; left out, those of all others",
    )
    map = schemas.free(missing=None)
    dry_run = schemas.flag(missing=True, description="Only tell who would go where")


class Going(colander.MappingSchema):
    version = schemas.whole()
    node = schemas.word()
    type = schemas.word()
    to = schemas.word()
    to_type = schemas.word()
    count = schemas.whole()


class Left(colander.MappingSchema):
    version = schemas.whole()
    node = schemas.word()
    reason = schemas.word()
    count = schemas.whole()


class MoveOut(colander.MappingSchema):
    """Of `runs` some move and some stay; `places` and `left` say where from and where to. `job` is the act
    under way, to be looked at below runs/jobs; null of a dry run."""

    source = colander.SchemaNode(colander.Integer(), name="from", missing=None)
    to = schemas.whole()
    runs = schemas.whole()
    moves = schemas.whole()
    stays = schemas.whole()
    places = schemas.several(Going())
    left = schemas.several(Left())
    job = schemas.word(missing=None)


OUT = MoveOut()


def checked_map(given: Mapping[str, Any] | None) -> dict[str, str | None]:
    """The map with texts and nulls only. Raises Invalid."""
    found = dict(given or {})
    wrong = {
        f"map.{key[:64]}": [_("Give the id of a step, or null.")]
        for key, value in found.items()
        if not isinstance(value, str | None)
    }
    if wrong or len(found) > 500:
        raise Invalid(details=wrong or {"map": [_("At most 500 steps.")]})
    return found


@api_view(
    context=Version, method="POST", name="move", permission=Permission.PUBLISH, body=MoveIn, out=MoveOut
)
def move_runs(context: Version, request: Request) -> Response:
    """Tell who would go where if runs went on in this version; with dry_run false, let them. Answers with a job."""
    given = request.validated
    workflow_id, number = context.__parent__.workflow_id, context.row.number  # type: ignore[union-attr]
    moving, nodes = request.services(services.Moving), checked_map(given["map"])
    plan = moving.plan(workflow_id, number, given["from"], nodes)
    if given["dry_run"]:
        return one(request, plan | {"job": None}, OUT, 200, None)
    job = moving.move(workflow_id, number, given["from"], nodes)
    return one(request, plan | {"job": job.id}, OUT, 202, None)
