"""JSON: a test run."""

from __future__ import annotations

from typing import Any

import colander
from pyramid.request import Request

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.base.ids import parse_id
from autoloop.web import api_view
from autoloop.web.permissions import Permission
from autoloop.workflows import schemas, services
from autoloop.workflows.resources import Workflow
from autoloop.workflows.services.testing import SHORTEN


class TestIn(colander.MappingSchema):
    """`contact` and `business` hold invented fields that lie over those of the contact and its business. With
    `invented` they are all there is: nobody of the workspace is played, and what was not said has sample values."""

    __test__ = False

    contact_id = schemas.text(36, missing=None, description="Without it the contact whose address is `to`")
    contact = schemas.free(missing=None)
    business = schemas.free(missing=None)
    invented = schemas.flag(missing=False, description="Somebody who is not there")
    to = schemas.text(320, missing=None, description="A member's address; without it one's own")
    shorten = colander.SchemaNode(
        colander.Float(),
        validator=colander.Range(0, 86_400),
        missing=SHORTEN,
        description="Seconds that a wait takes at most",
    )
    version = colander.SchemaNode(
        colander.Integer(),
        validator=colander.Range(1, 999_999_999),
        missing=None,
        description="Without it the draft",
    )


class TestOut(colander.MappingSchema):
    __test__ = False

    run_id = schemas.word()
    contact_id = schemas.word(missing=None)
    to = schemas.word()


@api_view(
    context=Workflow,
    method="POST",
    name="test",
    permission=Permission.EDIT,
    body=TestIn,
    out=TestOut,
    status=201,
)
def begin_test(context: Workflow, request: Request) -> dict[str, Any]:
    """Start a test run: real steps, real mail to a member's address, waits shortened. It counts nowhere."""
    given = dict(request.validated)
    if given["contact_id"] is not None:
        id = parse_id(given["contact_id"])
        if id is None:
            raise Invalid(details={"contact_id": [_("This is no id.")]})
        given["contact_id"] = id
    run = request.services(services.Testing).begin(context.id, given)
    return {"run_id": run.id, "contact_id": run.contact_id, "to": run.variables["test"]["to"]}
