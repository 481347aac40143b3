"""Whatever the OpenAPI page allows, and much that it does not: never a 5xx, always the promised shape."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from autoloop.config import configure
from autoloop.web.openapi import document
from tests.browser.seed import seed
from tests.factories import Client, make_tenant

EXAMPLES = 15
CHECKS = [response_schema_conformance, content_type_conformance]


@pytest.fixture(scope="module")
def tenant(runtime, wsgi):
    made = make_tenant(runtime, slug="fuzzed")
    seed(runtime, Client(wsgi, made.slug, made.key), made)
    return made


@pytest.fixture(scope="module")
def schema(wsgi):
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", wsgi)


def test_any_request_has_an_answer(schema, tenant) -> None:
    wrong: dict[str, str] = {}
    for found in schema.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        )
        def ask(case) -> None:
            if "workspace" in case.path_parameters:
                case.path_parameters["workspace"] = tenant.slug
            response = case.call(headers={"Authorization": f"Bearer {tenant.key}", "Host": "localhost"})
            assert response.status_code < 500, response.text
            case.validate_response(response, checks=CHECKS)

        try:
            ask()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            wrong[operation.label] = str(error)[:1500]
    assert not wrong, f"{len(wrong)} operations:\n\n" + "\n\n".join(
        f"{label}: {said}" for label, said in wrong.items()
    )


def test_the_page_names_more_than_a_few_operations(settings) -> None:
    config = configure(settings)
    config.commit()
    assert sum(len(operations) for operations in document(config.registry)["paths"].values()) > 80
    config.registry.runtime.dispose()
