"""Who would start and who would not, told before; and the start itself, small and large."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from autoloop.base.runtime import Runtime
from autoloop.workflows.services import starting
from tests.factories import Client, Tenant, make_tenant
from tests.functional.browser import Browser
from tests.functional.mail_world import until
from tests.functional.test_bulk import GRAPH, live, turn
from tests.functional.test_run_pages import words

MAIL = {"id": "mail", "type": "send_email", "config": {}}


@pytest.fixture
def mailing(api: Client) -> str:
    """A live workflow that waits, then sends marketing mail."""
    api.post("senders", {"name": "Grace", "address": "grace@fern.example"})
    template = {"name": "Hello", "subject": "Hello", "kind": "markdown", "source": "Hello"}
    id = api.post("templates", template).json["data"]["id"]
    mail = {**MAIL, "config": {"template_id": id}}
    edges = [{"from": "hold", "port": "next", "to": "mail"}]
    return live(api, {"schema": 1, "nodes": [GRAPH["nodes"][0], mail], "edges": edges}, "Mailing")


def contact(api: Client, name: str, **values: Any) -> str:
    given = {"first_name": name, "last_name": "Test", "email": f"{name.lower()}@fern.example", **values}
    return str(api.post("contacts", {k: v for k, v in given.items() if v}).json["data"]["id"])


def crowd(api: Client) -> dict[str, str]:
    """One contact of each fate."""
    made = {name: contact(api, name, tags=["all"]) for name in ("Ada", "Noor", "Gone", "Left", "Sup", "No")}
    made["Silent"] = contact(api, "Silent", email="", tags=["all"])
    api.patch(f"contacts/{made['Gone']}", {"status": "archived"})
    api.patch(f"contacts/{made['Left']}", {"status": "unsubscribed"})
    api.patch(f"contacts/{made['No']}", {"consent": {"marketing": "denied", "source": "tests"}})
    api.post("suppressions", {"address": "SUP@fern.example"})
    return made


def skipped(answer: dict[str, Any]) -> dict[str, int]:
    return {each["reason"]: each["count"] for each in answer["skipped"]}


FATES = {"archived": 1, "unsubscribed": 1, "no_address": 1, "suppressed": 1, "no_consent": 1}


@pytest.mark.parametrize("way", ["tag", "all", "contact_ids", "segment"])
def test_the_preview_says_what_the_start_then_does(api: Client, runtime: Runtime, mailing: str, way: str):
    made = crowd(api)
    api.post("tags", {"name": "all"}, status=409)
    condition = {"field": "contact.tags", "op": "has", "value": "all"}
    segment = api.post("segments", {"name": "Them", "condition": condition}).json["data"]["id"]

    def built() -> bool:
        """Not before every older transaction of the server has ended, those of other tests too."""
        turn(runtime, "segments")
        return bool(api.data(f"segments/{segment}")["status"] == "ready")

    until(built, 60)
    api.post(f"workflows/{mailing}/enrol", {"contact_ids": [made["Noor"]]})
    unknown = "01890000-0000-7000-8000-000000000000"
    choice: dict[str, Any] = {
        "tag": {"tag": "all"},
        "all": {"all": True},
        "contact_ids": {"contact_ids": [*made.values(), unknown]},
        "segment": {"segment": segment},
    }[way]
    more = {"unknown_contact": 1} if way == "contact_ids" else {}
    expected = FATES | more | {"was_here_before": 1}
    answer = told(api, mailing, choice)
    assert (answer["of"], answer["would_start"], skipped(answer)) == ("live", 1, expected)
    done = api.post(f"workflows/{mailing}/enrol", choice).json["data"]
    assert (done["started"], skipped(done), done["enrolment"]) == (1, expected, None)
    assert told(api, mailing, choice)["would_start"] == 0


def told(api: Client, flow: str, body: dict[str, Any]) -> Any:
    return api.post(f"workflows/{flow}/preview-start", body, status=200).json["data"]


def test_the_contacts_of_each_reason_can_be_paged_through(api: Client, mailing: str) -> None:
    names = [f"Silent{n}" for n in range(5)]
    made = [contact(api, name, email="") for name in names]
    seen, cursor = [], None
    while True:
        page = told(
            api,
            mailing,
            {"all": True, "reason": "no_address", "limit": 2} | ({"cursor": cursor} if cursor else {}),
        )
        seen += [each["id"] for each in page["contacts"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == sorted(made)
    assert told(api, mailing, {"all": True, "reason": "would_start"})["contacts"] == []


def test_without_marketing_mail_consent_does_not_matter(api: Client) -> None:
    made = crowd(api)
    flow = live(api)
    answer = told(api, flow, {"contact_ids": list(made.values())})
    assert (answer["would_start"], skipped(answer)) == (6, {"archived": 1})
    assert skipped(told(api, flow, {"all": True})) == {"archived": 1, "unsubscribed": 1}


def test_the_rule_of_re_entry_is_told(api: Client, runtime: Runtime) -> None:
    one = contact(api, "Ada")
    for rule, reason in (
        ("not_active", "is_in_it_now"),
        ({"after_days": 3}, "was_here_lately"),
        ("always", None),
    ):
        flow = live(api, {**GRAPH, "settings": {"reentry": rule}}, str(rule))
        api.post(f"workflows/{flow}/enrol", {"contact_ids": [one]})
        assert skipped(told(api, flow, {"all": True})) == ({reason: 1} if reason else {})
    draft = api.post("workflows", {"name": "New", "graph": {"nodes": 7, "settings": {"reentry": {}}}})
    answer = told(api, draft.json["data"]["id"], {"all": True})
    assert (answer["of"], answer["would_start"]) == ("draft", 1)


def test_what_the_preview_says_of_mail_is_what_the_mail_says(api: Client, runtime: Runtime, mailing: str):
    """The SQL for sets and the answer for one mail are equal, for each status, consent and suppression."""
    crowd(api)
    for status in ("bounced", "complained"):
        api.patch(f"contacts/{contact(api, status)}", {"status": status})
    for require in (False, True):
        with runtime.unit("worker") as services:
            change = "update workspaces set settings = jsonb_build_object('require_consent', :on) where slug = :slug"
            services.session.execute(text(change), {"on": require, "slug": api.slug})
        starts = {
            each["id"] for each in told(api, mailing, {"all": True, "reason": "would_start"})["contacts"]
        }
        for each in api.data("contacts", limit=200):
            mail = api.data(f"contacts/{each['id']}/explain")["mail"]
            barred = next(one["barred"] for one in mail if one["kind"] == "marketing")
            assert (each["id"] in starts) == (barred is None), (each, barred)


def test_many_enter_part_by_part_once_per_key_and_can_be_stopped(
    api: Client, runtime: Runtime, mailing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "AT_ONCE", 3)
    crowd(api)
    key = {"Idempotency-Key": "one"}
    first = api.post(f"workflows/{mailing}/enrol", {"tag": "all"}, headers=key).json["data"]
    again = api.post(f"workflows/{mailing}/enrol", {"tag": "all"}, headers=key).json["data"]
    assert first == again
    assert (first["started"], first["enrolment"]["status"], first["enrolment"]["total"]) == (0, "going", 7)
    assert len(api.data("enrolments")) == 1
    turn(runtime, "enrol")
    done = api.data(f"enrolments/{first['enrolment']['id']}")
    assert (done["status"], done["seen"], done["started"], done["skipped"]) == ("done", 7, 2, FATES)
    other = api.post(f"workflows/{mailing}/enrol", {"all": True}).json["data"]["enrolment"]
    assert api.post(f"enrolments/{other['id']}/stop").json["data"]["status"] == "stopped"


def test_who_cannot_be_meant_is_refused(api: Client, runtime: Runtime, wsgi: object, tenant: Tenant) -> None:
    flow = live(api)
    other = make_tenant(runtime)
    there = Client(wsgi, other.slug, other.key)
    condition = {"field": "contact.tags", "op": "has", "value": "x"}
    theirs = there.post("segments", {"name": "Theirs", "condition": condition}).json["data"]["id"]
    for body in (
        {},
        {"all": False},
        {"tag": "x", "all": True},
        {"segment": theirs},
        {"segment": "x" * 36},
        {"contact_ids": []},
        {"contact_ids": ["x" * 36]},
    ):
        api.post(f"workflows/{flow}/enrol", body, status=400)
        api.post(f"workflows/{flow}/preview-start", body, status=400)
    api.post(f"workflows/{flow}/preview-start", {"all": True, "cursor": "y" * 36, "reason": "x"}, status=400)
    api.post(f"workflows/{flow}/preview-start", {"all": True, "limit": 0}, status=400)
    there.post(f"workflows/{flow}/preview-start", {"all": True}, status=404)
    api.post(f"workflows/{flow}/pause")
    api.post(f"workflows/{flow}/enrol", {"all": True}, status=409)


def test_the_page_says_who_would_start_and_why_not_and_then_starts_them(
    api: Client, runtime: Runtime, mailing: str, wsgi: object, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(api)
    browser = Browser(wsgi, runtime, tenant.user_id)
    place = f"/w/{tenant.slug}/workflows/{mailing}"
    assert "Choose who" in words(browser.get(f"{place}/start"))
    page = browser.post(f"{place}/start", who="tag", tag="all")
    told = words(page)
    assert "2 contacts will start now ; 5 are skipped:" in told
    assert "1 on the suppression list" in told
    why = browser.post(f"{place}/start", who="tag", tag="all", reason="suppressed")
    assert "sup@fern.example" in why.text
    assert "noor@fern.example" not in why.text
    assert browser.post(f"{place}/start", who="tag", tag="").status_int == 422
    assert browser.post(f"{place}/start", who="ids", contact_ids="nonsense").status_int == 422
    assert browser.post(f"{place}/start", who="all", cursor="nonsense", reason="x").status_int == 422
    form = next(form for form in page.forms.values() if form.action.endswith("/enrol"))
    assert "2 started, 5 skipped." in form.submit().follow().text

    assert "No large start yet" in words(browser.get(f"/w/{tenant.slug}/enrolments/"))
    monkeypatch.setattr(starting, "AT_ONCE", 3)
    large = browser.post(f"{place}/enrol", who="all").follow()
    assert "All active contacts" in words(large) and "0 of 7" in words(large)
    assert "Contacts are entering: 0 of 7" in words(browser.get(place))
    turn(runtime, "enrol")
    assert "2 were in this workflow before" in words(browser.get(large.request.path))
    assert browser.post(f"{large.request.path.rstrip('/')}/stop").status_int == 409
    assert "Mailing" in words(browser.get(f"/w/{tenant.slug}/enrolments/"))


def test_a_draft_says_who_would_start_once_it_is_live(
    api: Client, runtime: Runtime, wsgi: object, tenant: Tenant
) -> None:
    contact(api, "Ada")
    draft = api.post("workflows", {"name": "New", "graph": GRAPH}).json["data"]["id"]
    browser = Browser(wsgi, runtime, tenant.user_id)
    told = words(browser.post(f"/w/{tenant.slug}/workflows/{draft}/start", who="all"))
    assert "1 contact would start ; nobody is skipped." in told
    assert "Only a live workflow takes contacts." in told
