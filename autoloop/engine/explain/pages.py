"""Pages: why a contact is in which workflow, or is not."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.businesses.resources import Contact
from autoloop.engine.explain.schemas import WhichWorkflow
from autoloop.engine.explain.views import contact_told
from autoloop.engine.views import given_id
from autoloop.web import page
from autoloop.web.input import read_query
from autoloop.web.permissions import Permission


@page(
    context=Contact,
    name="explain",
    permission=Permission.READ,
    template="autoloop.engine:templates/why.jinja2",
)
def explain_contact(context: Contact, request: Request) -> dict[str, Any]:
    request.filters = read_query(request, WhichWorkflow(), many=False)
    row = context.row
    return {
        "row": row,
        "name": f"{row.first_name} {row.last_name}".strip() or row.email or str(row.id),
        "story": contact_told(request, row.id, given_id(request.filters, "workflow")),
    }
