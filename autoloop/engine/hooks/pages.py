"""Pages of webhooks: the list, and one with its mapping and the last body that came in."""

from __future__ import annotations

from typing import Any

import orjson
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.i18n import TranslationString
from pyramid.request import Request

from autoloop.accounts.forms import posted_text
from autoloop.base.errors import AutoLoopError, Conflict, Invalid
from autoloop.base.i18n import _
from autoloop.engine.hooks import schemas
from autoloop.engine.hooks.bodies import paths
from autoloop.engine.hooks.resources import Hook, Hooks
from autoloop.engine.hooks.services import TARGETS
from autoloop.engine.hooks.services import Hooks as HookService
from autoloop.engine.models import IncomingHook
from autoloop.web import page
from autoloop.web.flash import say
from autoloop.web.input import checked
from autoloop.web.permissions import Permission
from autoloop.web.refusals import refuse

HERE = "autoloop.engine:hooks/templates/"
REFUSALS = (Invalid, Conflict)

SCHEMES = [
    ("none", _("none: the address is the secret")),
    ("standard", _("Standard Webhooks")),
    ("github", _("GitHub (X-Hub-Signature-256)")),
    ("plain", _("the secret itself, in a header")),
]


@page(context=Hooks, permission=Permission.PUBLISH, template=HERE + "hooks.jinja2")
def hooks_page(context: Hooks, request: Request) -> dict[str, Any]:
    return listed(request, {})


@page(context=Hooks, method="POST", permission=Permission.PUBLISH, template=HERE + "hook.jinja2")
def create_hook(context: Hooks, request: Request) -> Any:
    service = request.services(HookService)
    try:
        given = {"mapping": {"email": "email"}} | posted_text(request)
        row, token = service.create(checked(schemas.CreateHook(), given))
    except REFUSALS as error:
        request.override_renderer = HERE + "hooks.jinja2"
        return listed(request, dict(request.POST), error)
    return shown(request, row, url=service.url(token))


@page(context=Hook, permission=Permission.PUBLISH, template=HERE + "hook.jinja2")
def hook_page(context: Hook, request: Request) -> dict[str, Any]:
    return shown(request, context.row)


@page(context=Hook, method="POST", permission=Permission.PUBLISH, template=HERE + "hook.jinja2")
def change_hook(context: Hook, request: Request) -> Any:
    row = context.row
    try:
        request.services(HookService).change(row, checked(schemas.ChangeHook(), read_form(request)))
    except REFUSALS as error:
        return shown(request, row, error=error, given=dict(request.POST))
    return HTTPSeeOther(request.resource_url(context, query={"done": "saved"}))


@page(
    context=Hook, name="rotate", method="POST", permission=Permission.PUBLISH, template=HERE + "hook.jinja2"
)
def rotate_hook(context: Hook, request: Request) -> dict[str, Any]:
    service = request.services(HookService)
    token = service.rotate(context.row)
    return shown(request, context.row, url=service.url(token))


@page(context=Hook, name="remove", method="POST", permission=Permission.PUBLISH)
def remove_hook(context: Hook, request: Request) -> Any:
    try:
        request.services(HookService).remove(context.row)
    except Conflict as error:
        say(request, error.message, refused=True)
        return HTTPSeeOther(request.resource_url(context))
    return HTTPSeeOther(request.resource_url(context.__parent__))


def read_form(request: Request) -> dict[str, Any]:
    """The page sends all of its fields: what is empty is emptied, a box that is not ticked is off."""
    given: dict[str, Any] = dict(posted_text(request))
    lines = given.pop("mapping", "").splitlines()
    mapping = {}
    for number, line in enumerate((line for line in lines if line.strip()), 1):
        name, sign, path = line.partition("=")
        if not sign or name.strip() in mapping:
            raise Invalid(details={"mapping": [_lined(number)]})
        mapping[name.strip()] = path.strip()
    given |= {"mapping": mapping, "event_id_path": given.get("event_id_path", "")}
    return given | {"creates": given.get("creates", "false"), "is_active": given.get("is_active", "false")}


def _lined(number: int) -> TranslationString:
    return _(
        "Line ${number}: write each field once, as “email = customer.email”.", mapping={"number": number}
    )


def listed(request: Request, given: dict[str, Any], error: AutoLoopError | None = None) -> dict[str, Any]:
    rows = request.db.scalars(request.services(HookService).rows().order_by(IncomingHook.name)).all()
    return {"rows": rows, "given": given, "error": refuse(request, error)}


def shown(
    request: Request,
    row: IncomingHook,
    *,
    url: str | None = None,
    error: AutoLoopError | None = None,
    given: dict[str, Any] | None = None,
) -> dict[str, Any]:
    sample = orjson.dumps(row.sample, option=orjson.OPT_INDENT_2).decode() if row.sample else None
    written = {
        "name": row.name,
        "scheme": row.scheme,
        "header": row.header,
        "event_id_path": row.event_id_path,
        "creates": row.creates,
        "is_active": row.is_active,
        "mapping": "\n".join(f"{name} = {path}" for name, path in row.mapping.items()),
    }
    return {
        "row": row,
        "here": f"{request.resource_path(_collection(request))}{row.id}/",
        "hooks": request.resource_path(_collection(request)),
        "given": given if given is not None else written,
        "error": refuse(request, error),
        "url": url,
        "sample": sample,
        "found": paths(row.sample) if row.sample else [],
        "schemes": SCHEMES,
        "targets": TARGETS,
        "address": url or f"{request.services(HookService).url('…')}{row.token_hint}",
    }


def _collection(request: Request) -> Hooks:
    place = request.context
    return place if isinstance(place, Hooks) else place.__parent__
