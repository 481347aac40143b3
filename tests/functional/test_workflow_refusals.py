"""What of workflows is refused: graphs, documents and choices that are none, and people who may not."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from autoloop.base.runtime import Runtime
from autoloop.workflows.exchange import document
from tests.factories import Client, Tenant, make_key, make_tenant
from tests.functional.test_workflows import GRAPH, make


def deep(levels: int) -> dict:
    value: dict = {}
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "graph",
    [
        deep(60),
        deep(500),
        {"nodes": [{"n": 10**40}]},
        {"nodes": [{"n": "\x00"}]},
        {"nodes": "x" * 1_100_000},
        [],
        "graph",
        None,
    ],
)
def test_graphs_that_cannot_be_kept_are_refused(api: Client, graph: object):
    place = f"workflows/{make(api)}/draft"
    answer = api.put(place, {"graph": graph}, status=400).json
    assert answer["success"] is False
    assert api.data(place)["graph"] == GRAPH


def test_graphs_of_any_nonsense_can_be_kept_checked_and_shown(api: Client):
    for graph in (
        {},
        {"nodes": {}},
        {"nodes": [None, 1, {"id": 7}]},
        {"edges": 1, "more": 2},
        {"nodes": [{"id": "a", "type": "wait", "config": deep(30)}]},
    ):
        id = make(api, graph=graph)
        assert api.data(f"workflows/{id}/draft")["graph"] == graph
        assert not api.post(f"workflows/{id}/check").json["data"]["ok"]
        api.post(f"workflows/{id}/publish", status=400)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"all": True, "tag": "x"},
        {"all": "no"},
        {"all": []},
        {"all": 2},
        {"contact_ids": []},
        {"contact_ids": ["x" * 36]},
        {"contact_ids": "x"},
        {"tag": ""},
        {"more": 1},
        [],
    ],
)
def test_enrolment_wants_exactly_one_choice(api: Client, body: object):
    id = make(api)
    api.post(f"workflows/{id}/publish")
    api.call(
        "POST",
        f"workflows/{id}/enrol",
        json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        status=400,
    )


def test_a_document_that_is_none_is_refused(api: Client):
    for held in (
        {},
        {"autoloop": "workflow", "schema": 9},
        document("", "", {}, []),
        document("A", "", {"n": deep(60)}, []),
    ):
        api.post("workflows/import", {"workflow": held}, status=400)
    assert api.data("workflows") == []


def test_other_tenants_and_readers_are_kept_out(api: Client, wsgi: object, runtime: Runtime, tenant: Tenant):
    id = make(api)
    other = make_tenant(runtime)
    stranger = Client(wsgi, other.slug, other.key)
    random = stranger.get(f"workflows/{uuid4()}", status=404).json
    for path in (
        f"workflows/{id}",
        f"workflows/{id}/draft",
        f"workflows/{id}/stats",
        f"workflows/{id}/versions",
        f"workflows/{id}/triggers",
        f"workflows/{id}/runs",
    ):
        answer = stranger.get(path, status=404).json
        assert {**answer, "timestamp": 0} == {**random, "timestamp": 0}
    stranger.put(f"workflows/{id}/draft", {"graph": {}}, status=404)
    for verb in ("publish", "check", "pause", "duplicate", "export"):
        stranger.call("POST", f"workflows/{id}/{verb}", {}, status=404)
    stranger.post(f"workflows/{id}/enrol", {"all": True}, status=404)
    reader = Client(wsgi, tenant.slug, make_key(runtime, tenant.id, tenant.user_id, "read"))
    assert reader.data(f"workflows/{id}")["id"] == id
    reader.put(f"workflows/{id}/draft", {"graph": {}}, status=403)
    reader.post(f"workflows/{id}/publish", status=403)
    assert Client(wsgi, tenant.slug, None).get("workflows", status=401).json["code"] == "SIGN_IN_REQUIRED"
