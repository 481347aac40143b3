"""The JSON door of webhooks."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.engine.hooks import schemas
from autoloop.engine.hooks.resources import Hook, Hooks
from autoloop.engine.hooks.services import Hooks as HookService
from autoloop.engine.models import IncomingHook
from autoloop.web import Page, api_view
from autoloop.web.paging import fetch_page, order_of
from autoloop.web.permissions import Permission

COLUMNS = [node.name for node in schemas.HookOut().children]


@api_view(context=Hooks, permission=Permission.PUBLISH, out=schemas.HookOut, many=True)
def hooks(context: Hooks, request: Request) -> Page:
    """The workspace's webhooks; never their secrets or addresses."""
    table = IncomingHook
    order = order_of(
        request.filters["sort"], {"name": table.name, "created_at": table.created_at}, default="name"
    )
    rows = request.services(HookService).rows().with_only_columns(*(getattr(table, name) for name in COLUMNS))
    if request.filters["q"]:
        rows = rows.where(table.name.icontains(request.filters["q"], autoescape=True))
    return fetch_page(request.db, rows, order, table.id, request.filters)


@api_view(
    context=Hooks,
    method="POST",
    permission=Permission.PUBLISH,
    body=schemas.CreateHook,
    out=schemas.NewHookOut,
)
def create_hook(context: Hooks, request: Request) -> Any:
    """Make a webhook. The answer holds its address, this once."""
    service = request.services(HookService)
    row, token = service.create(request.validated)
    return _with_url(row, service.url(token))


@api_view(context=Hook, permission=Permission.PUBLISH, out=schemas.HookOut)
def hook(context: Hook, request: Request) -> Any:
    """One webhook, with the last body that came in."""
    return context.row


@api_view(
    context=Hook,
    method="PATCH",
    permission=Permission.PUBLISH,
    body=schemas.ChangeHook,
    out=schemas.HookOut,
)
def change_hook(context: Hook, request: Request) -> Any:
    """Change a webhook, or switch it off."""
    return request.services(HookService).change(context.row, request.validated)


@api_view(context=Hook, method="POST", name="rotate", permission=Permission.PUBLISH, out=schemas.NewHookOut)
def rotate_hook(context: Hook, request: Request) -> Any:
    """Give it a new address; the old one is unknown at once."""
    service = request.services(HookService)
    token = service.rotate(context.row)
    return _with_url(context.row, service.url(token))


@api_view(context=Hook, method="DELETE", permission=Permission.PUBLISH)
def remove_hook(context: Hook, request: Request) -> None:
    """Remove a webhook that no workflow starts by."""
    request.services(HookService).remove(context.row)


def _with_url(row: IncomingHook, url: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in COLUMNS} | {"url": url}
