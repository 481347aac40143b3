"""JSON: try a workflow on a contact."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.engine.explain.telling import translated
from autoloop.engine.simulate.schemas import Asked, Told
from autoloop.web import api_view
from autoloop.web.permissions import Permission
from autoloop.workflows.resources import Workflow
from autoloop.workflows.services.simulating import Simulating

__all__ = ["told"]


@api_view(
    context=Workflow,
    method="POST",
    name="simulate",
    permission=Permission.SIMULATE,
    body=Asked,
    out=Told,
)
def simulate_workflow(context: Workflow, request: Request) -> Any:
    """Try the draft or a version on a real or an invented contact. Sends nothing, writes nothing."""
    return told(request, request.services(Simulating).run(context.row.id, request.validated))


def told(request: Request, found: dict[str, Any]) -> dict[str, Any]:
    """A simulation with its sentences in the person's language."""
    said: dict[str, Any] = translated(found, request.localizer.translate)
    return said
