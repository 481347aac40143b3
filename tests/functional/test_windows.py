"""Send windows in delivery: the workspace's holidays hold marketing mail, and no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from autoloop.base.runtime import Runtime
from tests.factories import Tenant
from tests.functional.mail_world import MailWorld, drain


def test_marketing_mail_waits_for_the_end_of_holidays(runtime: Runtime, tenant: Tenant) -> None:
    world = MailWorld(runtime, tenant)
    today = datetime.now(UTC).date()
    days = ", ".join(f'"{today + timedelta(days=n)}"' for n in (-1, 0, 1, 2))
    world.sql(
        f"""update workspaces set timezone = 'UTC', settings = '{{"holidays": [{days}]}}' where id = :w"""
    )
    contact = world.contact("ada@example.org")
    window = {"timezone": "workspace"}
    (held,) = world.intend(
        kind="marketing", contact_id=contact, to_address="ada@example.org", send_window=window
    )
    (sent,) = world.intend(kind="transactional", to_address="eve@example.org", send_window=window)
    drain(runtime)
    (row,) = world.rows(held)
    assert (row.status, row.hold_reason) == ("intent", "outside_window")
    assert row.due_at > datetime.now(UTC) + timedelta(days=1)
    assert world.rows(sent)[0].status == "accepted"
