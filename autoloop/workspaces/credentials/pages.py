"""Pages of credentials."""

from __future__ import annotations

from typing import Any

import orjson
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.accounts.forms import posted_text
from autoloop.base.errors import AutoLoopError, Conflict, Invalid
from autoloop.base.i18n import _
from autoloop.web import page
from autoloop.web.input import checked
from autoloop.web.permissions import Permission
from autoloop.web.refusals import refuse
from autoloop.workspaces.credentials import resources, schemas
from autoloop.workspaces.credentials.kinds import kinds
from autoloop.workspaces.credentials.models import Credential
from autoloop.workspaces.credentials.services import Credentials

HERE = "autoloop.workspaces:credentials/templates/"
REFUSALS = (Invalid, Conflict)
MANAGE = Permission.MANAGE_CREDENTIALS


@page(context=resources.Credentials, permission=MANAGE, template=HERE + "credentials.jinja2")
def credentials(context: resources.Credentials, request: Request) -> dict[str, Any]:
    return list_page(request, {})


@page(context=resources.Credentials, method="POST", permission=MANAGE, template=HERE + "credentials.jinja2")
def create_credential(context: resources.Credentials, request: Request) -> Any:
    try:
        given = parts(posted_text(request))
        request.services(Credentials).create(checked(schemas.CreateCredential(), {"data": {}} | given))
    except REFUSALS as error:
        return list_page(request, dict(request.POST), error)
    return HTTPSeeOther(request.resource_url(context, query={"done": "kept"}))


@page(context=resources.Credential, permission=MANAGE, template=HERE + "credential.jinja2")
def credential(context: resources.Credential, request: Request) -> dict[str, Any]:
    return row_page(request, context.row, {})


@page(context=resources.Credential, method="POST", permission=MANAGE, template=HERE + "credential.jinja2")
def change_credential(context: resources.Credential, request: Request) -> Any:
    row = context.row
    try:
        given = parts(posted_text(request))
        request.services(Credentials).change(row.id, checked(schemas.ChangeCredential(), given))
    except REFUSALS as error:
        return row_page(request, row, dict(request.POST), error)
    return HTTPSeeOther(request.resource_url(context, query={"done": "saved"}))


@page(
    context=resources.Credential,
    name="remove",
    method="POST",
    permission=MANAGE,
    template=HERE + "credential.jinja2",
)
def remove_credential(context: resources.Credential, request: Request) -> Any:
    row = context.row
    try:
        request.services(Credentials).remove(row.id)
    except Conflict as error:
        return row_page(request, row, {}, error)
    return HTTPSeeOther(request.resource_url(context.__parent__))


def list_page(request: Request, given: dict[str, Any], error: AutoLoopError | None = None) -> dict[str, Any]:
    rows = request.db.execute(request.services(Credentials).rows().order_by(Credential.name).limit(500))
    known = kinds()
    chosen = given.get("kind") or request.GET.get("kind") or ""
    kind = next((each for each in known if each["name"] == chosen), None)
    return {
        "rows": list(rows),
        "kinds": known,
        "titles": {each["name"]: each["title"] for each in known},
        "kind": kind,
        "fields": fields(kind, {}) if kind else [],
        "given": shown(given),
        "error": refuse(request, error),
    }


def row_page(
    request: Request, row: Any, given: dict[str, Any], error: AutoLoopError | None = None
) -> dict[str, Any]:
    kind = next(each for each in kinds() if each["name"] == row.kind)
    return {
        "row": row,
        "kind": kind,
        "fields": fields(kind, row.config, known=True),
        "given": {"name": row.name} | shown(given),
        "error": refuse(request, error),
    }


def fields(kind: dict[str, Any], config: dict[str, Any], *, known: bool = False) -> list[dict[str, Any]]:
    """A credential's parts as form fields. A secret one is never filled in."""
    required = kind["config"]["required"]
    return [
        {
            "name": f"data.{name}",
            "title": spec.get("title", name),
            "secret": name in kind["secrets"],
            "long": spec.get("type") == "object",
            "value": "" if name in kind["secrets"] else config.get(name, spec.get("default", "")),
            "required": name in required and not (known and name in kind["secrets"]),
        }
        for name, spec in kind["config"]["properties"].items()
    ]


def parts(given: dict[str, str]) -> dict[str, Any]:
    """`data.token` and its like as one mapping under `data`; the one long part is JSON."""
    data: dict[str, Any] = {
        key.removeprefix("data."): value for key, value in given.items() if key.startswith("data.")
    }
    if "data" in data:
        try:
            data["data"] = orjson.loads(data["data"])
        except ValueError:
            raise Invalid(details={"data.data": [_("This is no JSON.")]}) from None
    rest: dict[str, Any] = {key: value for key, value in given.items() if not key.startswith("data.")}
    return rest | ({"data": data} if data else {})


def shown(given: dict[str, Any]) -> dict[str, Any]:
    """What was typed, without what may be secret: it is typed again."""
    return {key: value for key, value in given.items() if key in ("name", "kind")}
