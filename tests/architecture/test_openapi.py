"""The OpenAPI page says exactly what the JSON door serves."""

from __future__ import annotations

import json

import pytest

from autoloop.config import configure
from autoloop.web.openapi import api_views, document, places


@pytest.fixture(scope="module")
def registry(settings):
    config = configure(settings)
    config.commit()
    yield config.registry
    config.registry.runtime.dispose()


def test_each_view_of_the_json_door_is_declared_and_described(registry) -> None:
    served = {
        (
            view["introspectable"]["context"],
            view["introspectable"]["name"],
            view["introspectable"]["request_methods"],
        )
        for view in registry.introspector.get_category("views")
        if view["introspectable"]["route_name"] == "api"
    }
    declared = {(view.context, view.name, view.method) for view in api_views(registry)}
    # Pyramid adds HEAD to every GET.
    plain = {
        (context, name, methods if isinstance(methods, str) else methods[0])
        for context, name, methods in served
        if methods
    }
    assert plain == declared
    described = {
        (method.upper(), path)
        for path, operations in document(registry)["paths"].items()
        for method in operations
    }
    where = places(registry)
    for view in api_views(registry):
        assert where.get(view.context), f"{view.context.__name__} stands nowhere in the tree"
    assert len(described) >= len(declared)


def test_it_is_plain_json_and_every_body_refuses_what_it_does_not_know(registry) -> None:
    whole = json.loads(json.dumps(document(registry), default=str))
    assert whole["openapi"] == "3.1.0"
    bodies = 0
    for path, operations in whole["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert "default" in operation["responses"]
            if "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                bodies += 1
                assert schema["type"] == "object", (method, path)
                if schema.get("properties"):
                    assert schema["additionalProperties"] is False, (method, path)
    assert bodies > 15


def test_path_parameters_have_names_of_their_own(registry) -> None:
    for path, operations in document(registry)["paths"].items():
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        assert len(names) == len(set(names)), path
        for operation in operations.values():
            given = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
            assert given == names, path
