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
    form["name"], form["asked.condition.items.0.value"] = "Big <b>ones</b>", "VIP"
    form = the_form(form.submit("act", value="add:asked.condition.items"))
    form["asked.condition.items.1.about"] = "contact.fields.seats"
    form = the_form(form.submit("act", value="look"))
    form["asked.condition.items.1.op"], form["asked.condition.items.1.value"] = "gt", "many"
    refused = form.submit("act", value="count", expect_errors=True)
    assert refused.status_int == 422 and "must be a number" in refused.text
    form = the_form(refused)
    form["asked.condition.items.1.value"] = "5"
    counted = form.submit("act", value="count")
    assert "1 contact matches now" in counted.text and "ada@p.example" in counted.text
    as_json = the_form(the_form(counted).submit("act", value="json:asked.condition"))
    assert '"value": 5' in as_json["asked.condition.json"].value
    assert (
        "asked.condition.items.1.value"
        in the_form(as_json.submit("act", value="plain:asked.condition")).fields
    )
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
    form["asked.condition.kind"], form["asked.condition.items.1.about"] = "none", "email.opened"
    form = the_form(form.submit("act", value="look"))
    form["asked.condition.items.1.days"] = "30"
    form.submit("act", value="save")
    assert api.data(f"segments/{segment['id']}")["condition"]["none"][1] == {
        "email": "opened",
        "op": "happened",
        "within_days": 30,
    }
    browser.post(f"{here}/segments/{segment['id']}/delete", confirm="Big <b>ones</b>")
    assert api.data("segments") == []


def test_groups_in_groups_are_edited(browser, api, tenant) -> None:
    here = f"/w/{tenant.slug}"
    nested = {
        "any": [
            {
                "all": [
                    {"event": "order.paid", "at_least": 2},
                    {"none": [{"field": "contact.tags", "op": "has", "value": "x"}]},
                ]
            },
            {"field": "contact.title", "op": "exists"},
        ]
    }
    id = api.post("segments", {"name": "Nested", "condition": nested}).json["data"]["id"]
    assert "order.paid happened, at least 2 times" in browser.get(f"{here}/segments/{id}/").text
    form = the_form(browser.get(f"{here}/segments/{id}/edit"))
    top = "asked.condition.items"
    assert form[f"{top}.0.items.1.items.0.value"].value == "x"
    form = the_form(form.submit("act", value=f"group:{top}.0.items.1.items"))
    form[f"{top}.0.items.1.items.1.items.0.about"] = "contact.title"
    form = the_form(form.submit("act", value="look"))
    form[f"{top}.0.items.1.items.1.items.0.op"] = "contains"
    refused = form.submit("act", value="save", expect_errors=True)
    assert refused.status_int == 422 and "must be a text" in refused.text
    form = the_form(refused)
    form[f"{top}.0.items.1.items.1.items.0.value"] = "chef"
    the_form(form.submit("act", value=f"remove:{top}.1")).submit("act", value="save")
    assert api.data(f"segments/{id}")["condition"] == {
        "any": [
            {
                "all": [
                    {"event": "order.paid", "op": "happened", "at_least": 2},
                    {
                        "none": [
                            {"field": "contact.tags", "op": "has", "value": "x"},
                            {"any": [{"field": "contact.title", "op": "contains", "value": "chef"}]},
                        ]
                    },
                ]
            }
        ]
    }
    as_json = the_form(
        the_form(browser.get(f"{here}/segments/{id}/edit")).submit("act", value="json:asked.condition")
    )
    as_json["asked.condition.json"] = "{"
    assert "no JSON" in as_json.submit("act", value="save", expect_errors=True).text
    as_json["asked.condition.json"] = '{"any": [{"field": "contact.title", "op": "gt", "value": "x"}]}'
    assert "must be a number" in as_json.submit("act", value="save", expect_errors=True).text
