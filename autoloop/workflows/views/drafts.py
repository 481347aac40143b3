"""JSON: the draft, and the check that says whether it may be published."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from autoloop.web import api_view
from autoloop.web.answers import one
from autoloop.web.permissions import Permission
from autoloop.workflows import schemas, services
from autoloop.workflows.checking import examine_draft
from autoloop.workflows.resources import Draft, Workflow, draft_tag


@api_view(context=Draft, permission=Permission.READ, out=schemas.DraftOut)
def show_draft(context: Draft, request: Request) -> Any:
    """The draft; its ETag goes into If-Match when it is saved."""
    return context.row


@api_view(context=Draft, method="PUT", permission=Permission.EDIT, body=schemas.DraftIn, out=schemas.DraftOut)
def save_draft(context: Draft, request: Request) -> Response:
    """Save the draft, in any state of repair. With If-Match: 412 if somebody saved another meanwhile."""
    seen = context.row.revision if "If-Match" in request.headers else None
    saved = request.services(services.Drafts).save(context.id, **request.validated, seen=seen)
    request.db.refresh(saved, ["updated_at"])
    response = one(request, saved, DRAFT_OUT, 200, None)
    response.etag = draft_tag(saved)
    return response


DRAFT_OUT = schemas.DraftOut()


@api_view(
    context=Workflow,
    method="POST",
    name="check",
    permission=Permission.READ,
    body=schemas.Question,
    out=schemas.Answer,
)
def check_workflow(context: Workflow, request: Request) -> dict[str, Any]:
    """Check the saved draft, or the graph that is sent: what would stop it from being published, and where."""
    draft = request.services(services.Drafts).of(context.id)
    given = request.validated
    graph = draft.graph if given["graph"] is None else given["graph"]
    triggers = draft.triggers if given["triggers"] is None else given["triggers"]
    found = examine_draft(request.services, graph, triggers)
    found.sort(key=lambda problem: problem.severity)  # errors first
    ok = all(problem.severity != "error" for problem in found)
    return {"ok": ok, "problems": [problem.as_dict() for problem in found]}
