"""Search: records of every kind in one answer, of one's own workspace only."""

from __future__ import annotations

import pytest

from autoloop.workspaces.models import Member
from tests.factories import Client, make_key, make_tenant, make_user
from tests.functional.browser import Browser
from tests.unit.engine.graphs import graph


@pytest.fixture
def held(api: Client) -> dict[str, str]:
    """One of each kind, each with “Fern” in its name."""
    business = api.post("businesses", {"name": "Fern & Co", "domain": "fern.example"}).json["data"]["id"]
    contact = {"email": "ada@fern.example", "first_name": "Ada", "business_id": business}
    tagged = {"field": "contact.tags", "op": "contains", "value": "fern"}
    template = {"name": "To ferns", "kind": "markdown", "subject": "Hello", "source": "Hello"}
    bodies = {
        "contacts": contact,
        "workflows": {"name": "Water the ferns", "graph": graph(("t", "add_tag", {"tag": "x"}))},
        "templates": template,
        "segments": {"name": "Fern lovers", "condition": tagged},
        "forms": {"name": "Fern news"},
    }
    made = {kind: api.post(kind, body).json["data"]["id"] for kind, body in bodies.items()}
    return made | {"businesses": business}


def found(api: Client, q: str, **query: object) -> dict[str, str]:
    hits = api.get("search", q=q, **query).json["data"]["hits"]
    return {hit["kind"]: hit["id"] for hit in hits}


def test_every_kind_is_found_and_its_page_is_there(api, held, wsgi, runtime, tenant) -> None:
    assert found(api, "fern") == held
    browser = Browser(wsgi, runtime, tenant.user_id)
    for hit in api.get("search", q="FERN").json["data"]["hits"]:
        page = browser.get(hit["url"])
        assert (page.follow() if page.status_int == 308 else page).status_int == 200, hit
    ada = api.get("search", q="ada").json["data"]["hits"]
    assert [(hit["title"], hit["note"]) for hit in ada] == [("Ada", "ada@fern.example · Fern & Co")]


def test_words_may_be_begun_and_stand_in_any_order(api, held) -> None:
    assert found(api, "exam fer") == {kind: held[kind] for kind in ("businesses", "contacts")}
    assert found(api, "ada@fern.example") == {"contacts": held["contacts"]}


@pytest.mark.parametrize("q", ["%%", "__", "''", "..", "\\\\", "zzzz"])
def test_signs_match_nothing(api, held, q) -> None:
    assert found(api, q) == {}


@pytest.mark.parametrize(
    "query", [{}, {"q": "a"}, {"q": "x" * 201}, {"q": "a\x00b"}, {"q": "ab", "limit": 0}, {"q": "ab", "n": 1}]
)
def test_what_cannot_be_asked_is_refused(api, query) -> None:
    assert api.get("search", status=400, **query).json["details"]


def test_so_many_of_each_kind_at_the_most(api) -> None:
    for n in range(4):
        api.post("contacts", {"email": f"moss{n}@a.example"})
    assert len(api.get("search", q="moss", limit=3).json["data"]["hits"]) == 3


def test_nobody_finds_what_another_workspace_has(held, wsgi, runtime) -> None:
    stranger = make_tenant(runtime)
    assert found(Client(wsgi, stranger.slug, stranger.key), "fern") == {}


def test_the_page_finds_without_scripts(held, wsgi, runtime, tenant) -> None:
    browser = Browser(wsgi, runtime, tenant.user_id)
    at = f"/w/{tenant.slug}/search"
    assert "What are you looking for?" in browser.get(at)
    page = browser.get(f"{at}?q=fern")
    assert all(f"/{kind}/{id}" in page for kind, id in held.items())
    assert "Nothing matches" in browser.get(f"{at}?q=%00<script>")
    hits = browser.get(f"{at}/hits?q=fern").json["hits"]
    assert {hit["kind"]: hit["id"] for hit in hits} == held
    assert browser.get(f"{at}/hits?q=f").json["hits"] == []


def test_who_may_read_may_search(held, wsgi, runtime, tenant) -> None:
    reader, _email = make_user(runtime)
    with runtime.unit("web", tenant.id) as services:
        services.session.add(Member(workspace_id=tenant.id, user_id=reader, role="viewer"))
    key = make_key(runtime, tenant.id, reader, "read")
    assert found(Client(wsgi, tenant.slug, key), "fern") == held
