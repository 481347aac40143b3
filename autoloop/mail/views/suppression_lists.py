"""Suppression lists as files, and the installation's own list, behind the JSON door."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from autoloop.base.errors import Invalid, UnsupportedMedia
from autoloop.mail import resources, schemas
from autoloop.mail.models import InstanceSuppression
from autoloop.mail.services.suppression_files import MOST_OCTETS, SuppressionFiles, too_long
from autoloop.mail.services.suppressions import InstanceSuppressions
from autoloop.web import Page, api_view
from autoloop.web.paging import fetch_page, order_of
from autoloop.web.permissions import Permission

TYPES = ("text/csv", "text/plain", "application/octet-stream")


@api_view(
    context=resources.Suppressions,
    name="import",
    method="POST",
    permission=Permission.IMPORT,
    out=schemas.SuppressionsImportOut,
)
def take(context: resources.Suppressions, request: Request) -> Any:
    """Add the addresses of a CSV file (text/csv: address, reason, note). Rejected lines are told."""
    return request.services(SuppressionFiles).take(received(request))


@api_view(context=resources.Suppressions, name="export", permission=Permission.EXPORT, gives="text/csv")
def give(context: resources.Suppressions, request: Request) -> Response:
    """The list as CSV."""
    return exported(request)


def received(request: Request) -> bytes:
    """The list, by itself or as a form's file; all of it. Raises Invalid, TooLarge, UnsupportedMedia."""
    raw = _sent(request) if (request.content_length or 0) <= MOST_OCTETS else None
    if raw is None or len(raw) > MOST_OCTETS:
        raise too_long()
    return raw


def _sent(request: Request) -> bytes:
    if request.content_type == "multipart/form-data":
        upload = request.POST.get("file")
        if upload is None or isinstance(upload, str) or not upload.filename:
            raise Invalid(details={"file": ["Send the file as the form's field “file”."]})
        return bytes(upload.file.read(MOST_OCTETS + 1))
    if request.content_type not in TYPES:
        raise UnsupportedMedia("Send the file as text/csv, or in a form as multipart/form-data.")
    return bytes(request.body)


def exported(request: Request) -> Response:
    body = b"".join(request.services(SuppressionFiles).give())
    response = Response(body=body, content_type="text/csv", charset="utf-8")
    response.content_disposition = 'attachment; filename="suppressions.csv"'
    return response


# -- the installation's own list


@api_view(
    context=resources.InstanceSuppressions,
    permission=Permission.INSTANCE_ADMIN,
    out=schemas.InstanceSuppressionOut,
    many=True,
)
def instance_list(context: resources.InstanceSuppressions, request: Request) -> Page:
    """Addresses and domains that no workspace may mail, the newest first."""
    return instance_rows(request)


def instance_rows(request: Request) -> Page:
    table = InstanceSuppression
    rows = request.services(InstanceSuppressions).rows()
    if request.filters["q"]:
        rows = rows.where(table.address.icontains(request.filters["q"], autoescape=True))
    order = order_of(request.filters["sort"], {"id": table.id}, default="-id")
    return fetch_page(request.db, rows, order, table.id, request.filters)


@api_view(
    context=resources.InstanceSuppressions,
    method="POST",
    permission=Permission.INSTANCE_ADMIN,
    body=schemas.AddSuppression,
    out=schemas.InstanceSuppressionOut,
)
def instance_suppress(context: resources.InstanceSuppressions, request: Request) -> Any:
    """No workspace mails this address or domain (`@example.org`), from the next message on."""
    given = request.validated
    return request.services(InstanceSuppressions).suppress(given["address"], note=given["note"])


@api_view(context=resources.InstanceSuppression, method="DELETE", permission=Permission.INSTANCE_ADMIN)
def instance_lift(context: resources.InstanceSuppression, request: Request) -> None:
    """Take an address or domain off the installation's list."""
    request.services(InstanceSuppressions).lift(context.id)
