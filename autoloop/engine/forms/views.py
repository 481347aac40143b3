"""The JSON door of forms."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.engine.forms import schemas
from autoloop.engine.forms.resources import Form, Forms
from autoloop.engine.forms.services import Forms as FormService
from autoloop.engine.models import Form as FormModel
from autoloop.web import Page, api_view
from autoloop.web.paging import fetch_page, order_of
from autoloop.web.permissions import Permission

COLUMNS = [node.name for node in schemas.FormOut().children if node.name != "url"]


@api_view(context=Forms, permission=Permission.READ, out=schemas.FormOut, many=True)
def forms(context: Forms, request: Request) -> Page:
    """The workspace's forms."""
    table, service = FormModel, request.services(FormService)
    order = order_of(
        request.filters["sort"], {"name": table.name, "created_at": table.created_at}, default="name"
    )
    columns = [*(getattr(table, name) for name in COLUMNS), table.token]
    rows = service.rows().with_only_columns(*columns)
    if request.filters["q"]:
        rows = rows.where(table.name.icontains(request.filters["q"], autoescape=True))
    found = fetch_page(request.db, rows, order, table.id, request.filters)
    return Page(
        [dict(row._mapping) | {"url": service.url(row)} for row in found.rows], found.next, found.total
    )


@api_view(
    context=Forms, method="POST", permission=Permission.EDIT, body=schemas.CreateForm, out=schemas.FormOut
)
def create_form(context: Forms, request: Request) -> Any:
    """Make a form. It asks for the address until it is told what else."""
    return _out(request, request.services(FormService).create(request.validated))


@api_view(context=Form, permission=Permission.READ, out=schemas.FormOut)
def form(context: Form, request: Request) -> Any:
    """One form."""
    return _out(request, context.row)


@api_view(
    context=Form, method="PATCH", permission=Permission.EDIT, body=schemas.ChangeForm, out=schemas.FormOut
)
def change_form(context: Form, request: Request) -> Any:
    """Change a form, or switch it off."""
    return _out(request, request.services(FormService).change(context.row, request.validated))


@api_view(context=Form, method="DELETE", permission=Permission.EDIT)
def remove_form(context: Form, request: Request) -> None:
    """Remove a form that no workflow starts by."""
    request.services(FormService).remove(context.row)


def _out(request: Request, row: FormModel) -> dict[str, Any]:
    url = request.services(FormService).url(row)
    return {name: getattr(row, name) for name in COLUMNS} | {"url": url}
