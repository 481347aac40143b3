"""A server that knows no such mailbox: the email stays rejected, and its address and its sender hear of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from autoloop.base.runtime import Runtime
from autoloop.embedded.smtp_sink import Sink, SmtpSession
from tests.factories import Tenant
from tests.functional.mail_world import MailWorld, drain


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, sink: Sink) -> MailWorld:
    return MailWorld(runtime, tenant, sink.port)


def route(world: MailWorld) -> None:
    """Until every event of this workspace is applied, and its senders were looked at."""
    kinds = world.runtime.registrations.due_kinds
    while kinds["route"].work(world.runtime):
        pass
    world.sql(
        "update senders set health_due_at = now() where workspace_id = :w and health_due_at < now() + '1 h'"
    )
    while kinds["sender_health"].work(world.runtime):
        pass


def refuses(line: str, at: str = "RCPT") -> Any:
    """An answer to every recipient whose address begins with “gone”."""

    def answer(verb: str, session: SmtpSession) -> str | None:
        return line if verb == at and session.recipient.lower().startswith("gone") else None

    return answer


def barred(world: MailWorld) -> list[Any]:
    return [
        tuple(row)
        for row in world.sql("select address, reason, note from suppressions where workspace_id = :w")
    ]


@pytest.mark.parametrize("at", ["RCPT", "."])
def test_no_such_mailbox_is_a_hard_bounce(world: MailWorld, sink: Sink, at: str) -> None:
    contact = world.contact("gone@example.org")
    workflow, run = world.run(contact)
    sink.answer = refuses("550 5.1.1 no such user", at)
    (id,) = world.intend(
        to_address="Gone@example.org",
        contact_id=contact,
        run_id=run,
        workflow_id=workflow,
        node="mail_1",
        visit=1,
    )
    drain(world.runtime)
    route(world)
    row = world.rows(id)[0]
    assert (row.status, row.sent_at, row.reason) == ("rejected", None, "550 5.1.1 no such user")
    assert barred(world) == [("gone@example.org", "bounced", "550 5.1.1 no such user")]
    ((name, whom, data),) = world.sql(
        "select name, contact_id, data from events where workspace_id = :w and name like 'email.%'"
    )
    assert (name, whom) == ("email.bounced", contact)
    assert {key: data[key] for key in ("email_id", "run_id", "node", "type", "provider")} == {
        "email_id": str(id),
        "run_id": str(run),
        "node": "mail_1",
        "type": "hard",
        "provider": "smtp",
    }
    assert world.sql("select status from business_contacts where workspace_id = :w") == [("bounced",)]
    assert world.sql("select kind, refused from sender_mishaps where workspace_id = :w") == [("bounce", True)]
    (later,) = world.intend(to_address="gone@example.org")
    drain(world.runtime)
    assert world.rows(later)[0].status == "skipped"


@pytest.mark.parametrize(
    "line", ["550 5.7.1 blocked for policy", "552 5.2.2 mailbox full", "554 no", "550 relay access denied"]
)
def test_a_policy_holds_nothing_against_the_address(world: MailWorld, sink: Sink, line: str) -> None:
    sink.answer = refuses(line)
    (id,) = world.intend(to_address="gone@example.org")
    drain(world.runtime)
    route(world)
    assert world.rows(id)[0].status == "rejected"
    assert barred(world) == []
    assert world.sql("select 1 from events where workspace_id = :w") == []


@pytest.mark.parametrize(
    ("good", "gone", "status"), [(95, 5, "paused"), (96, 5, "active"), (94, 5, "active")]
)
def test_mail_refused_at_the_door_counts_on_both_sides_of_the_share(
    world: MailWorld, sink: Sink, good: int, gone: int, status: str
) -> None:
    """5 of 100 are too many; 5 of 101 are not; and 99 are too few to be judged."""
    sink.answer = refuses("550 no such user")
    world.intend(good, kind="transactional")
    world.intend(gone, kind="transactional", to_address="gone{n}@example.org")
    drain(world.runtime)
    route(world)
    assert world.sql("select status from senders where workspace_id = :w") == [(status,)]
