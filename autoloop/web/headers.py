"""Security headers by profile: one table, one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.tweens import INGRESS, MAIN

__all__ = ["MACHINES", "PROFILES", "frame_ancestors"]

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}

PAGE = (
    "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; frame-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; "
    "require-trusted-types-for 'script'; trusted-types htmx svelte-trusted-html"
)
# A mail's own HTML: its styles and pictures, no script, no form, no way out of its frame.
PREVIEW = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src https: data:; font-src https:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
EMBED = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors {ancestors}"
)

PAGES = {
    "Content-Security-Policy": PAGE,
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}
DATA = PAGES | {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}

PROFILES: dict[str, dict[str, str]] = {
    "page": PAGES,
    "api": DATA,
    "preview": {
        "Content-Security-Policy": PREVIEW,
        "X-Frame-Options": "SAMEORIGIN",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
    },
    "embed": {"Content-Security-Policy": EMBED, "Cross-Origin-Resource-Policy": "cross-origin"},
    # Links out of mail carry a token: where they lead learns nothing of it.
    # Their pages cannot have "no-referrer": a form would be sent with the origin "null".
    "public_page": PAGES | {"Referrer-Policy": "same-origin"},
    "public_link": DATA | {"Referrer-Policy": "no-referrer"},
    "public_asset": {
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Resource-Policy": "cross-origin",
    },
}

MACHINES = EVERYWHERE | DATA
"""For answers that are given before the tweens."""


def includeme(config: Configurator) -> None:
    config.add_tween(
        "autoloop.web.headers.headers", under=INGRESS, over=("autoloop.web.traffic.observed", MAIN)
    )


def frame_ancestors(origins: list[str]) -> str:
    """The sites that may show a form in a frame."""
    return " ".join(origins) or "'none'"


def profile_of(request: Request, response: Response) -> str:
    """What the view chose, else page for HTML and api for all else."""
    chosen: str | None = getattr(request, "header_profile", None)
    return chosen or ("page" if response.content_type == "text/html" else "api")


def headers(handler: Callable[[Request], Response], registry: Any) -> Callable[[Request], Response]:
    secure = registry.runtime.settings.cookie_secure

    def tween(request: Request) -> Response:
        response = handler(request)
        ancestors = getattr(request, "frame_ancestors", "'none'")
        for name, value in (EVERYWHERE | PROFILES[profile_of(request, response)]).items():
            filled = value.replace("{nonce}", request.nonce).replace("{ancestors}", ancestors)
            response.headers[name] = filled
        if secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        if response.content_type == "text/html" and "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response

    return tween
