"""Contacts and businesses over HTTP: made, found, changed, told of; one tenant never sees another's."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from autoloop.base.errors import NotFound
from autoloop.businesses.services import Contacts
from autoloop.businesses.services.effects import ContactChange, apply_changes
from tests.factories import Client, make_tenant
from tests.functional.browser import Browser


def events(runtime, tenant, name=None):
    with runtime.unit("web", tenant.id) as services:
        rows = services.session.execute(text("select name, contact_id, data from events order by id")).all()
    return [row for row in rows if name is None or row.name == name]


def test_a_contact_from_first_to_last(api, runtime, tenant) -> None:
    business = api.post("businesses", {"name": "Acme", "website": "https://www.Acme.example/about"}).json[
        "data"
    ]
    assert business["domain"] == "acme.example"
    api.post("fields", {"key": "seats", "title": "Seats", "kind": "number"})
    made = api.post(
        "contacts",
        {
            "email": "Ada Lovelace <Ada@Acme.Example>",
            "first_name": "Ada",
            "business_id": business["id"],
            "tags": ["vip", " early  bird "],
            "fields": {"seats": "12"},
            "timezone": "europe/london",
        },
    ).json["data"]
    assert made["email"] == "Ada@Acme.Example"
    assert made["tags"] == ["early bird", "vip"]
    assert made["fields"] == {"seats": 12}
    assert made["timezone"] == "Europe/London"
    assert made["business_name"] == "Acme"
    assert {tag["name"] for tag in api.data("tags")} == {"early bird", "vip"}

    path = f"contacts/{made['id']}"
    etag = api.get(path).headers["ETag"]
    changed = api.patch(
        path, {"last_name": "Lovelace", "fields": {"seats": None}}, headers={"If-Match": etag}
    ).json["data"]
    assert (changed["first_name"], changed["last_name"], changed["fields"]) == ("Ada", "Lovelace", {})
    api.patch(path, {"first_name": "Eve"}, headers={"If-Match": etag}, status=412)
    assert api.patch(path, {"business_id": None}).json["data"]["business_id"] is None

    tagged = api.post(f"{path}/@@tags", {"add": ["won"], "remove": ["vip"]}).json["data"]
    assert tagged["tags"] == ["early bird", "won"]
    said = api.post(f"{path}/@@consent", {"marketing": "granted", "source": "form"}).json["data"]["consent"]
    assert (said["marketing"], said["source"]) == ("granted", "form")
    assert said["at"]
    assert "consent" in events(runtime, tenant, "contact.updated")[-1].data["fields"], (
        "as the trigger names it"
    )

    names = [row.name for row in events(runtime, tenant)]
    assert names.count("contact.created") == 1
    assert [row.data["tag"] for row in events(runtime, tenant, "tag.added")] == ["won"]
    assert [row.data["tag"] for row in events(runtime, tenant, "tag.removed")] == ["vip"]
    assert api.patch(path, {"first_name": "Ada"}).json["data"]["first_name"] == "Ada"
    assert len(events(runtime, tenant)) == len(names), "a change that changes nothing tells nothing"

    api.delete(path)
    api.get(path, status=404)


def test_identity_is_kept_once(api) -> None:
    first = api.post("contacts", {"email": "bob@b.example", "external_id": "7"}).json["data"]
    refused = api.post("contacts", {"email": "BOB@B.example"}, status=409).json
    assert refused["code"] == "CONFLICT"
    assert refused["details"]["email"]
    api.post("contacts", {"email": "x@b.example", "external_id": "7"}, status=409)
    assert (
        api.post("contacts/@@upsert", {"email": "Bob@b.example", "title": "CTO"}).json["data"]["id"]
        == first["id"]
    )
    moved = api.post("contacts/@@upsert", {"external_id": "7", "email": "bob@new.example"}).json["data"]
    assert (moved["id"], moved["email"], moved["title"]) == (first["id"], "bob@new.example", "CTO")
    api.post("contacts/@@upsert", {"external_id": "8", "email": "bob@new.example"}, status=409)
    api.post("businesses", {"name": "One", "domain": "one.example"})
    api.post("businesses", {"name": "ONE", "domain": "One.example"}, status=409)
    api.post("businesses", {"name": "One", "domain": "one.example", "external_id": "e1"})
    same = api.post("businesses/@@upsert", {"name": "one", "domain": "ONE.example", "city": "Rome"}).json[
        "data"
    ]
    assert (same["external_id"], same["city"]) == (None, "Rome")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "no address"}, "email"),
        ({"email": "zoë@a.example"}, "email"),
        ({}, "email"),
        ({"email": "a@b.example", "timezone": "Mars/North"}, "timezone"),
        ({"email": "a@b.example", "fields": {"nothing": 1}}, "fields.nothing"),
        ({"email": "a@b.example", "topics": ["nothing"]}, "topics"),
        ({"email": "a@b.example", "business_id": "01900000-0000-7000-8000-000000000000"}, "business_id"),
        ({"email": "a@b.example", "business_id": "7"}, "business_id"),
        ({"email": "a@b.example", "colour": "red"}, "colour"),
        ({"email": "a@b.example", "first_name": "x\0y"}, "first_name"),
        ({"email": "a@b.example", "first_name": "x" * 201}, "first_name"),
        ({"email": "a@b.example", "status": "asleep"}, "status"),
        ({"email": "a@b.example", "consent": {"marketing": "perhaps"}}, "consent.marketing"),
    ],
)
def test_what_cannot_be_is_refused_by_field(api, body, field) -> None:
    assert field in api.post("contacts", body, status=400).json["details"]


def test_lists_filter_search_sort_and_page(api) -> None:
    api.post("fields", {"key": "plan", "title": "Plan", "kind": "choice", "choices": ["Free", "Pro"]})
    api.post("topics", {"key": "news", "name": "News"})
    business = api.post("businesses", {"name": "Zürich & Söhne"}).json["data"]["id"]
    for n in range(7):
        api.post(
            "contacts",
            {
                "email": f"p{n}.smith-jones@mail{n}.example",
                "last_name": f"Name{6 - n}",
                "tags": ["odd"] if n % 2 else [],
                "topics": ["news"] if n == 3 else [],
                "fields": {"plan": "pro" if n < 3 else "free"},
                **({"business_id": business} if n == 5 else {}),
            },
        )
    assert len(api.data("contacts", tag="odd")) == 3
    assert len(api.data("contacts", topic="news")) == 1
    assert len(api.data("contacts", field="plan:PRO")) == 3
    assert [row["last_name"] for row in api.data("contacts", sort="name")] == [f"Name{n}" for n in range(7)]
    assert [row["email"][:2] for row in api.data("contacts", business=business)] == ["p5"]
    assert api.data("contacts", business=business)[0]["business_name"] == "Zürich & Söhne"
    assert [row["email"][:2] for row in api.data("contacts", q="p4.smi")] == ["p4"]
    assert [row["email"][:2] for row in api.data("contacts", q="jon mail2")] == ["p2"]
    assert len(api.data("contacts", q="!!! ")) == 7
    assert api.data("contacts", q="'nobody' & \\ | !:*") == []
    assert [row["email"][:2] for row in api.data("contacts", email="P1.Smith-Jones@MAIL1.example")] == ["p1"]
    assert [row["name"] for row in api.data("businesses", q="söh")] == ["Zürich & Söhne"]

    seen, cursor = [], ""
    while True:
        answer = api.get("contacts", limit=3, sort="-email", **({"cursor": cursor} if cursor else {})).json
        seen += [row["email"] for row in answer["data"]]
        api.post("contacts", {"email": f"q{len(seen)}@late.example"})
        cursor = answer["page"]["next"]
        if not cursor:
            break
    assert [email for email in seen if "late" not in email] == sorted(
        (e for e in seen if "late" not in e), reverse=True
    )
    assert len(seen) == len(set(seen)) == 7
    api.get("contacts", sort="fields", status=400)
    api.get("contacts", field="plan", status=400)
    api.get("contacts", cursor="nonsense", status=400)


def test_lists_come_from_the_cache_until_something_changes(api) -> None:
    api.post("contacts", {"email": "c@cache.example"})
    assert api.get("contacts").headers["X-Cache"] == "miss"
    hit = api.get("contacts")
    assert hit.headers["X-Cache"] == "hit"
    assert api.get("contacts", headers={"Cache-Control": "no-cache"}).headers["X-Cache"] == "bypass"
    made = api.post("contacts", {"email": "d@cache.example"}).json["data"]
    fresh = api.get("contacts")
    assert fresh.headers["X-Cache"] == "miss"
    assert made["id"] in [row["id"] for row in fresh.json["data"]]


def test_words_of_a_workspace_follow_their_records(api) -> None:
    contact = api.post("contacts", {"email": "w@w.example", "tags": ["old"]}).json["data"]["id"]
    business = api.post("businesses", {"name": "W", "tags": ["old", "zz"]}).json["data"]["id"]
    tag = next(row for row in api.data("tags") if row["name"] == "old")
    api.post("tags", {"name": "old"}, status=409)
    api.patch(f"tags/{tag['id']}", {"name": "a new one"})
    assert api.data(f"contacts/{contact}")["tags"] == ["a new one"]
    assert api.data(f"businesses/{business}")["tags"] == ["a new one", "zz"]
    api.delete(f"tags/{tag['id']}")
    assert api.data(f"contacts/{contact}")["tags"] == []
    field = api.post("fields", {"key": "k", "title": "K"}).json["data"]
    api.patch(f"contacts/{contact}", {"fields": {"k": "v"}})
    api.delete(f"fields/{field['id']}")
    assert api.data(f"contacts/{contact}")["fields"] == {}
    topic = api.post("topics", {"key": "t", "name": "T"}).json["data"]
    api.patch(f"contacts/{contact}", {"topics": ["t"]})
    assert api.patch(f"topics/{topic['id']}", {"name": "Tee", "is_public": False}).json["data"]["key"] == "t"
    api.delete(f"topics/{topic['id']}")
    assert api.data(f"contacts/{contact}")["topics"] == []


def test_tenants_do_not_meet(api, wsgi, runtime) -> None:
    contact = api.post("contacts", {"email": "mine@t.example", "tags": ["secret"]}).json["data"]["id"]
    other = make_tenant(runtime)
    theirs = Client(wsgi, other.slug, other.key)
    theirs.post("contacts", {"email": "mine@t.example"})
    assert len(theirs.data("contacts", q="mine")) == 1
    assert theirs.data("contacts", tag="secret") == []
    theirs.get(f"contacts/{contact}", status=404)
    theirs.patch(f"contacts/{contact}", {"title": "x"}, status=404)
    theirs.delete(f"contacts/{contact}", status=404)


def test_tags_that_cannot_be_are_refused_at_both_doors(api, wsgi, runtime, tenant) -> None:
    many = [f"t{n}" for n in range(60)]
    browser = Browser(wsgi, runtime, tenant.user_id)
    for place, given in (("contacts", {"email": "a@a.example"}), ("businesses", {"name": "Acme"})):
        path = f"{place}/{api.post(place, given | {'tags': many}).json['data']['id']}"
        refused = api.post(f"{path}/@@tags", {"add": [f"u{n}" for n in range(60)]}, status=400).json
        assert "100" in refused["details"]["tags"][0]
        assert len(api.data(path)["tags"]) == 60
    contact = api.data("contacts")[0]["id"]
    assert browser.post(f"/w/{tenant.slug}/contacts/{contact}/tags", add="x" * 101).status_int == 400


def test_a_change_keeps_what_a_workflow_changed_meanwhile(api, runtime, tenant) -> None:
    api.post("fields", {"key": "plan", "title": "Plan"})
    api.post("fields", {"key": "size", "title": "Size"})
    id = UUID(api.post("contacts", {"email": "a@a.example", "tags": ["old"]}).json["data"]["id"])
    with runtime.unit("web", tenant.id) as services:
        row = services(Contacts).find(id)
        with runtime.unit("worker") as worker:
            apply_changes(worker, [ContactChange(tenant.id, id, {"fields.plan": "pro"}, ["theirs"], ["old"])])
        services(Contacts).tag(row, ["ours"])
        services(Contacts).update(row, {"fields": {"size": "L"}})
    contact = api.data(f"contacts/{id}")
    assert (contact["tags"], contact["fields"]) == (["ours", "theirs"], {"plan": "pro", "size": "L"})


def test_a_workflow_tells_of_the_fields_that_really_changed(api, runtime, tenant) -> None:
    for key in ("plan", "size", "gone"):
        api.post("fields", {"key": key, "title": key})
    given = {"email": "a@a.example", "title": "CTO", "tags": ["old"], "fields": {"plan": "pro", "size": "L"}}
    id = UUID(api.post("contacts", given).json["data"]["id"])
    same = {"title": "CTO", "phone": "", "fields.plan": "pro", "fields.gone": None}
    for change in (
        ContactChange(tenant.id, id, same, ["new"]),
        ContactChange(tenant.id, id, same | {"first_name": "Ada", "fields.size": None}),
    ):
        with runtime.unit("worker") as worker:
            assert apply_changes(worker, [change]) == []
    (told,) = events(runtime, tenant, "contact.updated")
    assert told.data == {"source": "workflow", "fields": ["fields.size", "first_name"]}


def test_a_change_of_what_is_gone_meanwhile_says_so(api, runtime, tenant) -> None:
    id = UUID(api.post("contacts", {"email": "a@a.example"}).json["data"]["id"])
    with runtime.unit("web", tenant.id) as services:
        row = services(Contacts).find(id)
        api.delete(f"contacts/{id}")
        with pytest.raises(NotFound):
            services(Contacts).tag(row, ["late"])
