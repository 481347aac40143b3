"""OpenAPI 3.1, made from what the views declare."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from typing import Any

import colander
from pyramid.config import Configurator
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response

from autoloop.plugins.forms import json_schema
from autoloop.web.answers import json_response
from autoloop.web.input import ListQuery
from autoloop.web.permissions import Permission
from autoloop.web.views import ApiView

__all__ = ["api_views", "document", "places"]

ERROR = {
    "type": "object",
    "required": ["success", "error", "code", "details", "timestamp"],
    "properties": {
        "success": {"const": False},
        "error": {"type": "string"},
        "code": {"type": "string"},
        "details": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
        "timestamp": {"type": "string", "format": "date-time"},
    },
}


def includeme(config: Configurator) -> None:
    config.registry.openapi = None
    config.add_route("openapi", "/api/v1/openapi.json")
    config.add_view(serve, route_name="openapi", request_method="GET", permission=Permission.PUBLIC)


def serve(context: Any, request: Request) -> Response:
    registry = request.registry
    if registry.openapi is None:
        registry.openapi = document(registry)
    return json_response(registry.openapi)


def api_views(registry: Registry) -> list[ApiView]:
    return [
        entry["introspectable"]["view"] for entry in registry.introspector.get_category("api views") or []
    ]


def places(registry: Registry) -> dict[type, list[str]]:
    """Each node class and the path templates at which it stands in the tree."""
    found: dict[type, list[str]] = {}

    def walk(node: type, path: str, depth: int) -> None:
        found.setdefault(node, []).append(path or "/")
        for name, child in children(node):
            if depth < 12:
                walk(child, f"{path}/{name}", depth + 1)

    def children(node: type) -> Iterator[tuple[str, type]]:
        for cls in node.__mro__:
            yield from registry.registrations.children.get(cls, {}).items()
        row = getattr(node, "row_node", None)
        if row is not None:
            yield "{" + getattr(row, "parameter", "id") + "}", row

    walk(registry.root_class, "", 0)
    return found


def document(registry: Registry) -> dict[str, Any]:
    """The whole description of the JSON door of this installation, plugins included."""
    where = places(registry)
    paths: dict[str, dict[str, Any]] = {}
    for view in api_views(registry):
        for place in where.get(view.context, []):
            path = place if not view.name else f"{place.rstrip('/')}/{view.name}"
            path, parameters = _numbered(path)
            paths.setdefault(path, {})[view.method.lower()] = operation(view, parameters)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AutoLoop",
            "version": importlib.metadata.version("autoloop"),
            "description": "The tree of this installation as JSON. Send an API key as `Authorization: Bearer <key>`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"key": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": ERROR},
            "responses": {
                "Error": {
                    "description": "What went wrong.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
            },
        },
    }


def _numbered(path: str) -> tuple[str, list[dict[str, Any]]]:
    """Path parameters need names of their own: {id}, {id2} …"""
    parameters, parts, seen = [], [], 0
    for part in path.split("/"):
        if part.startswith("{"):
            name = part[1:-1]
            if name == "id":
                seen += 1
                name = "id" if seen == 1 else f"id{seen}"
            shape = {"type": "string", "format": "uuid"} if name.startswith("id") else {"type": "string"}
            parameters.append({"name": name, "in": "path", "required": True, "schema": shape})
            parts.append("{" + name + "}")
        else:
            parts.append(part)
    return "/".join(parts), parameters


def operation(view: ApiView, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": view.summary}
    if view.out is not None:
        data = outgoing(view.out)
        body = {
            "type": "object",
            "required": ["success", "data"],
            "properties": {"success": {"const": True}, "data": data},
        }
        if view.many:
            body["properties"]["data"] = {"type": "array", "items": data}
            body["properties"]["page"] = {
                "type": "object",
                "properties": {
                    "limit": {"type": "integer"},
                    "next": {"type": ["string", "null"]},
                    "total": {"type": ["integer", "null"]},
                },
            }
        answer["content"] = {"application/json": {"schema": body}}
    if view.gives:
        answer["content"] = {view.gives: {"schema": {"type": "string"}}}
    query = view.query or (ListQuery() if view.many else None)
    result: dict[str, Any] = {
        "summary": view.summary,
        "tags": [view.context.__module__.split(".")[1]],
        "parameters": parameters + [_query_parameter(node) for node in (query.children if query else ())],
        "responses": {
            str(view.status if view.out or view.gives else 204): answer,
            "default": {"$ref": "#/components/responses/Error"},
        },
        "x-permission": str(view.permission),
    }
    if view.permission == Permission.PUBLIC:
        result["security"] = []
    if view.body is not None:
        result["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": incoming(view.body)}},
        }
    return result


def _query_parameter(node: colander.SchemaNode) -> dict[str, Any]:
    return {
        "name": node.name,
        "in": "query",
        "required": node.required,
        "schema": json_schema(node),
        "description": node.description or "",
    }


def incoming(node: colander.SchemaNode) -> dict[str, Any]:
    """A body's shape: unknown fields are refused; `missing=None` or a type's `nullable` say that null is taken."""

    def nullable(child: colander.SchemaNode) -> bool:
        return child.missing is None or getattr(child.typ, "nullable", False)

    return _refine(json_schema(node), node, nullable, closed=True)


def outgoing(node: colander.SchemaNode) -> dict[str, Any]:
    """An answer's shape: every field is there; those with a `missing` may be null."""
    return _refine(json_schema(node), node, lambda child: not child.required, closed=False)


def _refine(
    made: dict[str, Any], node: colander.SchemaNode, nullable: Any, *, closed: bool
) -> dict[str, Any]:
    made.pop("default", None) if not closed else None
    if isinstance(node.typ, colander.Mapping):
        made["properties"] = {
            child.name: _refine(made["properties"][child.name], child, nullable, closed=closed)
            for child in node.children
        }
        free = node.typ.unknown == "preserve"
        made["additionalProperties"] = free or not closed
        if not closed:
            made["required"] = [child.name for child in node.children]
    elif isinstance(node.typ, colander.Sequence):
        made["items"] = _refine(made["items"], node.children[0], nullable, closed=closed)
    if nullable(node) and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
        if "enum" in made:
            made["enum"] = [*made["enum"], None]
    return made
