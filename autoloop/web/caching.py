"""Cached answers of hot lists: one key builder, generations in the key, X-Cache on the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from autoloop.base.cache import Cache, cache_key
from autoloop.web.answers import json_response, shape
from autoloop.web.permissions import Permission
from autoloop.web.views import Page

__all__ = ["cached_list"]


def cached_list(
    request: Request, region: str, view: str, resources: tuple[str, ...], out: Any, build: Callable[[], Page]
) -> Response:
    """A list's answer from the cache, or built, checked against its shape, kept, and sent.

    `region` is businesses, workflows or templates (its time to live); `resources` are the
    generations that make it stale. `Cache-Control: no-cache` goes past the cache, for editors and up:
    a viewer must not be able to make every request expensive.
    """
    cache: Cache = request.registry.cache
    generations = [request.context_generations.get(resource, 0) for resource in resources]
    key = cache_key(request.workspace_id, view, dict(request.filters), generations)
    wants_fresh = "no-cache" in request.headers.get("Cache-Control", "")
    bypass = wants_fresh and bool(request.has_permission(Permission.EDIT, request.context))
    state = "bypass" if bypass else "miss"
    if not bypass:
        held = cache.get(region, key)
        if held is not None:
            response = Response(body=held.encode(), content_type="application/json", charset="utf-8")
            response.headers["X-Cache"] = "hit"
            return response
    result = build()
    body = {
        "success": True,
        "data": [shape(row, out) for row in result.rows],
        "page": {"limit": request.filters["limit"], "next": result.next, "total": result.total},
    }
    response = json_response(body)
    cache.set(region, key, response.text)
    response.headers["X-Cache"] = state
    return response


def includeme(config: Any) -> None:
    settings = config.registry.runtime.settings
    config.registry.cache = Cache(
        settings.redis_url,
        {
            "businesses": settings.cache_businesses_seconds,
            "workflows": settings.cache_workflows_seconds,
            "templates": settings.cache_templates_seconds,
        },
    )
    config.add_request_method(generations, "context_generations", reify=True)


def generations(request: Request) -> dict[str, int]:
    """The generations read with the membership, by the nearest node above that has them."""
    from pyramid.location import lineage

    for node in lineage(request.context):
        found = getattr(node, "generations", None)
        if found is not None:
            return dict(found)
    return {}
