"""The HTML door of workspaces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.accounts.forms import posted, posted_text, timezone_options, told
from autoloop.accounts.models import ApiKey as ApiKeyRow
from autoloop.accounts.models import User
from autoloop.accounts.resources import Auth
from autoloop.accounts.services import ApiKeys as KeyService
from autoloop.accounts.services import Claims
from autoloop.accounts.sign_in import begin, limit
from autoloop.base.errors import AutoLoopError, Conflict, Forbidden, Invalid, NotFound, TooMany
from autoloop.base.i18n import _
from autoloop.web import page
from autoloop.web.input import checked, read_query
from autoloop.web.permissions import Permission
from autoloop.workspaces import schemas, services
from autoloop.workspaces.keys import create_key, revoke_key
from autoloop.workspaces.mail_limits import read_form
from autoloop.workspaces.models import ROLE_NAMES
from autoloop.workspaces.overview import overview_facts, overview_list
from autoloop.workspaces.resources import (
    ApiKey,
    ApiKeys,
    Audit,
    Member,
    Members,
    Settings,
    Workspace,
    Workspaces,
)
from autoloop.workspaces.views import audit_rows, role

TEMPLATES = "autoloop.workspaces:templates/"
REFUSALS = (Invalid, Conflict, Forbidden)
EXPIRY_DAYS = (30, 90, 365)
WEEKDAYS = (
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
)


@page(context=Auth, name="claim", permission=Permission.PUBLIC, template=TEMPLATES + "claim.jinja2")
def claim_form(context: Auth, request: Request) -> dict[str, Any]:
    token = request.GET.get("token", "")
    if not request.services(Claims).holds(token):
        request.response.status = 404
    return {
        "token": token,
        "given": {},
        "error": None,
        "holds": request.response.status_int == 200,
    }


@page(
    context=Auth,
    method="POST",
    name="claim",
    permission=Permission.PUBLIC,
    template=TEMPLATES + "claim.jinja2",
)
def claim(context: Auth, request: Request) -> Any:
    token = str(request.POST.get("token", ""))
    given: dict[str, Any] = {}
    try:
        limit(request)
        given = posted_text(request)
        user, workspace = request.services(services.Claiming).claim(
            checked(schemas.Claim(), given | {"token": token})
        )
    except (Invalid, Conflict, NotFound, TooMany) as error:
        refuse(request, error)
        given.pop("password", None)
        holds = not isinstance(error, NotFound)
        return {"token": token, "given": given, "error": told(request, error), "holds": holds}
    begin(request, user, "claim")
    return HTTPSeeOther(f"{request.application_url}/w/{workspace.slug}")


@page(context=Workspaces, permission=Permission.SIGNED_IN, template=TEMPLATES + "chooser.jinja2")
def chooser(context: Workspaces, request: Request) -> Any:
    rows = chooser_rows(request)
    if len(rows) == 1 and "all" not in request.GET:
        return HTTPSeeOther(request.resource_url(context, rows[0].slug))
    return {"rows": rows, "given": {}, "error": None}


@page(
    context=Workspaces,
    method="POST",
    permission=Permission.CREATE_WORKSPACE,
    template=TEMPLATES + "chooser.jinja2",
)
def create_workspace(context: Workspaces, request: Request) -> Any:
    given: dict[str, Any] = {}
    try:
        given = posted(request, schemas.CreateWorkspace())
        made = request.services(services.Workspaces).create(
            given["name"], request.identity.user_id, slug=given["slug"], timezone=given["timezone"]
        )
    except REFUSALS as error:
        refuse(request, error)
        return {"rows": chooser_rows(request), "given": given, "error": told(request, error)}
    return HTTPSeeOther(request.resource_url(context, made.slug))


@page(context=Workspace, permission=Permission.READ, template=TEMPLATES + "overview.jinja2")
def overview(context: Workspace, request: Request) -> dict[str, Any]:
    facts = [
        {**fact, "href": request.resource_url(context, fact["path"]) if fact.get("path") else None}
        for fact in overview_facts(request.services)
    ]
    base = request.resource_url(context)
    return {
        "workspace": context.row,
        "facts": facts,
        "base": base,
        "attention": overview_list(request.services, "attention"),
        "checklist": overview_list(request.services, "checklist"),
        "daily": overview_list(request.services, "daily"),
    }


@page(context=Settings, permission=Permission.READ, template=TEMPLATES + "settings.jinja2")
def settings(context: Settings, request: Request) -> dict[str, Any]:
    return settings_page(context, request)


@page(
    context=Settings,
    method="POST",
    permission=Permission.MANAGE_WORKSPACE,
    template=TEMPLATES + "settings.jinja2",
)
def change_settings(context: Settings, request: Request) -> Any:
    given: dict[str, Any] = dict(posted_text(request))
    # An emptied field is a change here: the page always sends all of them.
    given = {"postal_address": "", **given} if "postal_address" in request.POST else given
    if "holidays" in request.POST:
        given["holidays"] = str(given.get("holidays", "")).split()
        given["working_days"] = [day for day in range(1, 8) if given.pop(f"day_{day}", None)]
    try:
        given = read_form(given)
        row = request.services(services.Workspaces).change(checked(schemas.ChangeSettings(), given))
    except REFUSALS as error:
        refuse(request, error)
        return settings_page(context, request, given, error)
    return HTTPSeeOther(f"{request.application_url}/w/{row.slug}/settings?done=settings")


@page(context=Members, permission=Permission.READ, template=TEMPLATES + "members.jinja2")
def members(context: Members, request: Request) -> dict[str, Any]:
    return members_page(context, request)


@page(
    context=Members,
    method="POST",
    permission=Permission.MANAGE_MEMBERS,
    template=TEMPLATES + "members.jinja2",
)
def add_member(context: Members, request: Request) -> Any:
    given: dict[str, Any] = {}
    try:
        given = posted(request, schemas.AddMember())
        request.services(services.Members).add_member(given["email"], given["role"], by=role(context))
    except REFUSALS as error:
        refuse(request, error)
        return members_page(context, request, given, error)
    return HTTPSeeOther(request.resource_url(context, query={"done": "added"}))


@page(
    context=Member,
    method="POST",
    permission=Permission.MANAGE_MEMBERS,
    template=TEMPLATES + "members.jinja2",
)
def change_member(context: Member, request: Request) -> Any:
    try:
        given = posted(request, schemas.ChangeMember())
        request.services(services.Members).change_role(context.row.id, given["role"], by=role(context))
    except REFUSALS as error:
        refuse(request, error)
        return members_page(context.__parent__, request, {}, error)
    return HTTPSeeOther(request.resource_url(context.__parent__, query={"done": "changed"}))


@page(
    context=Member,
    method="POST",
    name="remove",
    permission=Permission.MANAGE_MEMBERS,
    template=TEMPLATES + "members.jinja2",
)
def remove_member(context: Member, request: Request) -> Any:
    person = context.row.id
    try:
        request.services(services.Members).remove(person, by=role(context))
    except REFUSALS as error:
        refuse(request, error)
        return members_page(context.__parent__, request, {}, error)
    if person == request.identity.user_id:
        return HTTPSeeOther(f"{request.application_url}/w?all")
    return HTTPSeeOther(request.resource_url(context.__parent__, query={"done": "removed"}))


@page(context=ApiKeys, permission=Permission.MANAGE_KEYS, template=TEMPLATES + "api_keys.jinja2")
def api_keys(context: ApiKeys, request: Request) -> dict[str, Any]:
    return keys_page(context, request)


@page(
    context=ApiKeys,
    method="POST",
    permission=Permission.MANAGE_KEYS,
    template=TEMPLATES + "api_keys.jinja2",
)
def create_api_key(context: ApiKeys, request: Request) -> dict[str, Any]:
    """Shown on the answer itself, and nowhere after: a reload asks for another key."""
    given: dict[str, Any] = {}
    try:
        given = posted_text(request)
        scopes = ["read", "write"] if given.pop("scope", "read") == "write" else ["read"]
        days = given.pop("days", "")
        expires_at = datetime.now(UTC) + timedelta(days=int(days)) if days in map(str, EXPIRY_DAYS) else None
        wanted = checked(schemas.CreateApiKey(), given | {"scopes": scopes})
        _made, key = create_key(request.services, wanted["name"], wanted["scopes"], expires_at)
    except REFUSALS as error:
        refuse(request, error)
        return keys_page(context, request, given=given, error=error)
    request.response.cache_control = "no-store"
    return keys_page(context, request, key=key)


@page(context=ApiKey, method="POST", name="revoke", permission=Permission.MANAGE_KEYS)
def revoke_api_key(context: ApiKey, request: Request) -> Any:
    revoke_key(request.services, context.row.id)
    return HTTPSeeOther(request.resource_url(context.__parent__, query={"done": "revoked"}))


@page(context=Audit, permission=Permission.MANAGE_WORKSPACE, template=TEMPLATES + "audit.jinja2")
def audit(context: Audit, request: Request) -> dict[str, Any]:
    request.filters = read_query(request, schemas.AuditQuery(), many=True)
    return {"list": audit_rows(request)}


def refuse(request: Request, error: AutoLoopError) -> None:
    """The form is shown again with the error beside it."""
    request.response.status = 422 if isinstance(error, Invalid) else error.status


def chooser_rows(request: Request) -> list[Any]:
    query = request.services(services.Workspaces).of(request.identity.user_id)
    return list(request.db.execute(query.order_by("name").limit(200)))


def settings_page(
    context: Settings,
    request: Request,
    given: dict[str, Any] | None = None,
    error: AutoLoopError | None = None,
) -> dict[str, Any]:
    row = context.row
    fields = ["name", "slug", "postal_address", "timezone", "locale", "holidays", "working_days"]
    fields += ["company_cap", "sender_health", "tracking"]
    values = {field: getattr(row, field) for field in fields} | (given or {})
    return {
        "given": values,
        "error": told(request, error),
        "timezone_options": timezone_options(),
        "weekdays": WEEKDAYS,
    }


def members_page(
    context: Any,
    request: Request,
    given: dict[str, Any] | None = None,
    error: AutoLoopError | None = None,
) -> dict[str, Any]:
    rows = request.db.execute(
        request.services(services.Members).rows().order_by(User.name, User.id).limit(1000)
    )
    return {
        "rows": list(rows),
        "roles": ROLE_NAMES,
        "collection": context,
        "given": given or {},
        "error": told(request, error),
    }


def keys_page(
    context: ApiKeys,
    request: Request,
    *,
    key: str | None = None,
    given: dict[str, Any] | None = None,
    error: AutoLoopError | None = None,
) -> dict[str, Any]:
    query = request.services(KeyService).rows().order_by(ApiKeyRow.created_at.desc(), ApiKeyRow.id.desc())
    return {
        "rows": list(request.db.execute(query.limit(500))),
        "key": key,
        "given": given or {},
        "error": told(request, error),
        "day_options": [
            *((str(n), _("in ${n} days", mapping={"n": n}).interpolate()) for n in EXPIRY_DAYS),
            ("", _("never")),
        ],
        "now": datetime.now(UTC),
    }
