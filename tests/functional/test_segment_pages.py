"""Pages of segments, as a browser without scripts uses them."""

from __future__ import annotations

import pytest

from autoloop.businesses.services.segments.keeping import work
from tests.functional.browser import Browser
from tests.functional.mail_world import until


@pytest.fixture
def browser(wsgi, runtime, tenant) -> Browser:
    return Browser(wsgi, runtime, tenant.user_id)


def the_form(page):
    return next(form for form in page.forms.values() if "description" in form.fields)


def test_a_segment_is_asked_counted_saved_and_explained(browser, api, runtime, tenant) -> None:
    here = f"/w/{tenant.slug}"
    api.post("fields", {"key": "seats", "title": "Seats", "kind": "number"})
    ada = api.post("contacts", {"email": "ada@p.example", "tags": ["vip"], "fields": {"seats": 7}}).json[
        "data"
    ]["id"]
    bob = api.post("contacts", {"email": "bob@p.example"}).json["data"]["id"]
    assert "No segments yet" in browser.get(f"{here}/segments").text
    form = the_form(browser.get(f"{here}/segments/new"))
    form["name"], form["value.0"] = "Big <b>ones</b>", "VIP"
    form = the_form(form.submit("act", value="add"))
    form["field.1"], form["op.1"], form["value.1"] = "contact.fields.seats", "gt", "many"
    refused = form.submit("act", value="count", expect_errors=True)
    assert refused.status_int == 422 and "must be a number" in refused.text
    form = the_form(refused)
    form["value.1"] = "5"
    counted = form.submit("act", value="count")
    assert "1 contact matches now" in counted.text and "ada@p.example" in counted.text
    as_json = the_form(the_form(counted).submit("act", value="json"))
    assert '"value": 5' in as_json["json"].value
    refused = the_form(counted).submit("act", value="save")
    until(lambda: work(runtime) >= 0 and api.data("segments")[0]["status"] == "ready")
    shown = browser.get(refused.location)
    assert "Big &lt;b&gt;ones" in shown.text
    segment = api.data("segments")[0]
    assert segment["name"] == "Big <b>ones</b>"
    assert api.data(f"segments/{segment['id']}")["condition"] == {
        "all": [
            {"field": "contact.tags", "op": "has", "value": "VIP"},
            {"field": "contact.fields.seats", "op": "gt", "value": 5},
        ]
    }
    for contact, says in ((ada, "matches"), (bob, "does not match")):
        assert says in browser.get(f"{here}/segments/{segment['id']}/contacts/{contact}/why").text
    assert "ada@p.example" in browser.get(f"{here}/contacts?segment={segment['id']}").text

    form = the_form(browser.get(f"{here}/segments/{segment['id']}/edit"))
    form["group"], form["field.1"], form["op.1"], form["days.1"] = "none", "email.opened", "happened", "30"
    form.submit("act", value="save")
    assert api.data(f"segments/{segment['id']}")["condition"]["none"][1] == {
        "email": "opened",
        "op": "happened",
        "within_days": 30,
    }
    browser.post(f"{here}/segments/{segment['id']}/delete", confirm="Big <b>ones</b>")
    assert api.data("segments") == []


def test_a_nested_condition_is_edited_as_json(browser, api, tenant) -> None:
    here = f"/w/{tenant.slug}"
    nested = {
        "any": [{"all": [{"event": "order.paid", "at_least": 2}]}, {"field": "contact.title", "op": "exists"}]
    }
    id = api.post("segments", {"name": "Nested", "condition": nested}).json["data"]["id"]
    assert "order.paid happened, at least 2 times" in browser.get(f"{here}/segments/{id}/").text
    form = the_form(browser.get(f"{here}/segments/{id}/edit"))
    form["json"] = "{"
    assert "no JSON" in form.submit("act", value="save", expect_errors=True).text
    form["json"] = '{"any": [{"field": "contact.title", "op": "gt", "value": "x"}]}'
    assert "Condition.any.0.value" in form.submit("act", value="save", expect_errors=True).text
