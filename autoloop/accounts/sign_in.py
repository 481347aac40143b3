"""What both doors do at sign-in: the address's limit, the attempt, the cookies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyramid.request import Request

from autoloop.accounts import cookies, services
from autoloop.accounts.models import User
from autoloop.accounts.services.sessions import Tokens
from autoloop.base.errors import AutoLoopError, Conflict, Invalid, NotFound, TooMany, Unauthenticated
from autoloop.base.i18n import _
from autoloop.plugins.auth import AuthMethod, Denied
from autoloop.web.traffic import network

__all__ = ["attempt", "begin", "check_password", "limit", "refused", "sign_up"]


def limit(request: Request) -> None:
    """So many tries a minute for one network address. Raises TooMany."""
    allowed = request.runtime.settings.sign_in_limit_per_minute
    verdict = request.registry.limits.hit("sign-in", network(request.client_address), allowed, 60)
    if not verdict.ok:
        raise TooMany(retry_after=verdict.reset)


def attempt(request: Request, method: AuthMethod, given: Mapping[str, Any]) -> Tokens | Denied:
    """Try to sign in; sets the cookies if it works."""
    limit(request)
    outcome = request.services(services.SignIn).attempt(method, given, **_browser(request))
    if not isinstance(outcome, Denied):
        _replace(request, outcome)
    return outcome


def begin(request: Request, user: User, method: str) -> Tokens:
    """Start a session for a person who has just proved who they are."""
    tokens = request.services(services.Sessions).start(user.id, method=method, **_browser(request))
    _replace(request, tokens)
    return tokens


def sign_up(request: Request, given: Mapping[str, Any]) -> Tokens:
    """A new account for a stranger, where the installation allows it: NotFound where not. Raises Conflict while
    nobody has claimed the installation: the first account is its administrator's, and the link would be void."""
    if not request.runtime.settings.sign_up:
        raise NotFound
    limit(request)
    users = request.services(services.Users)
    if not users.any():
        raise Conflict(
            _("This installation has no owner yet. Open the link that AutoLoop printed when it started."),
            code="UNCLAIMED",
        )
    user = users.create(given["email"], given["name"], given["password"])
    return begin(request, user, "password")


def refused(denied: Denied) -> AutoLoopError:
    """The error that says so. To be returned, not raised: the count of failures must be kept."""
    if denied.retry_after:
        return TooMany(denied.message, retry_after=denied.retry_after, code="SIGN_IN_DELAYED")
    return Unauthenticated(denied.message, code="SIGN_IN_FAILED")


def check_password(request: Request, user: User, given: Mapping[str, Any]) -> AutoLoopError | None:
    """Change the password if the present one is right; else the error, to be returned and not raised."""
    verdict = request.services(services.SignIn).verify_password(user.email, given["current"])
    if verdict.wait:
        return TooMany(_("There were too many attempts. Wait a little."), retry_after=verdict.wait)
    if verdict.user_id != user.id:
        return Invalid(details={"current": [_("This is not your present password.")]})
    request.services(services.Users).set_password(user, given["password"])
    sessions = request.services(services.Sessions)
    sessions.end_others(user.id, request.identity.session_id)
    cookies.give(request, sessions.restart(request.identity.session_id))
    return None


def _replace(request: Request, tokens: Tokens) -> None:
    """The browser's session is this one now; the one it had ends."""
    identity = request.identity
    if identity is not None and identity.session_id is not None:
        request.services(services.Sessions).end(identity.user_id, identity.session_id)
    cookies.give(request, tokens)


def _browser(request: Request) -> dict[str, str]:
    return {"user_agent": request.user_agent or "", "address": request.client_address}
