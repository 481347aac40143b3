"""The HTML door of exports: a button on a list, and the file."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.base.errors import Invalid
from autoloop.businesses.models.exports import EXPORT_KINDS
from autoloop.businesses.resources import Export, Exports
from autoloop.businesses.services.exports import Exports as ExportService
from autoloop.businesses.views.exports import download, export_filters
from autoloop.web import page
from autoloop.web.permissions import Permission

OURS = ("csrf_token", "kind")


@page(context=Exports, method="POST", permission=Permission.EXPORT)
def create_export(context: Exports, request: Request) -> Any:
    kind = str(request.POST.get("kind", ""))
    if kind not in EXPORT_KINDS:
        raise Invalid(details={"kind": ["Choose contacts or businesses."]})
    given = {name: value for name, value in request.POST.items() if name not in OURS and value != ""}
    row = request.services(ExportService).create(kind, export_filters(kind, given))
    return HTTPSeeOther(request.resource_url(context, str(row.id), "@@file"))


@page(context=Export, name="file", permission=Permission.EXPORT)
def file(context: Export, request: Request) -> Any:
    return download(request, context.row.id, context.row.kind)
