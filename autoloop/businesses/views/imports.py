"""The JSON door of imports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import or_

from autoloop.base.errors import Invalid, TooLarge, UnsupportedMedia
from autoloop.businesses import models
from autoloop.businesses.resources import Import, Imports
from autoloop.businesses.schemas import files as schemas
from autoloop.businesses.services.imports import Imports as ImportService
from autoloop.businesses.services.imports.pieces import chunks_of
from autoloop.web import Page, api_view
from autoloop.web.paging import fetch_page, order_of
from autoloop.web.permissions import Permission

__all__ = ["import_page", "import_row", "received", "rejects_response"]

TYPES = (
    "text/csv",
    "text/plain",
    "text/tab-separated-values",
    "application/octet-stream",
    "application/vnd.ms-excel",
)


def import_row(row: models.Import) -> dict[str, Any]:
    """An import as it is answered and shown."""
    names = [
        child.name
        for child in schemas.ImportOut().children
        if child.name not in ("delimiter", "encoding", "rows_per_second")
    ]
    seconds = None
    if row.started_at:
        seconds = ((row.finished_at or row.updated_at) - row.started_at).total_seconds()
    return {name: getattr(row, name) for name in names} | {
        "delimiter": row.format.get("delimiter", ","),
        "encoding": row.format.get("encoding", "utf-8"),
        "rows_per_second": round(row.rows_done / seconds) if seconds and row.rows_done else None,
    }


def import_page(request: Request, filters: dict[str, Any]) -> Page:
    """One page of imports, for both doors."""
    table = models.Import
    order = order_of(
        filters["sort"], {"created_at": table.id, "file_name": table.file_name}, default="-created_at"
    )
    rows = request.services(ImportService).rows().with_only_columns(*table.__table__.c)
    if filters["q"]:
        rows = rows.where(or_(table.file_name.icontains(filters["q"], autoescape=True)))
    found = fetch_page(request.db, rows, order, table.id, filters, count=True)
    return Page([import_row(row) for row in found.rows], found.next, found.total)


def received(request: Request) -> tuple[str, Iterator[bytes]]:
    """The uploaded file: its name and its bytes, never all in memory. As a form's file, or the body itself."""
    most = request.runtime.settings.import_file_mb * 1_000_000
    if (request.content_length or 0) > most + 100_000:
        raise TooLarge(f"A file for import may have {most // 1_000_000:,} MB at the most. Cut it in parts.")
    if request.content_type == "multipart/form-data":
        upload = request.POST.get("file")
        if upload is None or isinstance(upload, str) or not upload.filename:
            raise Invalid(details={"file": ["Send the file as the form's field “file”."]})
        return upload.filename, chunks_of(upload.file)
    if request.content_type not in TYPES:
        raise UnsupportedMedia("Send the file as text/csv, or in a form as multipart/form-data.")
    return request.GET.get("file_name") or "import.csv", chunks_of(request.body_file)


def rejects_response(context: Import, request: Request) -> Response:
    """The rejects as a download."""
    row = context.row
    pieces = b"".join(request.services(ImportService).rejects_csv(row))
    name = row.file_name.rpartition(".")[0] or row.file_name
    response = Response(body=pieces, content_type="text/csv", charset="utf-8")
    ascii_name = "".join(
        char if (char.isalnum() and char.isascii()) or char in "-_" else "-" for char in name
    )
    response.content_disposition = f'attachment; filename="{ascii_name}-rejects.csv"'
    return response


@api_view(context=Imports, permission=Permission.READ, out=schemas.ImportOut, many=True)
def imports(context: Imports, request: Request) -> Page:
    """Imports, the newest first."""
    return import_page(request, request.filters)


@api_view(
    context=Imports,
    method="POST",
    permission=Permission.IMPORT,
    query=schemas.ImportQuery,
    out=schemas.ImportOut,
)
def upload(context: Imports, request: Request) -> Any:
    """Upload a CSV file: as the body (text/csv), or as the field `file` of a form. Its columns are guessed."""
    name, pieces = received(request)
    given = request.filters
    row = request.services(ImportService).create(
        name, pieces, encoding=given["encoding"], delimiter=given["delimiter"]
    )
    return import_row(row)


@api_view(context=Import, permission=Permission.READ, out=schemas.ImportOut)
def import_(context: Import, request: Request) -> Any:
    """One import, with how far it got."""
    return import_row(context.row)


@api_view(
    context=Import,
    method="POST",
    name="mapping",
    permission=Permission.IMPORT,
    body=schemas.MappingIn,
    out=schemas.ImportOut,
)
def remap(context: Import, request: Request) -> Any:
    """Say what each column becomes; and what holds for the import as a whole."""
    given = request.validated
    row = request.services(ImportService).remap(context.row, given["mapping"], given.get("options"))
    return import_row(row)


@api_view(context=Import, method="POST", name="preview", permission=Permission.IMPORT, out=schemas.PreviewOut)
def preview(context: Import, request: Request) -> Any:
    """What the import would do, tried on its first 2,000 rows and taken back."""
    return request.services(ImportService).preview(context.row)


@api_view(context=Import, method="POST", name="start", permission=Permission.IMPORT, out=schemas.ImportOut)
def start(context: Import, request: Request) -> Any:
    """Start it, or go on with a failed one. A worker takes the rows in."""
    return import_row(request.services(ImportService).start(context.row))


@api_view(context=Import, method="POST", name="cancel", permission=Permission.IMPORT, out=schemas.ImportOut)
def cancel(context: Import, request: Request) -> Any:
    """Stop it. What was taken in stays."""
    return import_row(request.services(ImportService).cancel(context.row))


@api_view(context=Import, name="rejects", permission=Permission.READ, gives="text/csv")
def rejects(context: Import, request: Request) -> Any:
    """The rows that were not taken, as CSV: line, reason, and the row as it was."""
    return rejects_response(context, request)


@api_view(context=Import, method="DELETE", permission=Permission.IMPORT)
def delete_import(context: Import, request: Request) -> None:
    """Forget the import and its rejects. What was taken in stays."""
    request.services(ImportService).delete(context.row)
