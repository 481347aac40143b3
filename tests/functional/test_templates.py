"""Email templates over both doors: versions, previews with a real contact, rules for empty fields."""

from __future__ import annotations

import pytest

from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.businesses.models import Business, Contact
from tests.factories import Client, Tenant, make_tenant

BODY = {
    "name": "First mail",
    "subject": "Hi {{ contact.first_name }}",
    "kind": "markdown",
    "source": "Dear **{{ contact.last_name | default: 'friend' }}** of {{ business.name }},",
}


@pytest.fixture
def contact(runtime: Runtime, tenant: Tenant) -> str:
    with runtime.unit("web", tenant.id) as services:
        business = Business(id=new_id(), workspace_id=tenant.id, name="Müller & <Söhne>")
        services.session.add(business)
        services.session.flush()
        person = Contact(
            id=new_id(),
            workspace_id=tenant.id,
            business_id=business.id,
            email="ann@example.com",
            email_normal="ann@example.com",
            first_name="Ann {{ x }}",
        )
        services.session.add(person)
    return str(person.id)


def test_each_change_of_the_text_makes_a_version(api: Client) -> None:
    made = api.post("templates", BODY).json["data"]
    assert (made["version"], made["kind"], made["field_rules"], made["text_source"]) == (
        1,
        "markdown",
        {},
        None,
    )
    assert [field["path"] for field in made["fields"]] == [
        "contact.first_name",
        "contact.last_name",
        "business.name",
    ]
    path = f"templates/{made['id']}"
    renamed = api.patch(path, {"name": "Renamed"}).json["data"]
    assert (renamed["name"], renamed["version"]) == ("Renamed", 1)
    changed = api.patch(path, {"subject": "Hello", "field_rules": {"business.name": {"rule": "send"}}}).json[
        "data"
    ]
    assert (changed["version"], changed["source"]) == (2, BODY["source"])
    assert api.patch(path, {"subject": "Hello"}).json["data"]["version"] == 2
    assert [each["number"] for each in api.data(f"{path}/versions")] == [2, 1]
    assert api.data(f"{path}/versions/1")["subject"] == BODY["subject"]
    restored = api.post(f"{path}/versions/1/restore").json["data"]
    assert (restored["version"], restored["subject"], restored["field_rules"]) == (3, BODY["subject"], {})
    api.get(f"{path}/versions/4", status=404)
    api.get(f"{path}/versions/01", status=404)


def test_an_edit_of_a_stale_copy_is_refused(api: Client) -> None:
    id = api.post("templates", BODY).json["data"]["id"]
    etag = api.get(f"templates/{id}").headers["ETag"]
    assert api.get(f"templates/{id}", headers={"If-None-Match": etag}, status=304)
    changed = api.patch(f"templates/{id}", {"subject": "B"}, headers={"If-Match": etag})
    assert changed.headers["ETag"] == api.get(f"templates/{id}").headers["ETag"] != etag
    api.patch(f"templates/{id}", {"subject": "C"}, headers={"If-Match": etag}, status=412)
    assert api.data(f"templates/{id}")["subject"] == "B"


def test_lists_search_sort_and_leave_out_what_is_archived(api: Client) -> None:
    for name in ("Bravo", "Alpha 100%", "Charlie"):
        api.post("templates", BODY | {"name": name})
    assert [row["name"] for row in api.data("templates", sort="name")] == ["Alpha 100%", "Bravo", "Charlie"]
    assert [row["name"] for row in api.data("templates", q="100%")] == ["Alpha 100%"]
    first = api.get("templates", sort="name", limit=2).json
    assert first["page"]["total"] == 3
    assert [
        row["name"] for row in api.data("templates", sort="name", limit=2, cursor=first["page"]["next"])
    ] == ["Charlie"]
    alpha = first["data"][0]["id"]
    api.delete(f"templates/{alpha}", status=204)
    assert len(api.data("templates")) == 2
    assert [row["id"] for row in api.data("templates", archived="true")] == [alpha]
    api.patch(f"templates/{alpha}", {"name": "x"}, status=409)
    api.post(f"templates/{alpha}/unarchive")
    copied = api.post(f"templates/{alpha}/duplicate").json["data"]
    assert (copied["name"], copied["version"], copied["source"]) == ("Alpha 100% (copy)", 1, BODY["source"])
    assert len(api.data("templates")) == 4


def test_preview_shows_a_real_contact_and_what_it_lacks(api: Client, contact: str) -> None:
    id = api.post("templates", BODY).json["data"]["id"]
    shown = api.post(f"templates/{id}/preview", {"contact_id": contact}).json["data"]
    assert shown["subject"] == "Hi Ann {{ x }}"
    assert "<p>Dear <strong>friend</strong> of Müller &amp; &lt;Söhne&gt;,</p>" in shown["html"]
    assert shown["text"] == "Dear friend of Müller & <Söhne>,\n"
    assert (shown["would_skip"], shown["problems"]) == (False, [])
    given = {"contact_id": contact, "subject": "{{ contact.title }} {{ contact.nope }}", "source": "x"}
    verdict = api.post(f"templates/{id}/check", given).json["data"]
    assert verdict["would_skip"]
    assert [(each["kind"], each["field"]) for each in verdict["problems"]] == [
        ("unknown", "contact.nope"),
        ("empty", "contact.title"),
    ]
    rules = {"contact.title": {"rule": "fallback", "value": "Dr"}, "contact.nope": {"rule": "send"}}
    fixed = api.post(f"templates/{id}/preview", given | {"field_rules": rules}).json["data"]
    assert (fixed["subject"], fixed["would_skip"]) == ("Dr", False)
    sample = api.post("templates/preview", {"kind": "html", "subject": "{{ contact.name }}", "source": "x"})
    assert sample.json["data"]["subject"] == "Ada Lovelace"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"source": "\n{% include 'x' %}"}, "source"),
        ({"subject": "{{ (1..99) | nope }}"}, "subject"),
        ({"subject": ""}, "subject"),
        ({"kind": "word"}, "kind"),
        ({"field_rules": {"a": {"rule": "explode"}}}, "field_rules"),
        ({"field_rules": {"a": {"rule": "fallback"}}}, "field_rules"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_field(api: Client, given: dict, field: str) -> None:
    answer = api.post("templates", BODY | given, status=400).json
    assert list(answer["details"]) == [field]


def test_other_tenants_see_nothing(api: Client, wsgi: object, runtime: Runtime, contact: str) -> None:
    id = api.post("templates", BODY).json["data"]["id"]
    stranger = make_tenant(runtime)
    other = Client(wsgi, stranger.slug, stranger.key)
    assert other.data("templates") == []
    for path in (f"templates/{id}", f"templates/{id}/versions", f"templates/{id}/versions/1"):
        other.get(path, status=404)
    other.patch(f"templates/{id}", {"name": "x"}, status=404)
    mine = other.post("templates", BODY).json["data"]["id"]
    assert other.post(f"templates/{mine}/preview", {"contact_id": contact}, status=400).json["details"] == {
        "contact_id": ["There is no such contact."]
    }


def test_pages_write_preview_and_keep_what_was_typed(api: Client, tenant: Tenant, contact: str) -> None:
    page = api.app
    headers = {"Authorization": f"Bearer {tenant.key}"}
    base = f"/w/{tenant.slug}/templates"
    assert "No templates yet" in page.get(base, headers=headers)
    form = {
        "name": "From a page",
        "kind": "html",
        "subject": "S",
        "preheader": "",
        "source": "<b>{{ contact.title }}</b>",
    }
    refused = page.post(f"{base}/new", form | {"source": "{{ broken"}, headers=headers, status=422)
    assert "{{ broken" in refused.text
    assert "is not closed" in refused.text
    saved = page.post(f"{base}/new", form, headers=headers, status=303).location
    editor = page.get(saved, headers=headers)
    assert "contact.title" in editor
    assert "Version 1" in editor
    where = saved.split("?")[0].removeprefix("http://localhost").rstrip("/")
    etag = editor.html.find("input", {"name": "etag"})["value"]
    rules = {"rule.contact.title": "fallback", "value.contact.title": "<Dr>"}
    page.post(where, form | rules | {"etag": etag}, headers=headers, status=303)
    assert (
        page.post(where, form | {"etag": etag, "source": "mine"}, headers=headers, status=412)
        .html.find("textarea", {"name": "source"})
        .text.strip()
        == "mine"
    )
    framed = page.get(f"{where}/preview?contact_id={contact}", headers=headers)
    assert framed.text == "<b>&lt;Dr&gt;</b>"
    assert "sandbox" in framed.headers["Content-Security-Policy"]
    assert framed.headers["X-Frame-Options"] == "SAMEORIGIN"
    plain = page.post(f"{where}/preview", form | {"view": "text", "source": "<p>a</p>"}, headers=headers)
    assert (plain.content_type, plain.text) == ("text/plain", "S\n\na\n")
    assert "From a page" in page.get(base, headers=headers)
    assert "Use this version again" in page.get(f"{where}/versions/1", headers=headers)
    page.post(f"{where}/versions/1/restore", {}, headers=headers, status=303)
    assert "Version 3" in page.get(where, headers=headers)
