"""The page of notifications, behind the bell."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.web import page
from autoloop.web.input import read_query
from autoloop.web.permissions import Permission
from autoloop.workspaces.notifications import resources, schemas
from autoloop.workspaces.notifications.services import Notifications
from autoloop.workspaces.notifications.views import notification_rows

TEMPLATE = "autoloop.workspaces:notifications/templates/notifications.jinja2"


@page(context=resources.Notifications, permission=Permission.READ, template=TEMPLATE)
def notifications(context: resources.Notifications, request: Request) -> dict[str, Any]:
    request.filters = read_query(request, schemas.NotificationsQuery(), many=True)
    return {
        "page": notification_rows(request),
        "filters": request.filters,
        "by_mail": request.services(Notifications).wants_mail(),
    }


@page(context=resources.Notifications, name="mark-read", method="POST", permission=Permission.KEEP_OWN)
def mark_read(context: resources.Notifications, request: Request) -> Any:
    request.services(Notifications).mark_read()
    return HTTPSeeOther(request.resource_url(context))


@page(context=resources.Notification, name="mark-read", method="POST", permission=Permission.KEEP_OWN)
def mark_one_read(context: resources.Notification, request: Request) -> Any:
    request.services(Notifications).mark_read([context.row.id])
    return HTTPSeeOther(request.resource_url(context.__parent__))


@page(context=resources.Notifications, name="preference", method="POST", permission=Permission.KEEP_OWN)
def set_preference(context: resources.Notifications, request: Request) -> Any:
    request.services(Notifications).set_mail(request.POST.get("mail") == "true")
    return HTTPSeeOther(request.resource_url(context))
