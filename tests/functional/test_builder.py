"""The builder, as a browser without scripts uses it: forms drawn from settings, and settings read from forms."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import Client
from tests.functional.browser import Browser

ID = "0192f000-0000-7000-8000-00000000000{}".format
CONDITION = {
    "any": [
        {"field": "contact.fields.plan", "op": "is", "value": "pro"},
        {"field": "variables.score", "op": "gte", "value": 5},
        {
            "none": [
                {"email": "replied", "op": "never", "of": "contact"},
                {"event": "order.paid", "op": "happened"},
            ]
        },
    ]
}
FILLED: dict[str, dict[str, Any]] = {
    "ab_split": {"arms": [{"name": "a", "weight": 3.5}, {"name": "b"}], "holdout": 5},
    "add_tag": {"tag": "vip, gold"},
    "branch": {"condition": CONDITION},
    "emit_event": {
        "event": "order.paid",
        "data": [{"name": "sum", "value": 12.5}, {"name": "as_text", "value": "12"}],
    },
    "filter": {"condition": {"all": [{"field": "event.data.open", "op": "is", "value": True}]}},
    "for_each": {"items": "{{ outputs.orders.body.lines }}", "most": 7},
    "fork": {"branches": ["x", "y", "z"]},
    "goal": {"event": "order.paid", "match": {"plan": "pro", "n": None}, "wait": {"amount": 2}},
    "http_request": {
        "method": "POST",
        "url": "https://x.example/{{ contact.id }}",
        "headers": [{"name": "X-One", "value": "1"}, {"name": "X-Two"}],
        "body_type": "json",
        "body": {"deep": [1, "{{ contact.email }}", {"yes": True}]},
        "retry": [429, 503],
        "credential_id": ID(1),
        "follow_redirects": True,
    },
    "lookup_contact": {"by": "external_id", "value": "{{ event.data.user }}"},
    "merge": {"mode": "any"},
    "notify": {"subject": "Hi", "body": "two\nlines", "role": "admin", "members": [ID(2)], "mail": True},
    "send_email": {
        "template_id": ID(3),
        "template_version": 2,
        "sender_id": ID(4),
        "kind": "transactional",
        "cooldown_hours": 1.5,
        "once": True,
        "variables": [{"name": "price", "value": "true"}, {"name": "list", "value": [1, 2]}],
    },
    "set_variables": {
        "set": [{"name": "one", "value": False}, {"name": "two", "value": "{{ contact.name }}"}]
    },
    "stop": {"reason": "done"},
    "sub_workflow": {"workflow_id": ID(5), "wait": False, "data": {"a": "{{ contact.id }}"}},
    "switch": {
        "value": "{{ contact.fields.plan }}",
        "cases": [{"name": "pro", "equals": "Pro"}, {"name": "paid", "condition": CONDITION}],
    },
    "update_contact": {"set": [{"field": "fields.plan", "value": "pro"}, {"field": "title"}]},
    "update_business": {"set": [{"field": "city", "value": "{{ event.data.city }}"}]},
    "wait": {"amount": 3, "unit": "working_days", "holidays": ["2026-12-24"]},
    "wait_for_event": {
        "event": "email.replied",
        "timeout": {"amount": 1.5, "unit": "weeks"},
        "of": "contact",
    },
    "wait_until": {
        "mode": "window",
        "at": "08:30",
        "until": "24:00",
        "days": [1, 5],
        "timezone": "Asia/Kolkata",
    },
    "webhook": {"url": "https://x.example/hook", "data": "{{ contact.email }}"},
    "whatsapp": {"credential_id": ID(6), "template": "hello", "parameters": ["{{ contact.name }}", "2"]},
}
STARTED: dict[str, dict[str, Any]] = {
    "contact_updated": {"fields": ["title", "tags", "fields.gone"]},
    "email_event": {"happens": "clicked", "workflow_id": ID(5)},
    "event": {
        "event": "order.paid",
        "condition": {"all": [{"field": "event.data.n", "op": "gt", "value": 3}]},
    },
    "form": {"form_id": ID(7)},
    "incoming_webhook": {"hook_id": ID(8)},
    "schedule": {
        "cron": "0 9 * * mon",
        "timezone": "Europe/Paris",
        "whom": "tag",
        "tag": "vip",
        "missed": "skip",
    },
    "segment_entered": {"segment_id": ID(9)},
    "tag_added": {"tag": "vip"},
    "workflow_finished": {"workflow_id": ID(5), "statuses": ["completed", "failed"]},
}


@pytest.fixture
def browser(wsgi, runtime, tenant) -> Browser:
    return Browser(wsgi, runtime, tenant.user_id)


def the_form(page: Any) -> Any:
    return next(form for form in page.forms.values() if "seen" in form.fields)


def test_forms_give_back_what_they_were_given(
    api: Client, browser: Browser, runtime: Any, tenant: Any
) -> None:
    """Every step and trigger: opening its form and saving it changes nothing."""
    known = runtime.registrations.plugins
    assert set(known.steps) - {"remove_tag"} <= set(FILLED) | {"hello"}
    nodes = [{"id": name, "type": name, "config": config} for name, config in FILLED.items()]
    triggers = [{"type": name, "config": config} for name, config in STARTED.items()]
    flow = api.post("workflows", {"name": "All", "graph": {"nodes": nodes}, "triggers": triggers}).json[
        "data"
    ]["id"]
    place = f"/w/{tenant.slug}/workflows/{flow}/draft"
    for name in FILLED:
        form = the_form(browser.get(f"{place}/step?id={name}"))
        assert form.submit("act", value="save").status_int == 303, name
    for n in range(len(triggers)):
        form = the_form(browser.get(f"{place}/trigger?n={n}"))
        assert form.submit("act", value="save").status_int == 303, n
    draft = api.data(f"workflows/{flow}/draft")
    assert {node["id"]: node["config"] for node in draft["graph"]["nodes"]} == FILLED
    assert {each["type"]: each["config"] for each in draft["triggers"]} == STARTED


def test_a_draft_is_put_together_step_by_step(api: Client, browser: Browser, tenant: Any) -> None:
    flow = api.post("workflows", {"name": "New"}).json["data"]["id"]
    place = f"/w/{tenant.slug}/workflows/{flow}/draft"
    browser.post(f"{place}/add", type="wait_until")
    browser.post(f"{place}/add", type="branch", after="wait_until", port="next")
    browser.post(f"{place}/add", type="add_tag", after="branch", port="yes")
    browser.post(f"{place}/add", type="filter", after="wait_until", port="next")  # between them

    form = the_form(browser.get(f"{place}/step?id=wait_until"))
    form["config.mode"] = "window"
    form = the_form(form.submit("act", value="look"))
    form["config.at"], form["config.until"], form["config.days.1"] = "9", "9:00", True
    page = form.submit("act", value="save").follow()
    assert (
        "The window must end at another hour than it begins." in page.text
    )  # beside its field, on the form again
    form = the_form(page)
    form["config.until"] = "17:00"
    assert "#step-wait_until" in form.submit("act", value="save").location

    form = the_form(browser.get(f"{place}/step?id=branch"))
    form["config.condition.items.0.about"] = "contact.tags"
    form = the_form(form.submit("act", value="look"))
    form["config.condition.items.0.value"], form["way.no.0"] = "vip", "add_tag"
    stale = the_form(browser.get(f"{place}/step?id=branch"))
    form.submit("act", value="save")
    refused = stale.submit("act", value="save", expect_errors=True)
    assert refused.status_int == 412 and "Somebody changed this step meanwhile" in refused.text

    graph = api.data(f"workflows/{flow}/draft")["graph"]
    assert graph["nodes"][0]["config"] == {"mode": "window", "days": [1]}  # 09:00 to 17:00 go without saying
    assert graph["nodes"][1]["config"] == {
        "condition": {"all": [{"field": "contact.tags", "op": "has", "value": "vip"}]}
    }
    assert {(each["from"], each["port"], each["to"]) for each in graph["edges"]} == {
        ("wait_until", "next", "filter"),
        ("filter", "next", "branch"),
        ("branch", "yes", "add_tag"),
        ("branch", "no", "add_tag"),
    }
    browser.post(f"{place}/change", act="remove-step", id="filter")
    browser.post(f"{place}/change", act="copy-step", id="add_tag")
    graph = api.data(f"workflows/{flow}/draft")["graph"]
    assert ("wait_until", "next", "branch") in {
        (each["from"], each["port"], each["to"]) for each in graph["edges"]
    }
    assert [node["id"] for node in graph["nodes"]] == ["wait_until", "branch", "add_tag", "add_tag_2"]
    assert browser.post(f"{place}/add", type="no_such").status_int == 422
    assert browser.get(f"{place}/step?id=gone").status_int == 404


def test_a_schedule_shows_when_it_comes_and_what_is_wrong(api: Client, browser: Browser, tenant: Any) -> None:
    flow = api.post("workflows", {"name": "New"}).json["data"]["id"]
    place = f"/w/{tenant.slug}/workflows/{flow}/draft"
    browser.post(f"{place}/add-trigger", type="schedule")
    form = the_form(browser.get(f"{place}/trigger?n=1"))
    form["config.cron"], form["config.timezone"] = "0 9 * * mon", "Asia/Tokyo"
    shown = form.submit("act", value="look")
    assert shown.text.count("9:00\u202fAM") == 5 and "Next, in Asia/Tokyo" in shown.text
    form = the_form(shown)
    form["config.cron"] = "0 9 30 2 *"
    shown = form.submit("act", value="look")
    assert "This is no cron expression: bad day-of-month." in shown.text and "Next, in" not in shown.text
    stale, form = the_form(shown), the_form(browser.get(f"{place}/trigger?n=1"))
    form["config.cron"] = "0 9 * * *"
    form.submit("act", value="save")
    refused = stale.submit("act", value="save", expect_errors=True)
    assert refused.status_int == 412 and "Somebody changed this trigger meanwhile" in refused.text
    assert api.data(f"workflows/{flow}/draft")["triggers"][1]["config"]["cron"] == "0 9 * * *"


def test_rules_are_set_and_read(api: Client, browser: Browser, tenant: Any) -> None:
    settings = {
        "reentry": {"after_days": 30},
        "exit_rules": [
            "unsubscribed",
            {"left_segment": ID(8)},
            {"left_segment": ID(9)},
            {"event": "order.paid", "match": {"n": 1}},
        ],
        "window": {"days": [1, 2], "from": "09:00", "until": "17:00"},
        "on_unknown": "skip",
    }
    flow = api.post("workflows", {"name": "New", "graph": {"nodes": [], "settings": settings}}).json["data"][
        "id"
    ]
    place = f"/w/{tenant.slug}/workflows/{flow}/draft"
    page = browser.get(f"{place}/rules")
    form = next(form for form in page.forms.values() if "rules.reentry" in form.fields)
    assert form.submit("act", value="save").status_int == 303
    assert api.data(f"workflows/{flow}/draft")["graph"]["settings"] == settings
    form["rules.window.until"] = "09:00"
    refused = form.submit("act", value="save", expect_errors=True)
    assert refused.status_int == 422 and "A window has days" in refused.text
    stale = form
    form = the_form(browser.get(f"{place}/rules"))
    form["rules.on_unknown"] = "resend"
    form.submit("act", value="save")
    stale["rules.window.until"] = "18:00"
    looked = the_form(stale.submit("act", value="look"))  # to look does not make it newer
    refused = looked.submit("act", value="save", expect_errors=True)
    assert refused.status_int == 412 and "Somebody changed the rules meanwhile" in refused.text
    assert the_form(refused).submit("act", value="save").status_int == 303
    kept = api.data(f"workflows/{flow}/draft")["graph"]["settings"]
    assert (kept["window"]["until"], kept["on_unknown"]) == ("18:00", "skip")
