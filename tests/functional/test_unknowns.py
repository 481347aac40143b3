"""Emails of unknown fate: the list, and settling one or many, through both doors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from autoloop.base.runtime import Runtime
from tests.factories import Client, Tenant, make_tenant
from tests.functional.browser import Browser
from tests.functional.mail_world import MailWorld, drain


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant) -> MailWorld:
    return MailWorld(runtime, tenant)


@pytest.fixture
def browser(wsgi: object, runtime: Runtime, tenant: Tenant) -> Browser:
    return Browser(wsgi, runtime, tenant.user_id)


def lose(world: MailWorld, count: int = 1, **more: object) -> list[UUID]:
    """Emails whose connection broke after they were handed over."""
    ids = world.intend(count, provider_account_id=world.account_id, **more)
    world.sql(
        """update email_logs set status = 'unknown', reason = 'No reply was read', attempts = 1, look_ups = 2,
        settled_at = now(), due_at = now() + interval '1 day' where id = any(:ids)""",
        ids=ids,
    )
    world.sql(
        """insert into email_attempts (workspace_id, email_id, n, fence, marked_at, code, reply)
        select :w, unnest(cast(:ids as uuid[])), 1, 1, now(), 354, 'go ahead'""",
        ids=ids,
    )
    return ids


def states(world: MailWorld, ids: list[UUID]) -> list[str]:
    return [row.status for row in world.rows(*ids)]


def test_the_list_says_what_is_known_and_pages_stay_put(api: Client, world: MailWorld) -> None:
    ids = lose(world, 5)
    world.intend(1)
    first = api.get("emails/unknown", limit=2).json
    assert [row["id"] for row in first["data"]] == [str(id) for id in ids[:2:-1]]
    row = first["data"][0]
    assert (row["account_name"], row["provider"], row["attempts"], row["look_ups"]) == (
        "test",
        "mailbox",
        1,
        2,
    )
    assert (row["code"], row["reply"], row["on_unknown"]) == (354, "go ahead", "hold")
    more = lose(world, 1)
    rest = api.get("emails/unknown", limit=10, cursor=first["page"]["next"]).json["data"]
    assert [row["id"] for row in rest] == [str(id) for id in ids[2::-1]], "what came later moves nothing"
    assert [row["id"] for row in api.data("emails/unknown", q="person0", before="2999-01-01T00:00:00Z")] == [
        str(more[0]),
        str(ids[0]),
    ]
    assert api.data("emails/unknown", kind="marketing") == []
    api.get("emails/unknown", on_unknown="eaten", status=400)


def test_many_are_settled_by_name_and_what_is_known_is_passed_over(
    api: Client, world: MailWorld, browser: Browser
) -> None:
    contact = world.contact("ada@example.org")
    _, run = world.run(contact)
    ids = lose(world, 3, run_id=run, node="hello", visit=1, contact_id=contact)
    said = api.post("emails/unknown/settle", {"fate": "accepted", "ids": [str(id) for id in ids[:2]]}).json
    assert said["data"] == {"settled": 2, "passed_over": 0, "left": 0}
    again = {"fate": "rejected", "ids": [str(id) for id in ids]}
    assert api.post("emails/unknown/settle", again).json["data"] == {
        "settled": 1,
        "passed_over": 2,
        "left": 0,
    }
    assert states(world, ids) == ["accepted", "accepted", "rejected"]
    ports = world.sql(
        "select payload ->> 'port' from run_stimuli where workspace_id = :w and run_id = :r", r=run
    )
    assert sorted(port for (port,) in ports) == ["failed", "sent", "sent"], "each run learns it once"
    entries = browser.api("GET", f"/w/{world.tenant.slug}/audit?sort=created_at").json["data"]
    settled = [each["data"] for each in entries if each["action"] == "emails.settled"]
    assert sorted((data["fate"], data["count"]) for data in settled) == [("accepted", 2), ("rejected", 1)]


def test_all_that_a_filter_finds_are_sent_again_as_new_emails(api: Client, world: MailWorld) -> None:
    meant = lose(world, 3, kind="test")
    other = lose(world, 1)
    erased = lose(world, 1, kind="test", to_address="")
    said = api.post("emails/unknown/settle", {"fate": "resend", "filter": {"kind": "test"}}).json["data"]
    assert said == {"settled": 3, "passed_over": 0, "left": 1}, "nobody knows the address of an erased one"
    drain(world.runtime)
    assert states(world, [*meant, *other, *erased]) == ["resent", "resent", "resent", "unknown", "unknown"]
    made = world.sql(
        "select resend_of, status from email_logs where workspace_id = :w and resend_of is not null"
    )
    assert sorted(made) == sorted((id, "accepted") for id in meant)


@pytest.mark.parametrize(
    "given",
    [
        {"fate": "accepted"},
        {"fate": "accepted", "ids": []},
        {"fate": "accepted", "ids": ["x"]},
        {"fate": "eaten", "filter": {}},
        {"fate": "accepted", "filter": {"colour": "red"}},
        {"fate": "accepted", "filter": {}, "ids": ["0190c0de-0000-7000-8000-000000000000"]},
        {"fate": "accepted", "ids": ["0190c0de-0000-7000-8000-000000000000"] * 1001},
    ],
)
def test_what_makes_no_sense_settles_nothing(api: Client, world: MailWorld, given: dict[str, object]) -> None:
    ids = lose(world, 1)
    assert api.post("emails/unknown/settle", given, status=400).json["details"]
    assert states(world, ids) == ["unknown"]


def test_two_people_at_once_send_nothing_twice(api: Client, world: MailWorld) -> None:
    ids = lose(world, 20)
    given = {"fate": "resend", "ids": [str(id) for id in ids]}
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: api.post("emails/unknown/settle", given).json["data"], range(4)))
    assert sum(each["settled"] for each in done) == 20
    made = world.sql("select count(*) from email_logs where workspace_id = :w and resend_of is not null")
    assert made == [(20,)]


def test_nobody_settles_another_tenants_mail(
    wsgi: object, runtime: Runtime, world: MailWorld, api: Client
) -> None:
    ids = lose(world, 2)
    other = make_tenant(runtime)
    stranger = Client(wsgi, other.slug, other.key)
    assert stranger.data("emails/unknown") == []
    given = {"fate": "accepted", "ids": [str(id) for id in ids]}
    assert stranger.post("emails/unknown/settle", given).json["data"]["settled"] == 0
    assert (
        stranger.post("emails/unknown/settle", {"fate": "accepted", "filter": {}}).json["data"]["settled"]
        == 0
    )
    assert states(world, ids) == ["unknown", "unknown"]


def test_the_page_teaches_lists_and_settles(browser: Browser, world: MailWorld) -> None:
    log = f"/w/{world.tenant.slug}/emails"
    empty = browser.get(f"{log}/unknown/")
    assert "The fate of every email is known" in empty
    ids = lose(world, 3)
    assert "Unknown fate (3)" in browser.get(log)
    page = browser.get(f"{log}/unknown/?q=person1")
    assert "person1@example.org" in page
    assert "go ahead" in page
    assert "person0@example.org" not in page
    sure = browser.post(f"{log}/unknown/settle", fate="resend", scope="all", q="person1")
    assert sure.status_int == 200
    assert "1 email" in sure
    assert states(world, ids) == ["unknown"] * 3, "asked first"
    form = next(form for form in sure.forms.values() if "fate" in form.fields)
    done = form.submit()
    assert done.status_int == 303
    assert states(world, ids) == ["unknown", "resent", "unknown"]
    assert "Settled: 1." in browser.get(f"{log}/unknown/")
    browser.post(f"{log}/unknown/settle", fate="accepted", id=str(ids[0]), sure="yes")
    assert states(world, ids) == ["accepted", "resent", "unknown"]
    assert browser.post(f"{log}/unknown/settle", fate="accepted", sure="yes").status_int == 400
    assert browser.post(f"{log}/unknown/settle", fate="accepted", scope="all", kind="x").status_int == 400
