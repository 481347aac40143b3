"""Every request's number, time, log line, and fair share."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.tweens import INGRESS, MAIN

from autoloop.base.errors import Invalid, TooMany
from autoloop.base.ids import new_id
from autoloop.base.limits import Limits
from autoloop.base.logging import context
from autoloop.web.input import too_large
from autoloop.web.places import PROBES
from autoloop.web.problems import problem

log = logging.getLogger("autoloop.requests")

SECRET = ("/t/", "/f/", "/hooks/", "/inbound/")  # what follows is a token: it must not be in a log
LONGEST = 300  # characters of a path that is logged


def includeme(config: Configurator) -> None:
    settings = config.registry.runtime.settings
    config.registry.limits = Limits(settings.redis_url)
    config.add_request_method(lambda request: str(new_id()), "id", reify=True)
    config.add_request_method(
        lambda request: "api" if request.path_info.startswith("/api/") else "page", "door", reify=True
    )
    config.add_request_method(client_address, "client_address", reify=True)
    config.add_tween("autoloop.web.traffic.observed", under=INGRESS, over=MAIN)
    config.add_tween(
        "autoloop.web.traffic.limited",
        under="autoloop.web.traffic.observed",
        over="pyramid_tm.tm_tween_factory",
    )
    config.add_tween(
        "autoloop.web.traffic.readable",
        under=INGRESS,
        over=("autoloop.web.headers.headers", "autoloop.web.traffic.observed"),
    )


def client_address(request: Request) -> str:
    """The caller's address, believed from exactly as many proxies as are configured."""
    hops = request.runtime.settings.trusted_proxies
    forwarded = [
        part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()
    ]
    if hops and len(forwarded) >= hops:
        return forwarded[-hops]
    return request.remote_addr or "unknown"


def network(address: str) -> str:
    """Whom a limit counts for this address: of IPv6 the /64, which is what one household or server has."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return address
    return str(found.ipv4_mapped or ip_network((int(found) >> 64 << 64, 64)))


def quiet(path: str) -> bool:
    """Is this asked so often, and costs so little, that no log tells of it and no limit counts it?"""
    return path in PROBES or path.startswith("/static/")


def logged_path(path: str) -> str:
    """The path as it may stand in a log."""
    for start in SECRET:
        if path.startswith(start):
            return f"{start}…"
    return path[:LONGEST]


def readable(handler: Callable[[Request], Response], _registry: Any) -> Callable[[Request], Response]:
    """An address whose octets are no UTF-8 is refused before anything reads it."""

    def tween(request: Request) -> Response:
        try:
            request.path_info, request.GET  # noqa: B018 - reading decodes
        except UnicodeDecodeError:
            raw = request.environ["PATH_INFO"].encode("latin-1")
            request.environ["PATH_INFO"] = raw.decode("utf-8", "replace").encode().decode("latin-1")
            request.environ["QUERY_STRING"] = ""
            request.environ["autoloop.unreadable"] = True
        return handler(request)

    return tween


def observed(handler: Callable[[Request], Response], registry: Any) -> Callable[[Request], Response]:
    """Number the request, time it, log it; slow ones as warnings."""
    slow = registry.runtime.settings.slow_request_ms / 1000

    def tween(request: Request) -> Response:
        started = time.perf_counter()
        with context(request_id=request.id):
            response = handler(request)
            took = time.perf_counter() - started
            response.headers["X-Request-Id"] = request.id
            response.headers["Server-Timing"] = f"app;dur={took * 1000:.1f}"
            if not quiet(request.path_info):
                level = logging.WARNING if took > slow else logging.INFO
                log.log(
                    level,
                    "%s %s %s %.0f ms",
                    request.method[:20],
                    logged_path(request.path_info),
                    response.status_int,
                    took * 1000,
                )
        return response

    return tween


def limited(handler: Callable[[Request], Response], registry: Any) -> Callable[[Request], Response]:
    """So many requests a minute for one address; then 429 with Retry-After."""
    allowed = registry.runtime.settings.request_limit_per_minute

    def tween(request: Request) -> Response:
        if quiet(request.path_info):
            return handler(request)
        # By address, not by credential: made-up credentials would each get an allowance of their own.
        verdict = registry.limits.hit("requests", network(request.client_address), allowed, 60)
        if not verdict.ok:
            response = problem(request, TooMany(retry_after=verdict.reset))
        elif "autoloop.unreadable" in request.environ:
            response = problem(request, Invalid("This address is not UTF-8.", code="BAD_ADDRESS"))
        elif refusal := too_large(request):
            response = problem(request, refusal)
        else:
            response = handler(request)
        response.headers["RateLimit-Limit"] = str(allowed)
        response.headers["RateLimit-Remaining"] = str(verdict.remaining)
        response.headers["RateLimit-Reset"] = str(verdict.reset)
        return response

    return tween
