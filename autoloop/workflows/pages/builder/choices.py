"""What a field of the builder may be set to, found by typing: asked by the page's own script."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pyramid.request import Request

from autoloop.base.choices import MOST
from autoloop.web import page
from autoloop.web.permissions import Permission
from autoloop.web.widgets.chosen import CHOSEN, Chosen
from autoloop.workflows.resources import Workflow


@page(context=Workflow, name="choices", permission=Permission.EDIT, template="json")
def choices(context: Workflow, request: Request) -> dict[str, Any]:
    """{"choices": [{value, title, note, group}]}: records of a kind whose title holds `q`."""
    kind, q = str(request.GET.get("kind", "")), str(request.GET.get("q", ""))[:100].replace("\x00", "")
    loader = request.registrations.fact_loaders.get(f"{kind}_choices")
    if loader is None or not isinstance(CHOSEN.get(kind), Chosen):
        return {"choices": []}
    return {"choices": [asdict(each) for each in loader(request.services, q, ())[:MOST]]}
