"""The public door of providers' webhooks: one POST in, events in the inbox, 200 out."""

from __future__ import annotations

import logging
from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from autoloop.base.errors import AutoLoopError, Invalid, NotFound, TooLarge, Unauthenticated
from autoloop.base.i18n import _
from autoloop.engine.hooks.door import refused
from autoloop.mail.delivery.channels import services_for
from autoloop.mail.inbound.accounts import find_account
from autoloop.mail.inbound.resources import InboundAccount
from autoloop.mail.inbound.taking import take
from autoloop.plugins.email import IncomingCall, ProviderEvent, Unreadable, Unverified
from autoloop.web import page
from autoloop.web.answers import json_response
from autoloop.web.permissions import Permission

log = logging.getLogger(__name__)

LARGEST = 10_000_000
MOST_EVENTS = 5_000


@page(context=InboundAccount, method="POST", permission=Permission.PUBLIC, require_csrf=False)
def inbound(context: InboundAccount, request: Request) -> Response:
    """No session, no cookie. Answers once the events are durable; a call that is told again changes nothing."""
    try:
        taken = _take(context, request)
    except AutoLoopError as error:
        response = refused(error)
    else:
        response = json_response({"success": True, "data": taken})
    response.headers["Cache-Control"] = "no-store"
    return response


def _take(context: InboundAccount, request: Request) -> dict[str, int]:
    runtime = request.runtime
    found = find_account(runtime, context.provider, context.account_id)
    if found is None:
        raise NotFound
    provider, account = found
    headers = {name.lower(): value for name, value in request.headers.items()}
    call = IncomingCall(headers, _read_whole(request), runtime.clock.now())
    try:
        events = provider.receive(account, services_for(runtime, account.workspace_id), call)
    except Unverified as error:
        log.info("a webhook call of %s was not verified: %s", context.provider, error)
        raise Unauthenticated(_("The signature is missing or wrong."), code="BAD_SIGNATURE") from None
    except Unreadable as error:
        raise Invalid(str(error)[:300], code="BAD_EVENTS") from None
    _check(events)
    with runtime.unit("web", account.workspace_id) as services:
        return {"events": len(events), "new": take(services, context.provider, account.id, events)}


def _check(events: Any) -> None:
    if len(events) > MOST_EVENTS:
        raise TooLarge(_("A call may bring ${most} events at the most.", mapping={"most": MOST_EVENTS}))
    if not all(isinstance(event, ProviderEvent) and event.id for event in events):
        raise Invalid(_("An event has no id."), code="BAD_EVENTS")


def _read_whole(request: Request) -> bytes:
    """The body, of bounded size; what says that it is larger is not read."""
    if (request.content_length or 0) <= LARGEST:
        raw: bytes = request.body_file.read(LARGEST + 1) if request.is_body_readable else b""
        if len(raw) <= LARGEST:
            return raw
    raise TooLarge(_("A webhook's body may have ${most} octets at the most.", mapping={"most": "10,000,000"}))
