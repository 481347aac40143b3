"""Forms: what visitors send becomes a contact once, with consent, and starts a run; programs are not heard."""

from __future__ import annotations

import re
from typing import Any

import pytest
from webtest import TestApp

from tests.browser.seed import work
from tests.factories import Client, make_tenant
from tests.unit.engine.graphs import graph

FIELDS = [
    {"name": "email", "label": "Email", "kind": "email"},
    {"name": "first_name", "label": "First <name>", "required": True},
    {"name": "title", "label": "Role", "kind": "choice", "choices": ["CTO", "CEO"]},
]


@pytest.fixture
def form(api: Client) -> dict[str, Any]:
    given = {"name": "News", "fields": FIELDS, "consent_text": "Write to me", "per_minute": 1000}
    return api.post("forms", given).json["data"]


@pytest.fixture
def visitor(wsgi: object) -> TestApp:
    return TestApp(wsgi, extra_environ={"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost"})


def path(form: dict[str, Any]) -> str:
    return form["url"].removeprefix("http://localhost")


def test_a_visitor_becomes_a_contact_with_consent_and_a_run_once(api, runtime, form, visitor) -> None:
    flow = graph(("t", "add_tag", {"tag": "signed up"}), reentry="always")
    triggers = [{"type": "form", "config": {"form_id": form["id"]}}]
    made = api.post("workflows", {"name": "Welcome", "graph": flow, "triggers": triggers}).json["data"]["id"]
    api.post(f"workflows/{made}/publish")
    shown = visitor.get(path(form))
    assert "First &lt;name&gt;" in shown.text
    assert "Set-Cookie" not in shown.headers
    assert "frame-ancestors 'self'" in shown.headers["Content-Security-Policy"]
    assert "script" not in shown.text
    filled = shown.forms["public-form"]
    filled["email"], filled["first_name"], filled["consent"] = "Ada@Fern.example", "Ada", True
    for _ in range(2):
        assert "Thank you" in filled.submit().text
    work(runtime)
    (run,) = api.data("runs", workflow_id=made)
    contact = api.data(f"contacts/{run['contact_id']}")
    assert (contact["first_name"], contact["tags"]) == ("Ada", ["signed up"])
    assert (contact["consent"]["marketing"], contact["consent"]["source"]) == ("granted", "form: News")
    assert [each["from_known_ip"] for each in api.data(f"contacts/{contact['id']}/consents")] == [True]
    (event,) = api.data("events", name="form.submitted")
    assert event["data"]["fields"] == {"email": "Ada@Fern.example", "first_name": "Ada"}


def test_a_form_asks_for_tracking_in_a_box_of_its_own(api, form, visitor) -> None:
    assert 'name="tracking"' not in visitor.get(path(form)).text
    visitor.post(
        path(form), {"email": "x@fern.example", "first_name": "X", "tracking": "yes"}
    )  # was not asked
    api.patch(f"forms/{form['id']}", {"tracking_text": "Count what I <read>"})
    shown = visitor.get(path(form))
    assert "Count what I &lt;read&gt;" in shown.text
    filled = shown.forms["public-form"]
    assert not filled["tracking"].checked and not filled["consent"].checked
    given = {"email": "ada@fern.example", "first_name": "Ada"}
    for boxes in ({}, {"tracking": "yes"}, {"consent": "yes"}):  # each says something else
        visitor.post(path(form), given | boxes)
    ada, x = sorted(api.data("contacts"), key=lambda each: each["email"])
    assert [ada["consent"][what] for what in ("marketing", "tracking")] == ["granted", "granted"]
    assert x["consent"]["tracking"] == "unknown"
    told = [
        (each["what"], each["after"], each["source"], each["from_known_ip"])
        for each in api.data(f"contacts/{ada['id']}/consents")
    ]
    assert sorted(told) == [
        ("marketing", "granted", "form: News", True),
        ("tracking", "granted", "form: News", True),
    ]
    said = [each["data"]["tracking"] for each in api.data("events", name="form.submitted")]
    assert sorted(said) == [False, False, False, True]


def test_a_plain_snippet_sent_twice_is_one_submission(api, runtime, form, visitor) -> None:
    for _ in range(2):
        visitor.post(path(form), {"email": "bob@fern.example", "first_name": "Bob"})
    assert len(api.data("events", name="form.submitted")) == 1


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"email": ""}, "fill this in"),
        ({"email": "nobody"}, "no email address"),
        ({"first_name": " "}, "fill this in"),
        ({"title": "Pope"}, "choose one"),
        ({"first_name": "a\x00b"}, "cannot be kept"),
        ({"first_name": "x" * 501}, "too long"),
    ],
)
def test_what_cannot_be_used_is_said_beside_its_field(api, form, visitor, change, wrong) -> None:
    given = {"email": "ada@fern.example", "first_name": "Ada"} | change
    answer = visitor.post(path(form), given, status=422)
    assert wrong in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert api.data("events", name="form.submitted") == []


def test_programs_and_strangers_are_not_heard(api, form, visitor) -> None:
    good = {"email": "ada@fern.example", "first_name": "Ada"}
    pot = re.search(r'name="(website_[0-9a-f]+)"', visitor.get(path(form)).text)
    assert pot is not None
    assert "Thank you" in visitor.post(path(form), good | {pot[1]: "buy"}).text
    visitor.post(path(form), good, headers={"Origin": "https://evil.example"}, status=403)
    assert api.data("events", name="form.submitted") == []
    api.patch(f"forms/{form['id']}", {"origins": ["https://www.fern.example/"], "per_minute": 2})
    embedded = visitor.post(path(form), good, headers={"Origin": "https://www.fern.example"})
    assert (
        "frame-ancestors 'self' https://www.fern.example;"
        in embedded.headers["Content-Security-Policy"] + ";"
    )
    for _ in range(6):
        last = visitor.post(path(form), good, expect_errors=True)
    assert last.status_int == 429
    assert int(last.headers["Retry-After"]) <= 60


def test_a_form_that_is_off_or_unknown_is_not_there(wsgi, runtime, api, form, visitor) -> None:
    api.patch(f"forms/{form['id']}", {"is_active": False})
    visitor.get(path(form), status=404)
    visitor.get("/f/" + "x" * 22, status=404)
    visitor.get("/f/x", status=404)
    stranger = make_tenant(runtime)
    Client(wsgi, stranger.slug, stranger.key).get(f"forms/{form['id']}", status=404)


def test_a_field_that_was_removed_since_turns_nobody_away(api, form, visitor) -> None:
    plan = api.post("fields", {"key": "plan", "title": "Plan"}).json["data"]
    asked = [FIELDS[0], {"name": "fields.plan", "label": "Plan"}]
    api.patch(f"forms/{form['id']}", {"fields": asked})
    api.delete(f"fields/{plan['id']}")
    visitor.post(path(form), {"email": "ada@fern.example", "fields.plan": "pro"})
    (event,) = api.data("events", name="form.submitted")
    assert event["data"]["fields"] == {"email": "ada@fern.example", "fields.plan": "pro"}


def test_it_goes_on_where_it_was_told_to(api, form, visitor) -> None:
    api.patch(f"forms/{form['id']}", {"redirect_url": "https://fern.example/thanks", "thanks": "Merci <3"})
    done = visitor.post(path(form), {"email": "cem@fern.example", "first_name": "Cem"})
    assert 'content="0; url=https://fern.example/thanks"' in done.text
    assert "Merci &lt;3" in done.text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"fields": []}, "fields"),
        ({"fields": [*FIELDS, FIELDS[0]]}, "fields.3.name"),
        ({"fields": [FIELDS[0], {"name": "password", "label": "x"}]}, "fields.1.name"),
        ({"fields": [FIELDS[0], {"name": "fields.a", "label": "x", "kind": "choice"}]}, "fields.1.choices"),
        ({"fields": [FIELDS[0], {"name": "fields.nowhere", "label": "x"}]}, "fields.1.name"),
        ({"fields": [FIELDS[0], {"name": "plan", "label": "x"}]}, "fields.1.name"),
        ({"fields": [FIELDS[0], {"name": "title", "label": "x", "kind": "check"}]}, "fields.1.kind"),
        ({"fields": [FIELDS[0], {"name": "fields.plan", "label": "x", "kind": "check"}]}, "fields.1.kind"),
        (
            {
                "fields": [
                    FIELDS[0],
                    {"name": "fields.plan", "label": "x", "kind": "choice", "choices": ["max"]},
                ]
            },
            "fields.1.choices",
        ),
        ({"redirect_url": "javascript:alert(1)"}, "redirect_url"),
        ({"origins": ["*"]}, "origins"),
        ({"origins": ["https://a.example; script-src *"]}, "origins"),
        ({"per_minute": 0}, "per_minute"),
    ],
)
def test_a_form_that_cannot_be_is_refused(api, change, field) -> None:
    api.post("fields", {"key": "plan", "title": "Plan", "kind": "choice", "choices": ["free", "pro"]})
    assert field in api.post("forms", {"name": "x"} | change, status=400).json["details"]
