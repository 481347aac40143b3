"""Senders over HTTP: made, changed, taken away and back again."""

from __future__ import annotations

import pytest

from autoloop.base.errors import Invalid
from autoloop.base.runtime import Runtime
from autoloop.workspaces.services import Workspaces
from tests.factories import Client, Tenant
from tests.functional.mail_world import MailWorld


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant) -> MailWorld:
    return MailWorld(runtime, tenant)


def test_senders_are_made_changed_and_kept_for_their_emails(
    api: Client, runtime: Runtime, tenant: Tenant
) -> None:
    first = api.post("senders", {"name": "Ada", "address": "ada@example.org", "daily_cap": 5}).json["data"]
    assert first["is_default"]
    assert (first["daily_cap"], first["used_today"]) == (5, 0)
    second = api.post("senders", {"name": "Bob", "address": "bob@example.org"}).json["data"]
    assert not second["is_default"]
    assert api.post("senders", {"name": "Eve", "address": "ADA@example.org"}, status=409).json["details"][
        "address"
    ]
    changed = api.patch(f"senders/{second['id']}", {"is_default": True, "timezone": "Asia/Kolkata"}).json[
        "data"
    ]
    assert changed["is_default"]
    assert not api.data(f"senders/{first['id']}")["is_default"]
    assert api.patch(f"senders/{first['id']}", {"no_cap": True}).json["data"]["daily_cap"] is None
    api.delete(f"senders/{first['id']}")
    api.get(f"senders/{first['id']}", status=404)
    assert [row["name"] for row in api.data("senders")] == ["Bob"]


def test_a_sender_that_was_taken_away_may_come_back_and_begins_anew(api: Client, world: MailWorld) -> None:
    was = api.data(f"senders/{world.sender_id}")
    api.patch(f"senders/{was['id']}", {"daily_cap": 3, "reply_to": "old@example.org"})
    world.intend()
    api.delete(f"senders/{was['id']}")
    assert api.data("senders") == []
    given = {"name": "Ada again", "address": was["address"], "timezone": "Europe/Berlin"}
    back = api.post("senders", given).json["data"]
    assert (back["id"], back["name"], back["timezone"], back["status"]) == (
        *(was["id"], "Ada again", "Europe/Berlin", "active"),
    )
    assert (back["is_default"], back["daily_cap"], back["reply_to"]) == (True, None, None)
    assert api.post("senders", given, status=409).json["details"]["address"]


def test_a_zone_that_the_database_does_not_know_is_refused(api: Client, world: MailWorld) -> None:
    # Python knows a zone of the machine itself; reckoning with it would fail every statement that delivers.
    for zone in ("localtime", "posixrules"):
        refused = api.patch(f"senders/{world.sender_id}", {"timezone": zone}, status=400)
        assert refused.json["details"]["timezone"]
        with (
            world.runtime.unit("web", world.tenant.id) as services,
            pytest.raises(Invalid, check=lambda why: "timezone" in why.details),
        ):
            services(Workspaces).change({"timezone": zone})


@pytest.mark.parametrize(
    "given",
    [
        {"name": "A", "address": "no-at"},
        {"name": "A\r\nBcc: x@y.z", "address": "a@b.c\r\nBcc: x@y.z"},
        {"name": "A", "address": "a@example.org", "daily_cap": -1},
        {"name": "A", "address": "a@example.org", "timezone": "Mars/Base"},
        {"name": "A", "address": "a@example.org", "reply_to": "nobody"},
        {
            "name": "A",
            "address": "a@example.org",
            "provider_account_id": "0190c0de-0000-7000-8000-000000000000",
        },
        {"name": "A", "address": "a@example.org", "is_admin": True},
        {"name": "x" * 70_000, "address": "a@example.org"},
        {"address": "a@example.org"},
    ],
)
def test_a_sender_that_makes_no_sense_is_refused_with_its_field(
    api: Client, given: dict[str, object]
) -> None:
    assert api.post("senders", given, status=400).json["details"]
