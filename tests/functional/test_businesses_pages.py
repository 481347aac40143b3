"""Pages of businesses, contacts and imports, as a browser without scripts uses them."""

from __future__ import annotations

import pytest

from autoloop.businesses.services.imports import work
from tests.factories import make_user
from tests.functional.browser import Browser


@pytest.fixture
def browser(wsgi, runtime, tenant) -> Browser:
    return Browser(wsgi, runtime, tenant.user_id)


def test_a_contact_is_added_changed_and_removed_by_forms(browser, api, tenant) -> None:
    here = f"/w/{tenant.slug}"
    api.post("fields", {"key": "plan", "title": "Plan", "kind": "choice", "choices": ["Free", "Pro"]})
    api.post("fields", {"key": "vip", "title": "Very important", "kind": "boolean"})
    api.post("topics", {"key": "news", "name": "Newsletter"})
    assert "No contacts yet" in browser.get(f"{here}/contacts").text
    form = browser.get(f"{here}/contacts/new").forms
    page = next(form[key] for key in form if "email" in form[key].fields)
    page["email"], page["first_name"], page["tags"] = "nobody", "<b>Ada</b>", "new, warm"
    refused = page.submit(expect_errors=True)
    assert refused.status_int == 422
    assert "is no email address" in refused.text
    page = next(refused.forms[key] for key in refused.forms if "email" in refused.forms[key].fields)
    assert page["first_name"].value == "<b>Ada</b>"
    page["email"], page["fields.plan"], page["fields.vip"] = "ada@p.example", "Pro", "true"
    page["business"] = "Nowhere"
    refused = page.submit(expect_errors=True)
    assert "There is no business “Nowhere”" in refused.text
    page = next(refused.forms[key] for key in refused.forms if "email" in refused.forms[key].fields)
    business = api.post("businesses", {"name": "Acme", "domain": "acme.example"}).json["data"]["id"]
    page["business"] = "acme (Acme.example)"
    shown = page.submit().follow()
    assert "&lt;b&gt;Ada&lt;/b&gt;" in shown.text
    assert "<b>Ada</b>" not in shown.text
    assert "Very important" in shown.text
    assert "Contact made" in shown.text
    id = api.data("contacts", email="ada@p.example")[0]["id"]
    assert api.data(f"contacts/{id}")["fields"] == {"plan": "Pro", "vip": True}
    assert api.data(f"contacts/{id}")["business_id"] == business

    api.post("contacts", {"email": "taken@p.example"})
    edit = browser.get(f"{here}/contacts/{id}/edit")
    page = next(edit.forms[key] for key in edit.forms if "email" in edit.forms[key].fields)
    page["email"] = "taken@p.example"
    conflict = page.submit(expect_errors=True)
    assert conflict.status_int == 409
    assert "Another contact has this email address." in conflict.text
    page = next(conflict.forms[key] for key in conflict.forms if "email" in conflict.forms[key].fields)
    page["email"], page["first_name"], page["fields.vip"], page["topics"] = "ada@q.example", "", "", ["news"]
    page.submit().follow()
    changed = api.data(f"contacts/{id}")
    assert (changed["email"], changed["first_name"], changed["topics"]) == ("ada@q.example", "", ["news"])
    assert changed["fields"] == {"plan": "Pro"}
    browser.post(f"{here}/contacts/{id}/tags", add="hot", remove="new")
    browser.post(f"{here}/contacts/{id}/consent", marketing="granted", source="phone")
    assert api.data(f"contacts/{id}")["tags"] == ["hot", "warm"]
    assert api.data(f"contacts/{id}")["consent"]["marketing"] == "granted"
    assert browser.post(f"{here}/contacts/{id}/delete", confirm="wrong").status_int == 400
    assert browser.post(f"{here}/contacts/{id}/delete", confirm="ada@q.example").status_int == 303
    assert browser.get(f"{here}/contacts/{id}").status_int == 404


def test_lists_work_without_scripts(browser, api, tenant) -> None:
    here = f"/w/{tenant.slug}"
    business = api.post("businesses", {"name": "Many & Co", "tags": ["t1"]}).json["data"]["id"]
    for n in range(60):
        api.post(
            "contacts",
            {"email": f"n{n}@n.example", "business_id": business, "tags": ["even"] if n % 2 == 0 else []},
        )
    first = browser.get(f"{here}/contacts?sort=email")
    second = first.click("Next")
    assert "n0@n.example" in first.text
    assert "n0@n.example" not in second.text
    filtered = browser.get(f"{here}/contacts?tag=even&q=n1&status=")
    assert "n10@n.example" in filtered.text
    assert "n11@n.example" not in filtered.text
    assert "Nothing matches" in browser.get(f"{here}/contacts?q=zzz").text
    assert browser.get(f"{here}/contacts?status=odd").status_int == 400
    shown = browser.get(f"{here}/businesses/{business}")
    assert "Many &amp; Co" in shown.text
    assert "Show all 60" in shown.text
    assert "Many &amp; Co" in browser.get(f"{here}/contacts?business={business}").text
    assert "Many &amp; Co" in browser.get(f"{here}/businesses?tag=t1").text
    exported = browser.post(f"{here}/exports", kind="contacts", tag="even").follow()
    assert exported.content_type == "text/csv"
    assert exported.text.count("@n.example") == 30
    edit = browser.get(f"{here}/businesses/{business}/edit")
    page = next(edit.forms[key] for key in edit.forms if "website" in edit.forms[key].fields)
    page["name"], page["city"] = "Few", "Rome"
    assert "Rome" in page.submit().follow().text
    made = browser.post(f"{here}/businesses", name="By form", website="https://form.example")
    assert "form.example" in made.follow().text
    assert browser.post(f"{here}/businesses", name="").status_int == 422


def test_an_import_from_upload_to_result(browser, api, runtime, tenant) -> None:
    here = f"/w/{tenant.slug}/imports"
    assert "Nothing imported yet" in browser.get(here).text
    bad = browser.app.post(
        here, {"csrf_token": browser.token()}, upload_files=[("file", "x.csv", b"<html>")], expect_errors=True
    )
    assert bad.status_int == 422
    assert "web page" in bad.text
    sent = browser.app.post(
        here,
        {"csrf_token": browser.token()},
        upload_files=[("file", "list.csv", b"Who,Mail,Colour\nAda,ada@i.example,red\nBob,nobody,blue\n")],
    )
    page = sent.follow()
    assert "Rows that would not be taken" in page.text
    assert api.get("contacts").json["page"]["total"] == 0
    form = next(page.forms[key] for key in page.forms if "column-0" in page.forms[key].fields)
    form["column-0"], form["column-1"] = "first_name", ""
    refused = form.submit("then", value="preview", expect_errors=True)
    assert refused.status_int == 422
    form = next(refused.forms[key] for key in refused.forms if "column-0" in refused.forms[key].fields)
    form["column-1"], form["tags"] = "email", "fair"
    running = form.submit("then", value="start").follow()
    assert "hx-trigger" in running.text
    while work(runtime):
        pass
    done = browser.get(running.request.path)
    assert "Every row is accounted for" in done.text
    assert "nobody" in done.text
    assert done.click("Download all").text.count("nobody") == 2
    contact = api.data("contacts", tag="fair")[0]
    assert contact["first_name"] == "Ada"
    assert api.data(f"contacts/{contact['id']}")["fields"] == {"colour": "red"}


def test_who_may_not_edit_sees_no_way_to(wsgi, browser, api, runtime, tenant) -> None:
    id = api.post("contacts", {"email": "v@v.example"}).json["data"]["id"]
    user, email = make_user(runtime)
    api_owner = browser.api("POST", f"/w/{tenant.slug}/members", {"email": email, "role": "viewer"})
    assert api_owner.status_int == 201
    viewer = Browser(wsgi, runtime, user)
    for path in ("contacts", f"contacts/{id}", "businesses", "imports"):
        text = viewer.get(f"/w/{tenant.slug}/{path}").text
        assert "New contact" not in text
        assert "/edit" not in text
        assert "New import" not in text
    assert viewer.get(f"/w/{tenant.slug}/contacts/new").status_int == 403
    assert viewer.post(f"/w/{tenant.slug}/contacts", email="x@x.example").status_int == 403
    assert viewer.post(f"/w/{tenant.slug}/exports", kind="contacts").status_int == 403
