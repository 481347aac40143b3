"""What recipients see: the unsubscribe page, and the one click that mail programs make for them.

No session, no cookie, no CSRF token: the signed link is the proof (RFC 8058 §3.2). Looking at the page
changes nothing, because security scanners follow every link in a mail.
"""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.mail.resources import PublicLink
from autoloop.mail.services.unsubscribing import Unsubscribing
from autoloop.web import page
from autoloop.web.permissions import Permission

TEMPLATE = "autoloop.mail:pages/unsubscribe.jinja2"


@page(context=PublicLink, permission=Permission.PUBLIC, template=TEMPLATE)
def unsubscribe_page(context: PublicLink, request: Request) -> dict[str, Any]:
    request.response.cache_control = "no-store"
    return {"found": context.subscription, "done": context.subscription.left}


@page(context=PublicLink, method="POST", permission=Permission.PUBLIC, template=TEMPLATE, require_csrf=False)
def unsubscribe(context: PublicLink, request: Request) -> dict[str, Any]:
    """Answers 200 without a redirect, however often it is asked."""
    request.response.cache_control = "no-store"
    found = context.subscription
    request.services(Unsubscribing).unsubscribe(found)
    return {"found": found, "done": True}
