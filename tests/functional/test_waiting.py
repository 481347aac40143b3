"""The page of the sending rate reads no more of a workspace's waiting mail than it tells of, however much there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from autoloop.base.runtime import Runtime
from autoloop.mail.sending import waiting
from autoloop.mail.sending.waiting import FULL, GROUPS, MOST, SENT_MOST, SOME, Waiting, waits_of
from tests.factories import Client, Tenant
from tests.functional.browser import Browser
from tests.functional.mail_world import MailWorld

COUNT = 24_000  # half of it free, nearly half held by one limit, the rest by windows and forty domains
FILL = """
insert into email_logs (workspace_id, id, send_key, kind, sender_id, to_address, due_at, hold_reason, held_by)
select :w, gen_random_uuid(), 'many:' || n, 'marketing', :sender, 'p' || n || '@example.org',
  now() + interval '1 day' + n * interval '1 second',
  case when n <= :count / 2 then null when n % 100 = 0 then 'outside_window' when n % 100 = 1 then 'breaker' else 'rate' end,
  case when n <= :count / 2 or n % 100 = 0 then null when n % 100 = 1 then 'pace:x:' || n % 4000 || '.example' else 'limit:x:' end
from generate_series(1, :count) n"""


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant) -> Iterator[MailWorld]:
    world = MailWorld(runtime, tenant)
    world.sql(FILL, sender=world.sender_id, count=COUNT)
    yield world
    world.sql("update email_logs set status = 'cancelled' where workspace_id = :w")


def scanned(plan: Any) -> int:
    """How many rows a plan read of tables and indexes."""
    here = 0
    if "Scan" in plan["Node Type"] and "Relation Name" in plan:
        read = (
            plan["Actual Rows"]
            + plan.get("Rows Removed by Filter", 0)
            + plan.get("Rows Removed by Index Recheck", 0)
        )
        here = round(read * plan["Actual Loops"])
    return here + sum(scanned(each) for each in plan.get("Plans", ()))


def test_ten_thousand_of_a_reason_are_counted_and_no_more_are_read(
    world: MailWorld, runtime: Runtime
) -> None:
    given = {"workspace": world.tenant.id, "groups": GROUPS, "full": FULL, "most": MOST, "some": SOME}
    with runtime.unit("web", world.tenant.id) as services:
        found = waits_of(services.session, world.tenant.id)
        explain = text(f"explain (analyze, format json) {waiting.WAITING.text}")
        plan = services.session.execute(explain, given).scalar_one()[0]["Plan"]
        explain = text(f"explain (analyze, format json) {waiting.SENT.text}")
        speed = services.session.execute(
            explain, {"workspace": world.tenant.id, "most": SENT_MOST}
        ).scalar_one()
    free, limited, window = found["", ""], found["rate", "limit:x:"], found["outside_window", ""]
    assert (free.count, free.more) == (MOST, True)
    assert (limited.count, limited.more) == (MOST, True)
    assert (window.count, window.more) == (COUNT // 200, False)
    domains = [each for (reason, _by), each in found.items() if reason == "breaker"]
    assert len(domains) == 40 and sum(each.count for each in domains) == COUNT // 200
    first, last = world.sql(
        "select min(due_at), max(due_at) from email_logs where hold_reason = 'rate' and workspace_id = :w"
    )[0]
    assert (limited.first, limited.last) == (first, last)
    told = 2 * (MOST + 1) + window.count + sum(each.count for each in domains)
    assert scanned(plan) <= told + 6 * len(found), "a row for each one told of, and a few for each group"
    assert "Seq Scan on email_logs" not in str(plan) and scanned(speed[0]["Plan"]) < 10


def test_the_page_and_the_api_say_that_there_are_more(
    world: MailWorld, api: Client, tenant: Tenant, wsgi: object
) -> None:
    told = api.data("sending")
    assert (told["free"], told["more_free"], told["more_waiting"]) == (MOST, True, True)
    assert told["waiting"] > 2 * MOST
    page = Browser(wsgi, world.runtime, tenant.user_id).get(f"/w/{tenant.slug}/sending").text
    assert "10,000+ free to go" in page
    windows = next(each for each in told["brakes"] if each["reason"] == "outside_window")
    assert (windows["waiting"], windows["more_waiting"]) == (COUNT // 200, False)


def test_nothing_waits(runtime: Runtime, tenant: Tenant) -> None:
    with runtime.unit("web", tenant.id) as services:
        assert waits_of(services.session, tenant.id) == {}
    whole = Waiting()
    whole.add(Waiting(3, more=True))
    whole.add(Waiting())
    assert whole == Waiting(3, None, None, True)
