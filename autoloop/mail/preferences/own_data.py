"""One's own data: asked for on the preference page, confirmed from one's mailbox, then taken or erased."""

from __future__ import annotations

from typing import Any

import orjson
from pyramid.request import Request
from pyramid.response import Response

from autoloop.base.errors import Invalid, TooMany
from autoloop.base.i18n import _
from autoloop.mail.preferences.pages import HERE, POSTED, PUBLIC, back
from autoloop.mail.preferences.resources import EraseLink, ExportLink, PreferencesLink, PublicLink
from autoloop.mail.preferences.service import Preferences
from autoloop.web import page

TEMPLATE = HERE + "own_data.jinja2"
PER_HOUR = 6


@page(context=PreferencesLink, name="export", **POSTED)
def ask_export(context: PreferencesLink, request: Request) -> Any:
    return ask(context, request, "export")


@page(context=PreferencesLink, name="erase", **POSTED)
def ask_erase(context: PreferencesLink, request: Request) -> Any:
    return ask(context, request, "erase")


def ask(context: PreferencesLink, request: Request, purpose: str) -> Any:
    found = context.recipient
    verdict = request.registry.limits.hit("own data", f"{found.email.id} {purpose}", PER_HOUR, 3600)
    if not verdict.ok:
        raise TooMany(_("That was too often. Wait a while and try again."), retry_after=verdict.reset)
    request.services(Preferences).ask(found, purpose)
    return back(context, request, "asked")


@page(context=ExportLink, template=TEMPLATE, **PUBLIC)
def export_page(context: ExportLink, request: Request) -> dict[str, Any]:
    return shown(context, "export")


@page(context=ExportLink, **POSTED)
def export(context: ExportLink, request: Request) -> Response:
    found = current(context)
    if found.contact is None:
        raise Invalid(_("Nothing is kept about this address."))
    data = request.services(Preferences).export(found.contact.id)
    body = orjson.dumps(data, default=str, option=orjson.OPT_INDENT_2)
    response = Response(body=body, content_type="application/json")
    response.content_disposition = 'attachment; filename="my-data.json"'
    response.cache_control = "no-store"
    return response


@page(context=EraseLink, template=TEMPLATE, **PUBLIC)
def erase_page(context: EraseLink, request: Request) -> dict[str, Any]:
    return shown(context, "erase")


@page(context=EraseLink, template=TEMPLATE, **POSTED)
def erase(context: EraseLink, request: Request) -> dict[str, Any]:
    found = current(context)
    told = {"sender": found.sender, "purpose": "erase", "ended": False, "done": True}
    request.services(Preferences).erase(found)
    return told


def shown(context: PublicLink, purpose: str) -> dict[str, Any]:
    found = context.recipient
    return {"sender": found.sender, "purpose": purpose, "ended": context.ended, "done": False}


def current(context: PublicLink) -> Any:
    """The recipient, while the link is good."""
    found = context.recipient
    if context.ended:
        raise Invalid(_("This link has expired. Ask for a new one on the preference page."))
    return found
