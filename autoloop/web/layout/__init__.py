"""What every page stands in: templates, assets, navigation, words and numbers in the person's locale."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

from pyramid.config import Configurator
from pyramid.csrf import get_csrf_token
from pyramid.events import BeforeRender
from pyramid.interfaces import ILocalizer
from pyramid.request import Request

from autoloop.base.i18n import LANGUAGES as TRANSLATED
from autoloop.base.i18n import language_of, localizer
from autoloop.web.layout import charts, words
from autoloop.web.layout.assets import Assets
from autoloop.web.layout.navigation import add_nav, navigation, workspace_node

__all__: list[str] = []

LANGUAGES = ("en",)  # of the dashboard


def includeme(config: Configurator) -> None:
    config.add_settings(
        {
            "jinja2.i18n.domain": "autoloop",
            "jinja2.newstyle": "true",
            "jinja2.trim_blocks": "true",
            "jinja2.lstrip_blocks": "true",
            "jinja2.finalize": words.shown,
            "jinja2.filters": {name: getattr(words, name) for name in words.FILTERS},
        }
    )
    config.include("pyramid_jinja2")
    config.add_jinja2_renderer(".jinja2")
    config.add_translation_dirs("autoloop:locale")
    config.set_locale_negotiator(locale)
    for language in TRANSLATED:
        config.registry.registerUtility(localizer(language), ILocalizer, name=language)
    config.add_request_method(speak)
    config.add_directive("add_nav", add_nav)
    config.add_request_method(nonce, "nonce", reify=True)
    config.add_request_method(navigation, "navigation", reify=True)
    config.add_request_method(workspace_node, "workspace_node", reify=True)
    config.add_request_method(theme, "theme", reify=True)
    assets = Assets.read()
    config.registry.assets = assets
    config.add_static_view(
        f"static/{assets.version}",
        "autoloop.web:static/dist",
        cache_max_age=31_536_000,
        content_encodings=["br", "gzip"],
    )
    config.add_subscriber(globals_of, BeforeRender)


def nonce(_request: Request) -> str:
    """What the policy lets scripts of this one answer carry."""
    return secrets.token_urlsafe(18)


def locale(request: Request) -> str:
    """The signed-in person's language, else the browser's, among those there are translations for."""
    identity = request.__dict__.get("found_identity")  # never asked for here: a problem page has no database
    if identity is not None:
        return str(identity.locale)
    return str(request.accept_language.lookup(LANGUAGES, default="en"))


def speak(request: Request, first: str = "", last: str = "") -> None:
    """Answer in a recipient's language: `first` if there are translations for it, else what the browser
    asks for, else `last`. For public pages, before anything is translated."""
    asked = str(request.accept_language.lookup(tuple(TRANSLATED), default=""))
    request.locale_name = request.public_language = language_of(first, asked, last)


def theme(request: Request) -> str:
    """light or dark if the person chose one; empty for what their system says."""
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in ("light", "dark") else ""


def page_query(request: Request, cursor: str | None) -> str:
    """The query string of another page of this list: the filters stay, the cursor changes."""
    kept = [(name, value) for name, value in request.GET.items() if name != "cursor" and value]
    return urlencode([*kept, ("cursor", cursor)] if cursor else kept)


def globals_of(event: BeforeRender) -> None:
    if event.get("request") is not None:
        event.update(globals_for(event["request"]))


def globals_for(request: Request) -> dict[str, Any]:
    """What every template may use."""
    assets: Assets = request.registry.assets
    return {
        "asset": assets.url,
        "assets_built": assets.built,
        "chart_paths": charts,
        "page_query": page_query,
        "csrf_token": lambda: get_csrf_token(request),
        "direction": words.direction(request.locale_name),
    }
