"""Topics: marketing mail of a topic reaches only those who subscribe to it, judged in the last moment."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from webtest import TestApp

from autoloop.base.runtime import Runtime
from autoloop.mail.delivery import mark as marking
from autoloop.mail.delivery.worker import Delivery
from autoloop.mail.links import Links
from tests.factories import Client, Tenant
from tests.functional.browser import Browser
from tests.functional.mail_world import MailWorld, drain
from tests.functional.test_mail_workflow import Whole, flow, template

NOT_SUBSCRIBED = "The contact does not subscribe to the topic news"


@pytest.fixture
def mail(runtime: Runtime, tenant: Tenant, api: Client) -> MailWorld:
    for key in ("news", "tips"):
        api.post("topics", {"key": key, "name": key.title()})
    return MailWorld(runtime, tenant)


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, mail: MailWorld) -> Whole:
    return Whole(runtime, tenant.id)


def outcome(mail: MailWorld) -> tuple[str, str | None, str | None]:
    (row,) = mail.rows()
    return row.status, row.reason, row.topic


@pytest.mark.parametrize(
    ("config", "of_template", "subscribed", "expected"),
    [
        ({"topic": "news"}, "", [], ("skipped", NOT_SUBSCRIBED, "news")),
        ({"topic": "news"}, "", ["news"], ("accepted", None, "news")),
        ({}, "news", ["tips"], ("skipped", NOT_SUBSCRIBED, "news")),
        ({"topic": "tips"}, "news", ["tips"], ("accepted", None, "tips")),
        ({"topic": "news", "kind": "transactional"}, "", [], ("accepted", None, None)),
        ({}, "", [], ("accepted", None, None)),
    ],
)
def test_mail_of_a_topic_goes_to_those_who_subscribe(
    world: Whole,
    mail: MailWorld,
    config: dict[str, Any],
    of_template: str,
    subscribed: list[str],
    expected: tuple[str, str | None, str | None],
) -> None:
    (ada,) = world.contacts(first_name="Ada", topics=subscribed)
    (run,) = world.enrol(flow(world, template(world, topic=of_template), **config), [ada]).started
    world.settle()
    assert outcome(mail) == expected
    port = "sent" if expected[0] == "accepted" else "skipped"
    assert world.path(run)[0] == f"mail:{port}"


def test_opting_out_stops_mail_that_is_composed_already(
    wsgi: object, mail: MailWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The choice comes after the mail was claimed, judged and staged; the mark judges it again."""
    ada = mail.contact("ada@example.org", topics=["news"])
    (id,) = mail.intend(kind="marketing", contact_id=ada, to_address="ada@example.org", topic="news")
    app = TestApp(wsgi, extra_environ={"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost"})
    link = Links("", mail.runtime.settings.secret_keys).token("preferences", mail.tenant.id, id)
    real, chosen = marking.decide, []

    def choose_first(*given: object, **more: object) -> object:
        if not chosen:
            chosen.append(app.post(f"/t/{link}/preferences", {"topic.tips": "true"}))
        return real(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(marking, "decide", choose_first)
    while Delivery(mail.runtime).work():
        pass
    assert chosen[0].status_int == 303
    assert outcome(mail) == ("skipped", NOT_SUBSCRIBED, "news")


def test_what_is_sent_again_keeps_its_topic(api: Client, mail: MailWorld) -> None:
    ada = mail.contact("ada@example.org")
    (id,) = mail.intend(kind="marketing", contact_id=ada, to_address="ada@example.org", topic="news")
    mail.sql("update email_logs set status = 'unknown' where workspace_id = :w")
    api.post(f"emails/{id}/settle", {"fate": "resend"})
    drain(mail.runtime)
    again = next(row for row in mail.rows() if row.resend_of is not None)
    assert (again.status, again.reason) == ("skipped", NOT_SUBSCRIBED)
    assert api.data(f"emails/{again.id}")["topic"] == "news"


def test_the_check_warns_of_topics_that_are_not_there(api: Client, world: Whole) -> None:
    made = template(world)
    nodes = [
        {"id": key, "type": "send_email", "config": {"template_id": str(made), "topic": key}}
        for key in ("news", "nothing")
    ]
    graph = {"schema": 1, "nodes": nodes, "edges": [{"from": "news", "port": "sent", "to": "nothing"}]}
    id = api.post("workflows", {"name": "Topics", "graph": graph}).json["data"]["id"]
    problems = api.post(f"workflows/{id}/check").json["data"]["problems"]
    found = [each for each in problems if each["code"] == "UNKNOWN_TOPIC"]
    assert [(each["severity"], each["node"], each["field"]) for each in found] == [
        ("warning", "nothing", "config.topic")
    ]


def test_a_template_names_a_topic_that_is_there(
    api: Client, mail: MailWorld, wsgi: object, runtime: Runtime
) -> None:
    given = {"name": "A", "kind": "markdown", "subject": "Hi", "source": "Hi", "topic": "news"}
    made = api.post("templates", given).json["data"]
    assert made["topic"] == "news"
    assert api.patch(f"templates/{made['id']}", {"name": "B"}).json["data"]["topic"] == "news"
    assert api.patch(f"templates/{made['id']}", {"topic": ""}).json["data"]["topic"] == ""
    assert "topic" in api.patch(f"templates/{made['id']}", {"topic": "gone"}, status=400).json["details"]
    copy = api.post(f"templates/{made['id']}/duplicate", {}).json["data"]
    assert UUID(copy["id"]) != UUID(made["id"])
    browser = Browser(wsgi, runtime, mail.tenant.user_id)
    page = browser.get(f"/w/{mail.tenant.slug}/templates/{made['id']}/")
    form = page.forms["template-form"]
    form["topic"] = "tips"
    assert form.submit().status_int == 303
    assert api.data(f"templates/{made['id']}")["topic"] == "tips"


def test_a_simulation_says_who_does_not_subscribe(api: Client, world: Whole, mail: MailWorld) -> None:
    ada = mail.contact("ada@example.org", first_name="Ada")
    config = {"template_id": str(template(world)), "topic": "news"}
    graph = {"schema": 1, "nodes": [{"id": "mail", "type": "send_email", "config": config}], "edges": []}
    workflow = api.post("workflows", {"name": "Topics", "graph": graph}).json["data"]["id"]
    told = api.post(f"workflows/{workflow}/simulate", {"contact_id": str(ada)}).text
    assert NOT_SUBSCRIBED in told


def test_topics_are_made_changed_and_removed_on_their_page(
    wsgi: object, runtime: Runtime, api: Client, tenant: Tenant
) -> None:
    browser, place = Browser(wsgi, runtime, tenant.user_id), f"/w/{tenant.slug}/topics"
    assert "No topic yet" in browser.get(place)
    wrong = browser.post(place, key="News!", name="News")
    assert wrong.status_int == 422
    assert 'value="News!"' in wrong
    assert browser.post(place, key="news", name="News", is_public="true").status_int == 303
    assert browser.post(place, key="news", name="Again").status_int in (409, 422)
    contact = api.post("contacts", {"email": "ada@example.org", "topics": ["news"]}).json["data"]["id"]
    assert 'contacts/?topic=news">1</a>' in browser.get(place).text
    (row,) = api.data("topics")
    one = f"{place}/{row['id']}"
    assert "1 subscriber" in browser.get(one)
    assert browser.post(one, name="The news", description="Weekly").status_int == 303
    assert [(each["name"], each["is_public"]) for each in api.data("topics")] == [("The news", False)]
    assert browser.post(f"{one}/delete", confirm="no").status_int == 422
    assert browser.post(f"{one}/delete", confirm="news").status_int == 303
    assert api.data("topics") == []
    assert api.data(f"contacts/{contact}")["topics"] == []
    assert api.data(f"contacts/{contact}/consents")[0]["source"] == "topic_deleted"
