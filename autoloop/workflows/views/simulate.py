"""JSON: try a workflow on a contact."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

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
    """A simulation with its note in the person's language."""
    note = found["end"]["note"]
    return {**found, "end": found["end"] | {"note": request.localizer.translate(note) if note else None}}
