"""The HTML door of accounts: signing in, up and out, and one's own account."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.accounts import cookies, schemas, services
from autoloop.accounts.forms import fields_of, posted, posted_text, timezone_options
from autoloop.accounts.resources import Auth, Me, Method, OwnSession
from autoloop.accounts.sign_in import attempt, check_password, refused, sign_up
from autoloop.accounts.views import end_session, session_row
from autoloop.base.errors import AutoLoopError, Conflict, Invalid, NotFound, TooMany
from autoloop.plugins.auth import Denied
from autoloop.web import page
from autoloop.web.input import checked
from autoloop.web.permissions import Permission
from autoloop.web.refusals import refuse

SIGN_IN = "autoloop.accounts:templates/sign_in.jinja2"
SIGN_UP = "autoloop.accounts:templates/sign_up.jinja2"
ME = "autoloop.accounts:templates/me.jinja2"


@page(context=Auth, name="sign-in", permission=Permission.PUBLIC, template=SIGN_IN)
def sign_in_form(context: Auth, request: Request) -> Any:
    if request.identity is not None:
        return HTTPSeeOther(request.application_url + cookies.landing(request.GET.get("next")))
    return sign_in_page(request)


@page(context=Method, method="POST", permission=Permission.PUBLIC, template=SIGN_IN)
def sign_in(context: Method, request: Request) -> Any:
    given: dict[str, Any] = {}
    try:
        given = posted_text(request)
        outcome = attempt(request, context.plugin, checked(context.plugin.Form(), given))
    except (Invalid, TooMany) as error:
        return sign_in_page(request, context.plugin.name, given, error)
    if isinstance(outcome, Denied):
        return sign_in_page(request, context.plugin.name, given, refused(outcome))
    return HTTPSeeOther(request.application_url + cookies.landing(request.POST.get("next")))


@page(context=Auth, method="POST", name="sign-out", permission=Permission.PUBLIC)
def sign_out(context: Auth, request: Request) -> Any:
    end_session(request)
    return HTTPSeeOther(request.resource_url(context, "sign-in"))


@page(context=Auth, name="sign-up", permission=Permission.PUBLIC, template=SIGN_UP)
def sign_up_form(context: Auth, request: Request) -> Any:
    if not request.runtime.settings.sign_up:
        raise NotFound
    if not request.services(services.Users).any():
        return HTTPSeeOther(request.resource_url(context, "sign-in"))  # which says what to do first
    return {"given": {}, "error": None}


@page(context=Auth, method="POST", name="sign-up", permission=Permission.PUBLIC, template=SIGN_UP)
def new_account(context: Auth, request: Request) -> Any:
    given: dict[str, Any] = {}
    try:
        given = posted_text(request)
        sign_up(request, checked(schemas.SignUp(), given))
    except (Invalid, Conflict, TooMany) as error:
        return {"given": shown(given), "error": refuse(request, error)}
    return HTTPSeeOther(request.application_url + cookies.landing(None))


@page(context=Me, permission=Permission.SIGNED_IN, template=ME)
def me(context: Me, request: Request) -> dict[str, Any]:
    return me_page(context, request)


@page(context=Me, method="POST", permission=Permission.OWN_ACCOUNT, template=ME)
def change_me(context: Me, request: Request) -> Any:
    try:
        request.services(services.Users).change(context.row, posted(request, schemas.ChangeMe()))
    except Invalid as error:
        return me_page(context, request, profile=error)
    return HTTPSeeOther(request.resource_url(context, query={"done": "profile"}))


@page(context=Me, method="POST", name="password", permission=Permission.OWN_ACCOUNT, template=ME)
def change_password(context: Me, request: Request) -> Any:
    error: AutoLoopError | None
    try:
        error = check_password(request, context.row, posted(request, schemas.ChangePassword()))
    except Invalid as invalid:
        error = invalid
    if error is not None:
        return me_page(context, request, password=error)
    return HTTPSeeOther(request.resource_url(context, query={"done": "password"}))


@page(context=OwnSession, method="POST", name="end", permission=Permission.OWN_ACCOUNT)
def end(context: OwnSession, request: Request) -> Any:
    if context.row.id == request.identity.session_id:
        end_session(request)
        return HTTPSeeOther(request.application_url + "/auth/sign-in")
    request.services(services.Sessions).end(request.identity.user_id, context.row.id)
    return HTTPSeeOther(request.application_url + "/me?done=session")


def sign_in_page(
    request: Request,
    method: str | None = None,
    given: dict[str, Any] | None = None,
    error: AutoLoopError | None = None,
) -> dict[str, Any]:
    if isinstance(error, TooMany):
        request.response.headers["Retry-After"] = str(error.retry_after)
    methods = [
        {"name": each.name, "title": each.title, "icon": each.icon, "fields": fields_of(each)}
        for each in request.services(services.SignIn).methods()
    ]
    return {
        "methods": methods,
        "tried": method,
        "given": shown(given or {}),
        "error": refuse(request, error),
        "next": cookies.landing(request.params.get("next")),
        "sign_up": request.runtime.settings.sign_up,
        "unclaimed": not request.services(services.Users).any(),
    }


def shown(given: dict[str, Any]) -> dict[str, Any]:
    """What may be put into the form again: never a secret."""
    return {field: value for field, value in given.items() if field in ("name", "email")}


def me_page(
    context: Me,
    request: Request,
    *,
    profile: AutoLoopError | None = None,
    password: AutoLoopError | None = None,
) -> dict[str, Any]:
    held = request.services(services.Sessions).of(request.identity.user_id)
    return {
        "user": context.row,
        "sessions": [session_row(each, request) for each in held],
        "timezone_options": timezone_options(),
        "profile_error": refuse(request, profile),
        "password_error": refuse(request, password),
        "done": request.GET.get("done"),
    }
