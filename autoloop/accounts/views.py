"""The JSON door of accounts."""

from __future__ import annotations

from typing import Any

from pyramid.csrf import get_csrf_token
from pyramid.request import Request
from pyramid.response import Response

from autoloop.accounts import cookies, schemas, services
from autoloop.accounts.forms import fields_of
from autoloop.accounts.resources import Auth, Me, Method, OwnSession, OwnSessions
from autoloop.accounts.sign_in import attempt, check_password, refused, sign_up
from autoloop.plugins.auth import Denied
from autoloop.web import Page, api_view
from autoloop.web.input import checked
from autoloop.web.permissions import Permission
from autoloop.web.problems import problem


@api_view(context=Auth, permission=Permission.PUBLIC, out=schemas.MethodsOut)
def methods(context: Auth, request: Request) -> dict[str, Any]:
    """The ways to sign in, with their fields, and a CSRF token to do it with."""
    found = [
        {"name": each.name, "title": str(each.title), "icon": each.icon, "fields": fields_of(each)}
        for each in request.services(services.SignIn).methods()
    ]
    sign_up = request.runtime.settings.sign_up
    return {"methods": found, "sign_up": sign_up, "csrf_token": get_csrf_token(request)}


@api_view(context=Method, method="POST", permission=Permission.PUBLIC, body=schemas.AnyForm, status=200)
def sign_in(context: Method, request: Request) -> Any:
    """Sign in by this method. The answer sets the session's cookies."""
    outcome = attempt(request, context.plugin, checked(context.plugin.Form(), request.validated))
    if isinstance(outcome, Denied):
        return problem(request, refused(outcome))
    return {"session_id": str(outcome.session_id)}


@api_view(context=Auth, method="POST", name="sign-out", permission=Permission.PUBLIC)
def sign_out(context: Auth, request: Request) -> None:
    """End this session, if there is one."""
    end_session(request)


@api_view(context=Auth, method="POST", name="sign-up", permission=Permission.PUBLIC, body=schemas.SignUp)
def new_account(context: Auth, request: Request) -> dict[str, Any]:
    """Make an account and sign in, where the installation lets strangers in."""
    return {"session_id": str(sign_up(request, request.validated).session_id)}


@api_view(context=Me, permission=Permission.SIGNED_IN, out=schemas.MeOut)
def me(context: Me, request: Request) -> dict[str, Any]:
    """Who you are."""
    return me_row(context, request)


@api_view(
    context=Me, method="PATCH", permission=Permission.OWN_ACCOUNT, body=schemas.ChangeMe, out=schemas.MeOut
)
def change_me(context: Me, request: Request) -> dict[str, Any]:
    """Change your name, time zone or language."""
    request.services(services.Users).change(context.row, request.validated)
    return me_row(context, request)


@api_view(
    context=Me,
    method="POST",
    name="password",
    permission=Permission.OWN_ACCOUNT,
    body=schemas.ChangePassword,
)
def change_password(context: Me, request: Request) -> Response | None:
    """Change your password. Ends your sessions elsewhere and renews this one."""
    denied = check_password(request, context.row, request.validated)
    return problem(request, denied) if denied else None


@api_view(context=OwnSessions, permission=Permission.OWN_ACCOUNT, out=schemas.SessionOut, many=True)
def sessions(context: OwnSessions, request: Request) -> Page:
    """Where you are signed in. At most 200, the one used last first."""
    held = request.services(services.Sessions).of(request.identity.user_id)
    rows = [session_row(each, request) for each in held[: request.filters["limit"]]]
    return Page(rows, total=len(held))


@api_view(context=OwnSession, permission=Permission.OWN_ACCOUNT, out=schemas.SessionOut)
def session(context: OwnSession, request: Request) -> dict[str, Any]:
    """One of your sessions."""
    return session_row(context.row, request)


@api_view(context=OwnSession, method="DELETE", permission=Permission.OWN_ACCOUNT)
def end(context: OwnSession, request: Request) -> None:
    """End this session, at once."""
    request.services(services.Sessions).end(request.identity.user_id, context.row.id)


def end_session(request: Request) -> None:
    identity = request.identity
    if identity is not None and identity.session_id is not None:
        request.services(services.Sessions).end(identity.user_id, identity.session_id)
    cookies.drop(request)


def me_row(context: Me, request: Request) -> dict[str, Any]:
    row, kind = context.row, request.identity.kind
    token = get_csrf_token(request) if kind == "session" else None
    fields = ("name", "email", "is_admin", "timezone", "locale")
    values = {field: getattr(row, field) for field in fields}
    return {"id": str(row.id), "signed_in_by": kind, "csrf_token": token, **values}


def session_row(row: Any, request: Request) -> dict[str, Any]:
    fields = ("id", "method", "user_agent", "address", "created_at", "last_seen_at")
    return {field: getattr(row, field) for field in fields} | {
        "current": row.id == request.identity.session_id
    }
