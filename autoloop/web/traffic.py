"""Every request's number, time, log line, and fair share."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.tweens import INGRESS, MAIN

from autoloop.base.errors import TooMany
from autoloop.base.ids import new_id
from autoloop.base.limits import Limits
from autoloop.base.logging import context
from autoloop.web.problems import problem

log = logging.getLogger("autoloop.requests")

QUIET = ("/static/", "/health", "/ready", "/metrics")


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


def client_address(request: Request) -> str:
    """The caller's address, believed from exactly as many proxies as are configured."""
    hops = request.runtime.settings.trusted_proxies
    forwarded = [
        part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()
    ]
    if hops and len(forwarded) >= hops:
        return forwarded[-hops]
    return request.remote_addr or "unknown"


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
            if not request.path_info.startswith(QUIET):
                level = logging.WARNING if took > slow else logging.INFO
                log.log(
                    level,
                    "%s %s %s %.0f ms",
                    request.method,
                    request.path_info,
                    response.status_int,
                    took * 1000,
                )
        return response

    return tween


def limited(handler: Callable[[Request], Response], registry: Any) -> Callable[[Request], Response]:
    """So many requests a minute for one address; then 429 with Retry-After."""
    allowed = registry.runtime.settings.request_limit_per_minute

    def tween(request: Request) -> Response:
        if request.path_info.startswith(QUIET):
            return handler(request)
        # By address, not by credential: made-up credentials would each get an allowance of their own.
        verdict = registry.limits.hit("requests", request.client_address, allowed, 60)
        response = handler(request) if verdict.ok else problem(request, TooMany(retry_after=verdict.reset))
        response.headers["RateLimit-Limit"] = str(allowed)
        response.headers["RateLimit-Remaining"] = str(verdict.remaining)
        response.headers["RateLimit-Reset"] = str(verdict.reset)
        return response

    return tween
