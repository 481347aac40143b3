"""The JSON door of exports."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from autoloop.businesses import models
from autoloop.businesses.resources import Export, Exports
from autoloop.businesses.schemas import files as schemas
from autoloop.businesses.schemas.businesses import BusinessQuery
from autoloop.businesses.schemas.contacts import ContactQuery
from autoloop.businesses.services.exports import Exports as ExportService
from autoloop.businesses.services.exports import write_csv
from autoloop.web import Page, api_path, api_view
from autoloop.web.input import checked
from autoloop.web.paging import fetch_page, order_of
from autoloop.web.permissions import Permission
from autoloop.web.tree import Node

__all__ = ["download", "export_filters"]


def export_filters(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """Filters of an export: those of the list, without its paging. Raises Invalid."""
    schema = ContactQuery() if kind == "contacts" else BusinessQuery()
    found = checked(schema, given)
    return {name: value for name, value in found.items() if value and name not in ("limit", "cursor", "sort")}


def download(request: Request, export_id: Any, kind: str) -> Response:
    """The file, written as it is read."""
    pieces = write_csv(request.runtime, request.workspace_id, export_id)
    response = Response(app_iter=pieces, content_type="text/csv", charset="utf-8")
    response.content_disposition = f'attachment; filename="{kind}.csv"'
    return response


def _row(request: Request, parent: Node, row: Any) -> dict[str, Any]:
    names = ("id", "kind", "filters", "created_at", "downloaded_at")
    return {name: getattr(row, name) for name in names} | {"file": api_path(parent, row.id, "@@file")}


@api_view(context=Exports, permission=Permission.EXPORT, out=schemas.ExportOut, many=True)
def exports(context: Exports, request: Request) -> Page:
    """Who took which records, the newest first."""
    table = models.Export
    order = order_of(request.filters["sort"], {"created_at": table.id}, default="-created_at")
    rows = request.services(ExportService).rows().with_only_columns(*table.__table__.c)
    found = fetch_page(request.db, rows, order, table.id, request.filters, count=True)
    return Page([_row(request, context, row) for row in found.rows], found.next, found.total)


@api_view(
    context=Exports,
    method="POST",
    permission=Permission.EXPORT,
    body=schemas.ExportIn,
    out=schemas.ExportOut,
)
def create_export(context: Exports, request: Request) -> Any:
    """Ask for a file of contacts or businesses; fetch it from `file`."""
    given = request.validated
    filters = export_filters(given["kind"], given.get("filters") or {})
    row = request.services(ExportService).create(given["kind"], filters, bom=given["bom"])
    return _row(request, context, row)


@api_view(context=Export, permission=Permission.EXPORT, out=schemas.ExportOut)
def export(context: Export, request: Request) -> Any:
    """One export."""
    assert context.__parent__ is not None
    return _row(request, context.__parent__, context.row)


@api_view(context=Export, name="file", permission=Permission.EXPORT, gives="text/csv")
def file(context: Export, request: Request) -> Any:
    """The file, as CSV."""
    return download(request, context.row.id, context.row.kind)
