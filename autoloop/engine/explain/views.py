"""JSON: why a run went as it did; why a contact is in a workflow, or is not."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.base.errors import NotFound
from autoloop.base.i18n import _
from autoloop.businesses.resources import Contact
from autoloop.engine.explain import ContactStory, RunStory, translated
from autoloop.engine.explain.schemas import ContactTold, RunTold, WhichWorkflow
from autoloop.engine.models import Workflow
from autoloop.engine.resources import Run
from autoloop.engine.views import given_id
from autoloop.web import api_view
from autoloop.web.permissions import Permission

__all__ = ["contact_told"]


def contact_told(request: Request, contact_id: Any, workflow_id: Any = None) -> Any:
    """A contact's workflows, in the person's language."""
    story = request.services(ContactStory).of(contact_id, workflow_id)
    return translated(story, request.localizer.translate)


@api_view(context=Run, name="explain", permission=Permission.READ, out=RunTold)
def explain_run(context: Run, request: Request) -> Any:
    """Why the run began, why each step went as it did, what it waits for, why it ended."""
    return translated(request.services(RunStory).of(context.row), request.localizer.translate)


@api_view(context=Contact, name="explain", permission=Permission.READ, query=WhichWorkflow, out=ContactTold)
def explain_contact(context: Contact, request: Request) -> Any:
    """For each workflow, or one: is the contact in it, was it, or why not."""
    workflow = given_id(request.filters, "workflow")
    if workflow is not None:
        key = (request.services.workspace_id, workflow)
        if request.db.get(Workflow, key) is None:
            raise NotFound(_("There is no such workflow."))
    return contact_told(request, context.row.id, workflow)
