"""Links and pictures of tracked mail: on to where they lead, whatever becomes of the counting.

No session, no cookie. A link leads only where its email leads; all others show a page.
"""

from __future__ import annotations

import logging
from base64 import b64decode
from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from autoloop.mail.tracking.following import Following, location_of
from autoloop.mail.tracking.machines import machine_sign, wants_no_record
from autoloop.mail.tracking.recording import Recording, may_record
from autoloop.mail.tracking.resources import TouchLink
from autoloop.mail.tracking.tokens import Touch
from autoloop.web import page
from autoloop.web.permissions import Permission

log = logging.getLogger(__name__)

# One transparent pixel.
PICTURE = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@page(context=TouchLink, permission=Permission.PUBLIC, template="autoloop.mail:tracking/broken.jinja2")
def touched(context: TouchLink, request: Request) -> Any:
    """GET and HEAD."""
    touch = context.touch
    target = email = None
    if touch is not None:
        with request.runtime.unit("web", touch.workspace_id) as services:
            following = services(Following)
            email = following.email(touch)
            if email is not None and touch.link:
                target = following.target(email, touch)
    if email is not None and touch is not None and (target or not touch.link):
        note(request, email, touch, target)
    if touch is not None and not touch.link:
        return picture(request)
    if email is not None:
        request.speak(email.locale, email.workspace_locale)
    return on_to(request, location_of(target)) if target else broken(request)


def note(request: Request, email: Any, touch: Touch, target: str | None) -> None:
    """Count it, if it may be. Whatever keeps it from being written keeps nobody from going on."""
    if not may_record(email) or wants_no_record(request.headers):
        return
    try:
        with request.runtime.unit("web", touch.workspace_id) as services:
            secure = request.runtime.settings.public_url.startswith("https:")
            sign = machine_sign(request.method, request.headers, link=bool(touch.link), secure=secure)
            services(Recording).record(email, touch, target, sign)
    except Exception:
        log.exception("an open or a click could not be written down")


def on_to(request: Request, location: str) -> Response:
    """The way on. The next site learns neither this address nor who came."""
    request.header_profile = "public_link"
    response = Response(status=302, content_type="text/plain", charset="utf-8")
    response.headers["Location"] = location
    response.headers["Cache-Control"] = "no-store"
    return response


def picture(request: Request) -> Response:
    """The picture, never kept by anybody on the way."""
    request.header_profile = "public_asset"
    response = Response(PICTURE, content_type="image/gif")
    response.headers["Cache-Control"] = "private, no-store, no-cache, max-age=0"
    return response


def broken(request: Request) -> dict[str, Any]:
    request.response.status = 404
    request.response.cache_control = "no-store"
    return {}
