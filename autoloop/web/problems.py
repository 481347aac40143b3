"""Errors as answers: one JSON shape behind the one door, one page behind the other."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from pyramid.config import Configurator
from pyramid.exceptions import BadCSRFOrigin, BadCSRFToken
from pyramid.httpexceptions import HTTPException, HTTPForbidden, HTTPNotFound, HTTPSeeOther
from pyramid.renderers import render
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.orm.exc import StaleDataError

from autoloop.base.errors import (
    AutoLoopError,
    Conflict,
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotFound,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from autoloop.web.answers import json_response
from autoloop.web.refusals import told

log = logging.getLogger(__name__)

MET = "Someone else changed this at the same moment. Load it again and repeat your change."


def includeme(config: Configurator) -> None:
    config.add_exception_view(known, context=AutoLoopError)
    config.add_exception_view(http, context=HTTPException)
    config.add_exception_view(csrf, context=BadCSRFToken)
    config.add_exception_view(csrf, context=BadCSRFOrigin)
    config.add_exception_view(database, context=DBAPIError)
    config.add_exception_view(gone, context=StaleDataError)
    config.add_exception_view(unreadable, context=UnicodeDecodeError)
    config.add_exception_view(unexpected, context=Exception)
    config.add_forbidden_view(forbidden)
    config.add_notfound_view(not_found)


def known(error: AutoLoopError, request: Request) -> Response:
    if isinstance(error, Unauthenticated) and request.door == "page" and request.method in ("GET", "HEAD"):
        return HTTPSeeOther(request.relative_url("/auth/sign-in", to_application=True) + _next(request))
    return problem(request, error)


def _next(request: Request) -> str:
    from urllib.parse import quote

    return "?next=" + quote(request.path_qs, safe="")


def not_found(error: HTTPNotFound, request: Request) -> Response:
    """No view: another method, a view of another name, or nothing at all."""
    context = getattr(request, "context", None)
    if context is not None and request.view_name == "" and _methods(request, context):
        return problem(request, MethodNotAllowed(), {"Allow": ", ".join(_methods(request, context))})
    return problem(request, NotFound())


def _methods(request: Request, context: Any) -> list[str]:
    """The methods that this door would take at this place."""
    views = request.registry.introspector.get_category("views") or []
    route = "api" if request.door == "api" else None
    found = set()
    for entry in views:
        view = entry["introspectable"]
        methods = view["request_methods"] or ()
        place = view["context"]
        if (
            view["name"] == ""
            and view["route_name"] == route
            and isinstance(place, type)
            and isinstance(context, place)
        ):
            found.update((methods,) if isinstance(methods, str) else methods)
    found.discard(request.method)
    return sorted(found)


def forbidden(error: HTTPForbidden, request: Request) -> Response:
    return known(Unauthenticated(), request) if request.identity is None else problem(request, Forbidden())


def csrf(error: Exception, request: Request) -> Response:
    message = "This form is too old or came from another site. Load the page again and repeat."
    return problem(request, Forbidden(message, code="BAD_CSRF_TOKEN"))


def http(error: HTTPException, request: Request) -> Response:
    if error.status_int < 400:
        return error
    names = {405: MethodNotAllowed(), 404: NotFound(), 403: Forbidden(), 401: Unauthenticated()}
    fallback = Invalid(error.detail or error.explanation or error.title, code=f"HTTP_{error.status_int}")
    fallback.status = error.status_int
    return problem(request, names.get(error.status_int, fallback))


def database(error: DBAPIError, request: Request) -> Response:
    """What the database refused: data it cannot hold is the caller's, a lost connection nobody's."""
    state = getattr(error.orig, "sqlstate", None) or ""
    unsent = isinstance(error, DataError) and not state  # psycopg itself refused it
    if state.startswith("22") or unsent:
        log.info("data that cannot be stored: %s", type(error.orig).__name__)
        return problem(request, Invalid("A value is out of range or has characters that cannot be stored."))
    if state in ("23503", "23505"):
        log.warning("two changes met", exc_info=error)
        return problem(request, Conflict(MET, code="CHANGED_MEANWHILE"))
    if state in ("55P03", "57014"):
        return problem(request, Unavailable("The database was too busy with these rows. Try again shortly."))
    if isinstance(error, OperationalError) and (not state or state[:2] in ("08", "57", "53")):
        log.warning("the database does not answer: %s", error.orig)
        return problem(request, Unavailable("The database does not answer right now. Try again shortly."))
    return unexpected(error, request)


def gone(error: StaleDataError, request: Request) -> Response:
    """What was to be changed was removed between reading and writing."""
    log.warning("two changes met", exc_info=error)
    return problem(request, Conflict(MET, code="CHANGED_MEANWHILE"))


def unreadable(error: UnicodeDecodeError, request: Request) -> Response:
    """A form, a cookie or a header whose octets are no UTF-8: WebOb decodes when it is read."""
    log.warning("undecodable input", exc_info=error)
    return problem(request, Invalid("Some of what was sent is not UTF-8.", code="BAD_ENCODING"))


def unexpected(error: Exception, request: Request) -> Response:
    log.error("unexpected error", exc_info=error)
    report(error)
    return problem(
        request, AutoLoopError(f"Something went wrong on our side. Mention the number {request.id}.")
    )


def report(error: Exception) -> None:
    import sentry_sdk

    sentry_sdk.capture_exception(error)


def problem(request: Request, error: AutoLoopError, headers: dict[str, str] | None = None) -> Response:
    """The answer for an error. Strangers' answers hold nothing of the request, so that all are alike."""
    response = _json(request, error) if request.door == "api" else _page(request, error)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="autoloop"'
    response.headers.update(headers or {})
    response.cache_control = "no-store"
    return response


def _json(request: Request, error: AutoLoopError) -> Response:
    said = told(request, error)
    body = {
        "success": False,
        "error": said.message,
        "code": error.code,
        "details": said.details,
        "timestamp": datetime.now(UTC).isoformat(),
    }
    return json_response(body, error.status)


def _page(request: Request, error: AutoLoopError) -> Response:
    said = told(request, error)
    values = {
        "status": error.status,
        "code": error.code,
        "message": said.message,
        "details": said.details,
        "request_id": request.id if error.status >= 500 else None,
        "retry_after": getattr(error, "retry_after", None),
    }
    body = render("autoloop.web:layout/templates/problem.jinja2", values, request)
    return Response(body, status=error.status, content_type="text/html", charset="utf-8")
