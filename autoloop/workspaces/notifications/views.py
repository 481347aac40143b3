"""The JSON door of notifications."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.base.i18n import language_of, said
from autoloop.web import Page, api_view
from autoloop.web.paging import fetch_page, order_of
from autoloop.web.permissions import Permission
from autoloop.workspaces.notifications import models, resources, schemas, services


@api_view(
    context=resources.Notifications,
    permission=Permission.READ,
    query=schemas.NotificationsQuery,
    out=schemas.NotificationOut,
    many=True,
)
def notifications(context: resources.Notifications, request: Request) -> Page:
    """What you were told in this workspace, the newest first."""
    return notification_rows(request)


@api_view(
    context=resources.Notifications,
    name="mark-read",
    method="POST",
    permission=Permission.KEEP_OWN,
    body=schemas.MarkRead,
    out=schemas.MarkedOut,
    status=200,
)
def mark_read(context: resources.Notifications, request: Request) -> dict[str, int]:
    """Mark your notifications as read: those you name, or all."""
    return {"marked": request.services(services.Notifications).mark_read(request.validated["ids"])}


@api_view(
    context=resources.Notifications,
    name="preference",
    permission=Permission.READ,
    out=schemas.Preference,
)
def preference(context: resources.Notifications, request: Request) -> dict[str, bool]:
    """Whether notifications of this workspace come to you by mail too."""
    return {"mail": request.services(services.Notifications).wants_mail()}


@api_view(
    context=resources.Notifications,
    name="preference",
    method="PUT",
    permission=Permission.KEEP_OWN,
    body=schemas.Preference,
    out=schemas.Preference,
)
def set_preference(context: resources.Notifications, request: Request) -> dict[str, bool]:
    """Say whether notifications of this workspace come to you by mail too."""
    request.services(services.Notifications).set_mail(request.validated["mail"])
    return {"mail": request.validated["mail"]}


@api_view(context=resources.Notification, permission=Permission.READ, out=schemas.NotificationOut)
def notification(context: resources.Notification, request: Request) -> Any:
    """One notification of yours."""
    return in_own_words(request, context.row)


def notification_rows(request: Request) -> Page:
    table = models.Notification
    rows = request.services(services.Notifications).rows()
    if request.filters.get("unread"):
        rows = rows.where(table.read_at.is_(None))
    if request.filters["q"]:
        rows = rows.where(table.title.icontains(request.filters["q"], autoescape=True))
    order = order_of(request.filters["sort"], {"id": table.id}, default="-id")
    found = fetch_page(request.db, rows, order, table.id, request.filters)
    return Page([in_own_words(request, row) for row in found.rows], found.next, found.total)


def in_own_words(request: Request, row: Any) -> dict[str, Any]:
    """A notification in the reader's language, where it is not somebody's own words."""
    told = dict(row._mapping)
    wording = told.pop("said") or {}
    language = language_of(request.locale_name)
    return told | {part: said(message, language) for part, message in wording.items()}
