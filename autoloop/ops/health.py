"""Is it alive, and is it ready: for load balancers, and for the person who looks first."""

from __future__ import annotations

import logging
from typing import Any

import redis
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from autoloop.web.answers import json_response
from autoloop.web.permissions import Permission

log = logging.getLogger(__name__)

SCHEDULER_SECONDS = 10

TICK = text("select extract(epoch from now() - seen_at)::float from scheduler_ticks")


def includeme(config: Configurator) -> None:
    for name, view in (("health", health), ("ready", ready)):
        config.add_route(name, f"/{name}")
        config.add_view(view, route_name=name, request_method="GET", permission=Permission.PUBLIC)
    checks = config.registry.registrations.health_checks
    checks["database"] = database
    checks["redis"] = cache
    checks["scheduler"] = scheduler


def health(context: Any, request: Request) -> Response:
    """This process answers. It asks nobody else."""
    return json_response({"success": True, "data": {"status": "alive"}})


def ready(context: Any, request: Request) -> Response:
    """Every part that serving needs, each with a sentence. 503 if one that is needed is missing.

    Redis and the scheduler are named but do not make the web unready: without them it is slower,
    and what is timed waits, but nothing is lost and pages are served.
    """
    parts = {}
    for name, check in request.registrations.health_checks.items():
        try:
            parts[name] = check(request.runtime)
        except Exception as error:
            log.warning("health check %s failed: %s", name, error)
            parts[name] = {"ok": False, "needed": True, "message": "The check itself failed; see the log."}
    serving = all(part["ok"] or not part["needed"] for part in parts.values())
    whole = all(part["ok"] for part in parts.values())
    status = "ready" if whole else "degraded" if serving else "not ready"
    return json_response(
        {"success": serving, "data": {"status": status, "parts": parts}}, 200 if serving else 503
    )


def database(runtime: Any) -> dict[str, Any]:
    try:
        with runtime.web_engine.connect() as connection:
            connection.execute(text("select 1"))
    except SQLAlchemyError:
        return {"ok": False, "needed": True, "message": "PostgreSQL does not answer."}
    return {"ok": True, "needed": True, "message": "PostgreSQL answers."}


def cache(runtime: Any) -> dict[str, Any]:
    try:
        redis.Redis.from_url(
            runtime.settings.redis_url, socket_timeout=0.5, socket_connect_timeout=0.5
        ).ping()
    except redis.RedisError:
        return {"ok": False, "needed": False, "message": "Redis does not answer: slower, nothing is lost."}
    return {"ok": True, "needed": False, "message": "Redis answers."}


def scheduler(runtime: Any) -> dict[str, Any]:
    with runtime.web_engine.connect() as connection:
        age = connection.execute(TICK).scalar()
    if age is None or age > SCHEDULER_SECONDS:
        return {
            "ok": False,
            "needed": False,
            "message": "No scheduler runs: nothing timed starts until one does.",
        }
    return {"ok": True, "needed": False, "message": f"The scheduler looked {age:.1f} s ago."}
