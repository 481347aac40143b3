"""Unsubscribing with one click, the preference page, and why somebody got a mail.

No session, no cookie, no CSRF token: the signed link is the proof (RFC 8058 §3.2). Looking at a page
changes nothing, because security scanners follow every link in a mail.
"""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from autoloop.accounts.forms import posted_text
from autoloop.base.errors import Invalid
from autoloop.base.i18n import LANGUAGES, _
from autoloop.mail.preferences.resources import PreferencesLink, UnsubscribeLink
from autoloop.mail.preferences.service import PACES, Preferences
from autoloop.mail.preferences.why import why
from autoloop.web import page
from autoloop.web.permissions import Permission
from autoloop.web.refusals import Told, refuse

HERE = "autoloop.mail:preferences/"
PACE_WORDS = {0: _("As they come"), 7: _("At most one a week"), 30: _("At most one in 30 days")}
PUBLIC: dict[str, Any] = {"permission": Permission.PUBLIC}
POSTED: dict[str, Any] = {**PUBLIC, "method": "POST", "require_csrf": False}


@page(context=UnsubscribeLink, template=HERE + "unsubscribe.jinja2", **PUBLIC)
def unsubscribe_page(context: UnsubscribeLink, request: Request) -> dict[str, Any]:
    return {"found": context.recipient, "done": context.recipient.left}


@page(context=UnsubscribeLink, template=HERE + "unsubscribe.jinja2", **POSTED)
def unsubscribe(context: UnsubscribeLink, request: Request) -> dict[str, Any]:
    """Answers 200 without a redirect, however often it is asked."""
    found = context.recipient
    request.services(Preferences).leave(found, request.client_address)
    return {"found": found, "done": True}


@page(context=PreferencesLink, **PUBLIC)
def start(context: PreferencesLink, request: Request) -> Any:
    return HTTPSeeOther(request.resource_url(context, "preferences"))


@page(context=PreferencesLink, name="preferences", template=HERE + "preferences.jinja2", **PUBLIC)
def preferences(context: PreferencesLink, request: Request) -> dict[str, Any]:
    return shown(context, request)


@page(context=PreferencesLink, name="preferences", template=HERE + "preferences.jinja2", **POSTED)
def save(context: PreferencesLink, request: Request) -> Any:
    contact = context.recipient.contact
    try:
        given = posted_text(request)
        if contact is None:
            raise Invalid(_("Nothing is kept about this address."))
        preferences = request.services(Preferences)
        preferences.heard_from(request.client_address)
        preferences.save(contact, given)
    except Invalid as error:
        return shown(context, request, refuse(request, error))
    return back(context, request, "saved")


@page(context=PreferencesLink, name="leave", **POSTED)
def leave(context: PreferencesLink, request: Request) -> Any:
    request.services(Preferences).leave(context.recipient, request.client_address)
    return back(context, request, "left")


@page(context=PreferencesLink, name="return", **POSTED)
def come_back(context: PreferencesLink, request: Request) -> Any:
    preferences = request.services(Preferences)
    found = context.recipient
    preferences.heard_from(request.client_address)
    preferences.come_back(found)
    return back(context, request, "returned")


@page(context=PreferencesLink, name="why", template=HERE + "why.jinja2", **PUBLIC)
def why_page(context: PreferencesLink, request: Request) -> dict[str, Any]:
    found = context.recipient
    return {"found": found, "because": why(request.services, found), "link": request.resource_path(context)}


def back(context: PreferencesLink, request: Request, done: str) -> Any:
    return HTTPSeeOther(request.resource_url(context, "preferences", query={"done": done}))


def shown(context: PreferencesLink, request: Request, error: Told | None = None) -> dict[str, Any]:
    found = context.recipient
    contact = found.contact
    now = request.services.clock.now()
    until = contact.mail_paused_until if contact else None
    return {
        "found": found,
        "topics": request.services(Preferences).topics(contact) if contact else [],
        "paces": [(str(days), request.localizer.translate(PACE_WORDS[days])) for days in PACES],
        "pace": str(contact.mail_pace_days if contact else 0),
        "languages": list(LANGUAGES.items()),
        "asks_tracking": contact is not None and request.services(Preferences).asks_tracking(contact),
        "paused_until": until if until and until > now else None,
        "done": request.GET.get("done", ""),
        "error": error,
        "link": request.resource_path(context),
    }
