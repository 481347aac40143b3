"""Runs as people see them, and events as other systems send them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.browser.seed import seed, work
from tests.factories import Client, make_tenant


@pytest.fixture
def made(runtime, api, tenant):
    return seed(runtime, api, tenant)


def test_a_run_says_where_it_stands_and_each_step_it_took(api, made) -> None:
    rows = api.data("runs", workflow_id=made["workflow"])
    assert [row["status"] for row in rows] == ["waiting", "waiting"]
    run = next(row for row in rows if row["contact_id"] == made["contact"])
    whole = api.data(f"runs/{run['id']}")
    assert whole["positions"][0]["node"] == "answer"
    assert {name: whole[name] for name in run} == run
    steps = api.data(f"runs/{run['id']}/steps")
    assert [(step["node"], step["port"]) for step in steps] == [("hello", "sent")]
    assert len(api.data(f"workflows/{made['workflow']}/runs")) == 2


def test_a_reply_sent_as_an_event_wakes_the_run_once(api, runtime, made) -> None:
    reply = {
        "events": [{"name": "email.replied", "email": "ADA@fern.example ", "source": "crm", "id": "r-1"}]
    }
    assert api.post("events", reply).json["data"]["accepted"] == 1
    assert api.post("events", reply).json["data"] == {
        "accepted": 0,
        "duplicates": 1,
        "events": [{"id": None}],
    }
    work(runtime)
    run = api.data("runs", contact_id=made["contact"])[0]
    assert run["status"] == "completed"
    assert [step["node"] for step in api.data(f"runs/{run['id']}/steps")] == ["hello", "answer", "answered"]
    assert "answered" in api.data(f"contacts/{made['contact']}")["tags"]
    assert [event["source_id"] for event in api.data("events", name="email.replied")] == ["r-1"]


def test_a_run_can_be_held_and_goes_on_and_can_be_ended(api, runtime, made) -> None:
    run = api.data("runs", contact_id=made["contact"])[0]["id"]
    assert api.post(f"runs/{run}/pause", {"why": "on holiday"}).json["data"]["status"] == "paused"
    api.post("events", {"events": [{"name": "email.replied", "contact_id": made["contact"]}]})
    work(runtime)
    assert api.data(f"runs/{run}")["status"] == "paused"
    assert api.post(f"runs/{run}/resume").json["data"]["status"] == "active"
    work(runtime)
    assert api.data(f"runs/{run}")["status"] == "completed"
    assert api.post(f"runs/{run}/cancel", status=409).json["code"] == "RUN_STATUS"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "Replied"}, ".name"),
        ({"name": "email.replied; drop"}, ".name"),
        ({"email": "nobody@fern.example"}, ""),
        ({"contact_id": "01890000-0000-7000-8000-000000000000"}, ""),
        ({"email": None}, ""),
        ({"occurred_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}, ""),
        ({"occurred_at": "yesterday"}, ".occurred_at"),
        ({"data": [1]}, ".data"),
        ({"data": {"a": "x" * 70_000}}, ""),
        ({"data": {"a": "\x00"}}, ".data"),
        ({"hello": 1}, ".hello"),
    ],
)
def test_an_event_that_cannot_be_used_is_refused_and_nothing_is_written(api, made, change, field) -> None:
    event = {"name": "order.paid", "email": "ada@fern.example"} | change
    answer = api.post("events", {"events": [event]}, status=400).json
    assert any(key.startswith(f"events.0{field}") for key in answer["details"]), answer
    assert api.data("events", name="order.paid") == []


def test_of_many_events_all_are_taken_or_none(api, made) -> None:
    good, bad = (
        {"name": "order.paid", "email": "ada@fern.example"},
        {"name": "order.paid", "email": "x@fern.example"},
    )
    assert list(api.post("events", {"events": [good, bad]}, status=400).json["details"]) == ["events.1.email"]
    assert api.data("events", name="order.paid") == []
    assert len(api.post("events", {"events": [good] * 3}).json["data"]["events"]) == 3
    api.post("events", {"events": [good] * 1001}, status=400)


def test_a_deleted_contact_leaves_no_run_no_journal_and_no_address(api, runtime, tenant, made) -> None:
    run = api.data("runs", contact_id=made["contact"])[0]["id"]
    sent = next(row for row in api.data("emails") if row["to_address"] == "ada@fern.example")
    api.delete(f"contacts/{made['contact']}")
    api.get(f"runs/{run}", status=404)
    assert not api.data(f"emails/{sent['id']}")["to_address"]
    with runtime.unit("worker") as services:
        lines = services.session.execute(
            text("select count(*) from run_steps where run_id = :run"), {"run": run}
        )
        assert lines.scalar_one() == 0


def test_mail_that_waits_for_a_deleted_contact_is_called_off(api, runtime, made) -> None:
    contact = api.post("contacts", {"email": "late@fern.example", "first_name": "Late"}).json["data"]["id"]
    api.post(f"workflows/{made['workflow']}/enrol", {"contact_ids": [contact]})
    runtime.registrations.due_kinds["advance"].work(runtime)
    waiting = next(row for row in api.data("emails") if row["to_address"] == "late@fern.example")
    assert waiting["status"] == "intent"
    api.delete(f"contacts/{contact}")
    work(runtime)
    assert api.data(f"emails/{waiting['id']}")["status"] == "cancelled"


def test_another_tenants_runs_are_as_unknown_as_a_made_up_id(wsgi, runtime, api, made) -> None:
    stranger = make_tenant(runtime)
    run = api.data("runs")[0]["id"]
    other = Client(wsgi, stranger.slug, stranger.key)
    mine = other.get(f"runs/{run}", status=404).json
    random = other.get("runs/01890000-0000-7000-8000-000000000000", status=404).json
    assert mine | {"timestamp": 0} == random | {"timestamp": 0}
    assert other.data("runs") == []
