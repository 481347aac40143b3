"""Test runs: real mail to one's own address, at once, and nothing of it counts."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from autoloop.base.runtime import Runtime
from tests.factories import Client, Tenant
from tests.functional.browser import Browser
from tests.functional.mail_world import MailWorld
from tests.functional.test_mail_workflow import Whole, captured, template
from tests.functional.test_workflows import edge, node
from tests.unit.engine.graphs import graph

BADGE = '<span class="badge ">Test</span>'


@pytest.fixture
def mail(runtime: Runtime, tenant: Tenant) -> MailWorld:
    return MailWorld(runtime, tenant)


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, mail: MailWorld) -> Whole:
    return Whole(runtime, tenant.id)


@pytest.fixture
def flow(api: Client, world: Whole) -> str:
    graph: dict[str, Any] = {
        "schema": 1,
        "nodes": [
            node("tag", "add_tag", tag="walked"),
            node("hold", "wait", amount=3, unit="days"),
            node("mail", "send_email", template_id=str(template(world))),
        ],
        "edges": [edge("tag", "next", "hold"), edge("hold", "next", "mail")],
    }
    return str(api.post("workflows", {"name": "Tested", "graph": graph}).json["data"]["id"])


def test_a_draft_is_walked_and_mailed_to_its_author(
    api: Client, world: Whole, mail: MailWorld, tenant: Tenant, flow: str
) -> None:
    ada = str(world.contacts(first_name="Ada")[0])
    begun = api.post(
        f"workflows/{flow}/test", {"contact_id": ada, "contact": {"first_name": "Grace"}, "shorten": 5}
    ).json["data"]
    assert begun["to"] == tenant.email
    world.settle()
    told = [(step["node"], step["outcome"]) for step in api.data(f"runs/{begun['run_id']}/steps")]
    assert told == [("tag", "next"), ("hold", "shortened")]
    world.later(seconds=6)
    assert api.data(f"runs/{begun['run_id']}")["status"] == "completed"
    (letter,) = captured(mail)
    assert letter["To"].endswith(f"<{tenant.email}>") or letter["To"] == tenant.email
    assert letter["Subject"] == "Hello Grace" and letter["X-AutoLoop-Test"] == "yes"
    assert letter["List-Unsubscribe"] is None

    assert api.data(f"contacts/{ada}")["tags"] == []  # nobody is changed by a test
    assert api.data(f"workflows/{flow}/stats")["total"] == 0
    shown = api.data(f"workflows/{flow}")
    assert shown["status"] == "draft" and api.data(f"workflows/{flow}/versions") == []
    # It keeps nobody out, and the first version that is published is number 1.
    assert api.post(f"workflows/{flow}/publish").json["data"]["number"] == 1
    assert api.post(f"workflows/{flow}/enrol", {"contact_ids": [ada]}).json["data"]["started"] == 1
    assert world.count("workflow_versions", "number < 0") == 1
    api.post(f"workflows/{flow}/test", {"contact_id": ada})
    assert world.count("workflow_versions", "number < 0") == 1  # the same draft is the same version


def test_a_test_goes_to_members_only_and_needs_a_draft_that_can_run(
    api: Client, world: Whole, tenant: Tenant, flow: str
) -> None:
    ada = str(world.contacts()[0])
    place = f"workflows/{flow}/test"
    for body, field in [
        ({"contact_id": ada, "to": "victim@example.com"}, "to"),
        ({}, "contact_id"),
        ({"contact_id": flow}, "contact_id"),
        ({"contact_id": "odd"}, "contact_id"),
        ({"contact_id": ada, "version": 3}, "version"),
        ({"contact_id": ada, "shorten": -1}, "shorten"),
        ({"contact_id": ada, "contact": {"tags": 5}}, "contact.tags"),
        ({"contact_id": ada, "business": {"fields": None}}, "business.fields"),
        ({"invented": True, "contact": {"tags": None}}, "contact.tags"),
        ({"invented": True, "contact": {"first_name": "x" * 40_000}}, "contact"),
    ]:
        assert field in api.post(place, body, status=400).json["details"], body
    own = api.post("contacts", {"email": tenant.email}).json["data"]["id"]
    assert api.post(place, {}).json["data"]["contact_id"] == own
    api.put(f"workflows/{flow}/draft", {"graph": {"schema": 1, "nodes": [], "edges": []}})
    assert api.post(place, {}, status=400).json["code"] == "GRAPH_INVALID"


def test_a_workflow_that_was_only_tested_can_be_removed(
    api: Client, world: Whole, tenant: Tenant, flow: str
) -> None:
    own = api.post("contacts", {"email": tenant.email}).json["data"]["id"]
    run = api.post(f"workflows/{flow}/test", {"shorten": 0}).json["data"]["run_id"]
    world.settle()
    told = api.data(f"contacts/{own}/explain", workflow=flow)["workflows"][0]
    assert (told["state"], told["runs"]) == ("never", [])
    api.delete(f"workflows/{flow}", status=204)
    api.get(f"runs/{run}", status=404)


def test_a_window_opens_early_and_an_event_is_awaited_briefly(
    api: Client, world: Whole, tenant: Tenant
) -> None:
    """The step is shown the moment it meant to wait for, so that it does not wait again and again."""
    closed = {"mode": "window", "at": "10:00", "until": "10:01"}
    graph = {
        "schema": 1,
        "nodes": [
            node("open", "wait_until", **closed),
            node("pay", "wait_for_event", event="order.paid", timeout={"amount": 30, "unit": "days"}),
        ],
        "edges": [edge("open", "next", "pay")],
    }
    flow = api.post("workflows", {"name": "Waits", "graph": graph}).json["data"]["id"]
    api.post("contacts", {"email": tenant.email})
    run = api.post(f"workflows/{flow}/test", {"shorten": 2}).json["data"]["run_id"]
    world.settle()
    world.later(seconds=3)
    world.later(seconds=3)
    assert api.data(f"runs/{run}")["status"] == "completed"
    assert world.path(UUID(run)) == ["open:shortened", "open:next", "pay:shortened", "pay:timeout"]


def age(world: Whole, run: object) -> None:
    """Eight days have passed since it ended."""
    with world.runtime.unit("worker") as services:
        services.session.execute(
            text("update workflow_runs set ended_at = now() - interval '8 days' where id = :id"), {"id": run}
        )


def test_old_tests_are_cleaned_up(api: Client, world: Whole, tenant: Tenant, flow: str) -> None:
    api.post("contacts", {"email": tenant.email})
    old = api.post(f"workflows/{flow}/test", {"shorten": 0}).json["data"]["run_id"]
    world.settle()
    assert api.data(f"runs/{old}")["status"] == "completed"
    age(world, old)
    api.post(f"workflows/{flow}/test", {})
    api.get(f"runs/{old}", status=404)


def test_the_page_asks_and_shows_the_run(
    api: Client, runtime: Runtime, wsgi: object, world: Whole, tenant: Tenant, flow: str
) -> None:
    (ada,) = world.contacts(first_name="Ada")
    browser = Browser(wsgi, runtime, tenant.user_id)
    place = f"/w/{tenant.slug}/workflows/{flow}"
    assert f"{place}/test" in browser.get(f"{place}/").text
    assert tenant.email in browser.get(f"{place}/test").text
    wrong = browser.post(
        f"{place}/test", contact="nobody@example.com", to=tenant.email, shorten="10", version=""
    )
    assert wrong.status_int == 422 and "Nobody here" in wrong.text
    done = browser.post(f"{place}/test", contact=str(ada), to=tenant.email, shorten="x", version="")
    assert done.status_int == 422
    done = browser.post(f"{place}/test", contact=str(ada), to=tenant.email, shorten="10", version="")
    assert "/runs/" in done.location and done.follow().status_int == 200


def test_later_turns_see_what_a_test_would_have_changed(api: Client, world: Whole, tenant: Tenant) -> None:
    api.post("fields", {"key": "plan", "title": "Plan", "kind": "text"})
    asked = [
        {"field": "contact.tags", "op": "has", "value": "new"},
        {"field": "contact.tags", "op": "has_not", "value": "old"},
        {"field": "contact.title", "op": "is", "value": "boss"},
        {"field": "contact.fields.plan", "op": "is", "value": "pro"},
    ]
    changes = [{"field": "title", "value": "boss"}, {"field": "fields.plan", "value": "pro"}]
    nodes = [
        node("in", "add_tag", tag="new"),
        node("out", "remove_tag", tag="old"),
        node("set", "update_contact", set=changes),
        node("hold", "wait", amount=3, unit="days"),
        node("ask", "branch", condition={"all": asked}),
    ]
    edges = [edge(one["id"], "next", two["id"]) for one, two in pairwise(nodes)]
    flow = api.post("workflows", {"name": "Seen", "graph": {"schema": 1, "nodes": nodes, "edges": edges}})
    own = api.post("contacts", {"email": tenant.email, "tags": ["old"]}).json["data"]["id"]
    run = api.post(f"workflows/{flow.json['data']['id']}/test", {"shorten": 1}).json["data"]["run_id"]
    world.settle()
    world.later(seconds=2)
    assert world.path(UUID(run))[-1] == "ask:yes"
    kept = api.data(f"contacts/{own}")
    assert (kept["tags"], kept["title"], kept["fields"]) == (["old"], "", {})


def test_somebody_invented_walks_with_sample_values_and_leaves_nobody_behind(
    api: Client, world: Whole, mail: MailWorld, tenant: Tenant
) -> None:
    for target, key, kind, more in (
        ("contact", "plan", "choice", {"choices": ["gold", "tin"]}),
        ("contact", "seats", "number", {}),
        ("business", "tier", "text", {}),
    ):
        api.post("fields", {"target": target, "key": key, "title": key, "kind": kind} | more)
    source = "{{ contact.first_name }} of {{ business.name }}: {{ contact.fields.plan }}, {{ contact.fields.seats }}"
    made = api.post("templates", {"name": "Who", "kind": "markdown", "subject": "Hello", "source": source})
    condition = {"field": "business.fields.tier", "op": "is", "value": "sample"}
    graph: dict[str, Any] = {
        "schema": 1,
        "nodes": [
            node("ask", "branch", condition=condition),
            node("tag", "add_tag", tag="walked"),
            node("hold", "wait", amount=3, unit="days"),
            node("mail", "send_email", template_id=made.json["data"]["id"]),
            node(
                "child", "sub_workflow", workflow_id=api.post("workflows", {"name": "C"}).json["data"]["id"]
            ),
        ],
        "edges": [
            edge("ask", "yes", "tag"),
            edge("tag", "next", "hold"),
            edge("hold", "next", "mail"),
            edge("mail", "sent", "child"),
        ],
    }
    flow = api.post("workflows", {"name": "Invented", "graph": graph}).json["data"]["id"]
    asked = {"invented": True, "contact": {"first_name": "Zoe"}, "shorten": 1}
    begun = api.post(f"workflows/{flow}/test", asked).json["data"]
    assert begun["contact_id"] is None and begun["to"] == tenant.email
    world.settle()
    world.later(seconds=2)
    run = api.data(f"runs/{begun['run_id']}")
    assert (run["status"], run["contact_id"], run["is_test"]) == ("completed", None, True)
    steps = {each["node"]: each["port"] for each in api.data(f"runs/{begun['run_id']}/steps")}
    assert (steps["ask"], steps["mail"], steps["child"]) == ("yes", "sent", "skipped")
    (letter,) = captured(mail)
    assert "Zoe of Lovelace Engines: gold, 1" in letter.get_body(("plain",)).get_content()
    assert letter["X-AutoLoop-Test"] == "yes"
    assert api.data("contacts") == [] and api.data("businesses") == []
    (row,) = mail.rows()
    assert (row.kind, row.contact_id, row.business_id) == ("test", None, None)
    told = api.data(f"runs/{begun['run_id']}/explain")
    assert told["contact_id"] is None and any("workflow is draft" in each for each in told["sentences"])
    assert [each["contact_id"] for each in api.data("runs")] == [None]


def test_a_test_walks_the_other_workflow_too_and_keeps_nobody_out_of_it(
    api: Client, world: Whole, mail: MailWorld, tenant: Tenant
) -> None:
    template_id = str(template(world))
    ada = str(world.contacts(first_name="Ada")[0])
    inner = world.workflow(
        graph(
            ("hold", "wait", {"amount": 3, "unit": "days"}),
            ("mail", "send_email", {"template_id": template_id}),
            edges="hold>mail",
        )
    )
    nodes = [node("child", "sub_workflow", workflow_id=str(inner)), node("tag", "add_tag", tag="walked")]
    outer = {"schema": 1, "nodes": nodes, "edges": [edge("child", "next", "tag")]}
    flow = api.post("workflows", {"name": "Outer", "graph": outer}).json["data"]["id"]
    invented = {"invented": True, "contact": {"first_name": "Zoe"}}
    for asked in (invented, {"contact_id": ada}, {"contact_id": ada}):  # again, though it lets in but once
        run = api.post(f"workflows/{flow}/test", asked | {"shorten": 1}).json["data"]["run_id"]
        world.settle()
        world.later(seconds=2)
        world.settle()
        assert world.path(UUID(run)) == ["child:next", "tag:next"]
        child = UUID(world.run(UUID(run)).variables["outputs"]["child"]["run_id"])
        assert world.path(child) == ["hold:shortened", "hold:next", "mail:sent"]
        shown = api.data(f"runs/{child}")
        assert (shown["is_test"], shown["contact_id"]) == (True, asked.get("contact_id"))
        age(world, child)
        api.post(f"workflows/{flow}/test", asked)
        api.get(f"runs/{child}")  # kept with the run that started it
        age(world, run)
        api.post(f"workflows/{flow}/test", asked)
        api.get(f"runs/{child}", status=404)
    assert [letter["Subject"] for letter in captured(mail)] == ["Hello Zoe", "Hello Ada", "Hello Ada"]
    assert {letter["X-AutoLoop-Test"] for letter in captured(mail)} == {"yes"}
    assert {row.kind for row in mail.rows()} == {"test"}
    assert world.enrol(inner, [UUID(ada)]).skipped == {}  # what was but a test keeps nobody out


def test_what_the_other_workflow_changed_is_seen_when_it_is_over(
    api: Client, world: Whole, tenant: Tenant
) -> None:
    """As in a real run; and nobody is changed."""
    title = [{"field": "title", "value": "Countess"}]
    inner = world.workflow(
        graph(
            ("tag", "add_tag", {"tag": "inner"}),
            ("out", "remove_tag", {"tag": "outer"}),
            ("set", "update_contact", {"set": title}),
            edges="tag>out out>set",
        )
    )
    seen = {
        "all": [
            {"field": "contact.tags", "op": "has", "value": "inner"},
            {"field": "contact.tags", "op": "has_not", "value": "outer"},
            {"field": "contact.title", "op": "is", "value": "Countess"},
        ]
    }
    nodes = [
        node("tag", "add_tag", tag="outer"),
        node("child", "sub_workflow", workflow_id=str(inner)),
        node("seen", "branch", condition=seen),
    ]
    outer = {
        "schema": 1,
        "nodes": nodes,
        "edges": [edge("tag", "next", "child"), edge("child", "next", "seen")],
    }
    flow = api.post("workflows", {"name": "Outer", "graph": outer}).json["data"]["id"]
    ada = str(world.contacts()[0])
    run = api.post(f"workflows/{flow}/test", {"contact_id": ada}).json["data"]["run_id"]
    world.settle()
    assert world.path(UUID(run)) == ["tag:next", "child:next", "seen:yes"]
    kept = api.data(f"contacts/{ada}")
    assert (kept["tags"], kept["title"]) == ([], "")


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"contact_id": "01a20000-0000-7000-8000-000000000000"}, "contact_id"),
        ({"contact": {"tags": "vip"}}, "contact.tags"),
        ({"contact": {"fields": 5}}, "contact.fields"),
        ({"contact": {"email": ["x"]}}, "contact.email"),
        ({"business": {"name": 5}}, "business.name"),
        ({"business": {"x": float("1e308") * 10}}, "business"),
    ],
)
def test_an_invention_has_the_shape_of_a_contact(
    api: Client, world: Whole, flow: str, given: dict[str, Any], place: str
) -> None:
    if place == "business":
        given = {"business": {"x": 2**60}}
    refused = api.post(f"workflows/{flow}/test", {"invented": True} | given, status=400)
    assert place in refused.json["details"]
    assert world.count("workflow_runs") == 0


def test_the_page_plays_somebody_invented(
    api: Client, world: Whole, wsgi: object, runtime: Runtime, tenant: Tenant, flow: str
) -> None:
    owner = Browser(wsgi, runtime, tenant.user_id)
    place = f"/w/{tenant.slug}/workflows/{flow}"
    for page in ("test", "simulate"):
        assert "Lovelace Engines" in owner.get(f"{place}/{page}").text
    person = '{"contact": {"first_name": "Zoe"}, "business": {"name": "Acme"}}'
    fields = {"who": "invented", "to": tenant.email, "shorten": "1", "version": ""}
    assert "This is no JSON" in owner.post(f"{place}/test", invented="{", status=422, **fields).text
    shown = owner.post(f"{place}/test", invented=person, **fields).follow().text
    assert "somebody invented" in shown and BADGE in shown
    assert f"as a test: it changes nobody, and its mail goes to {tenant.email}" in shown
    listed = owner.get(f"/w/{tenant.slug}/runs").text
    assert "somebody invented" in listed and listed.count(BADGE) == 1
