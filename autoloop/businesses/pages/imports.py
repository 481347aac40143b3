"""The HTML door of imports: upload, map with a preview, watch, read the result."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.base.errors import Conflict, Invalid, TooLarge
from autoloop.businesses.models import CONSENTS
from autoloop.businesses.pages.forms import may, refuse
from autoloop.businesses.resources import Import, Imports
from autoloop.businesses.schemas.files import MappingIn
from autoloop.businesses.services import Fields
from autoloop.businesses.services.imports import Imports as ImportService
from autoloop.businesses.services.imports.targets import BUSINESS, CONTACT, check_mapping
from autoloop.businesses.views.imports import import_page, import_row, received, rejects_response
from autoloop.web import page
from autoloop.web.input import checked, read_query
from autoloop.web.permissions import Permission
from autoloop.web.refusals import told

TEMPLATES = "autoloop.businesses:templates/"
REFUSALS = (Invalid, Conflict, TooLarge)
SHOWN_REJECTS = 25


@page(context=Imports, permission=Permission.READ, template=TEMPLATES + "imports.jinja2")
def imports(context: Imports, request: Request) -> dict[str, Any]:
    return _list(request, {})


@page(context=Imports, method="POST", permission=Permission.IMPORT, template=TEMPLATES + "imports.jinja2")
def upload(context: Imports, request: Request) -> Any:
    try:
        with request.db.begin_nested():
            row = request.services(ImportService).create(*received(request))
    except REFUSALS as error:
        return _list(request, refuse(request, error))
    return HTTPSeeOther(request.resource_url(context, str(row.id), ""))


@page(context=Import, permission=Permission.READ, template=TEMPLATES + "import.jinja2")
def import_(context: Import, request: Request) -> dict[str, Any]:
    return _page(context, request, {})


@page(
    context=Import,
    name="mapping",
    method="POST",
    permission=Permission.IMPORT,
    template=TEMPLATES + "import.jinja2",
)
def remap(context: Import, request: Request) -> Any:
    """Keep the mapping; then show what it would do, or start."""
    service, row = request.services(ImportService), context.row
    try:
        given = checked(MappingIn(), _posted_mapping(request, row.columns))
        service.remap(row, given["mapping"], given["options"])
        if request.POST.get("then") == "start":
            service.start(row)
    except REFUSALS as error:
        return _page(context, request, refuse(request, error))
    return HTTPSeeOther(request.resource_url(context))


@page(context=Import, name="start", method="POST", permission=Permission.IMPORT)
def start(context: Import, request: Request) -> Any:
    request.services(ImportService).start(context.row)
    return HTTPSeeOther(request.resource_url(context))


@page(context=Import, name="cancel", method="POST", permission=Permission.IMPORT)
def cancel(context: Import, request: Request) -> Any:
    request.services(ImportService).cancel(context.row)
    return HTTPSeeOther(request.resource_url(context))


@page(context=Import, name="rejects", permission=Permission.READ)
def rejects(context: Import, request: Request) -> Any:
    return rejects_response(context, request)


def _posted_mapping(request: Request, columns: list[str]) -> dict[str, Any]:
    chosen = {name: str(request.POST.get(f"column-{n}", "")) for n, name in enumerate(columns)}
    return {
        "mapping": chosen,
        "options": {
            "quiet": "quiet" in request.POST,
            "update_existing": "update_existing" in request.POST,
            "empty": "clear" if "clear" in request.POST else "keep",
            "consent": str(request.POST.get("consent", "unknown")),
            "tags": [word.strip() for word in str(request.POST.get("tags", "")).split(",") if word.strip()],
        },
    }


def _list(request: Request, errors: dict[str, list[str]]) -> dict[str, Any]:
    filters = read_query(request, None, many=True)
    return {
        "page": import_page(request, filters),
        "filters": filters,
        "errors": errors,
        "most": request.runtime.settings.import_file_mb,
        "may": may(request, Permission.IMPORT),
    }


def _page(context: Import, request: Request, errors: dict[str, list[str]]) -> dict[str, Any]:
    service, row = request.services(ImportService), context.row
    shown: dict[str, Any] = {"row": import_row(row), "errors": errors, "preview": None, "rejects": []}
    if row.status == "ready":
        if errors:
            given = _posted_mapping(request, row.columns)
            shown["row"] |= {"mapping": given["mapping"], "options": given["options"]}
        elif request.has_permission(Permission.IMPORT, context):  # trying it is work; readers do without
            try:
                check_mapping(row.columns, row.mapping)
                shown["preview"] = service.preview(row, 500)
            except Invalid as error:
                shown["errors"] = told(request, error).details
        shown |= _choices(request, row)
    else:
        shown["rejects"] = service.rejects(row, SHOWN_REJECTS)
    return shown | {"may": may(request, Permission.IMPORT)}


def _choices(request: Request, row: Any) -> dict[str, Any]:
    """What each column may become, in groups; with the new fields that its name suggests."""
    titles = request.services(Fields).titles()
    contact = [(target, title) for target, (title, _) in CONTACT.items()]
    contact += [(target, title) for target, title in titles.items() if target.startswith("fields.")]
    business = [(target, title) for target, (title, _) in BUSINESS.items()]
    business += [(target, title) for target, title in titles.items() if target.startswith("business.fields.")]
    samples = row.format.get("samples", [])
    columns = []
    for n, name in enumerate(row.columns):
        cells = [cells[n] for cells in samples if n < len(cells) and cells[n].strip()]
        columns.append(
            {"n": n, "name": name, "samples": cells[:3], "new": _new(name, row.mapping.get(name, ""), titles)}
        )
    return {
        "contact_targets": contact,
        "business_targets": business,
        "columns": columns,
        "consents": CONSENTS,
    }


def _new(name: str, target: str, titles: dict[str, str]) -> list[str]:
    """Targets that would be new custom fields, for this column."""
    from autoloop.businesses.csvfile.columns import key_of

    key = key_of(name)
    offered = [f"fields.{key}", f"business.fields.{key}"] if key else []
    if target and "fields." in target and target not in offered:
        offered.append(target)
    return [each for each in offered if each not in titles]
