"""What a message says of itself by its kind, where marketing mail comes from, and addresses of any script."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from autoloop.base.runtime import Runtime
from autoloop.embedded.smtp_sink import Sink
from tests.factories import Client, Tenant
from tests.functional.mail_world import MailWorld, drain

PLAIN = "250-sink\r\n250-PIPELINING\r\n250 8BITMIME"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, sink: Sink) -> MailWorld:
    return MailWorld(runtime, tenant, sink.port)


def read(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_marketing_and_transactional_mail_say_what_they_are(world: MailWorld, sink: Sink) -> None:
    contact = world.contact("ada@example.org")
    for kind in ("marketing", "transactional", "test"):
        world.intend(kind=kind, contact_id=contact, to_address=f"{kind}@example.org")
    drain(world.runtime)
    seen = {mail.recipient.partition("@")[0]: read(mail.data) for mail in sink.mails}
    of_lists = {"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID", "Precedence"}
    assert of_lists <= set(seen["marketing"].keys())
    assert seen["marketing"]["Precedence"] == "bulk"
    assert seen["marketing"]["Feedback-ID"].split(":")[1:3] == [world.tenant.id.hex, "marketing"]
    assert 5 <= len(seen["marketing"]["Feedback-ID"].split(":")[-1]) <= 15
    assert "1 Main Street" in seen["marketing"].get_content()
    for kind in ("transactional", "test"):
        assert not of_lists & set(seen[kind].keys())
    assert seen["transactional"]["Auto-Submitted"] == "auto-generated"
    assert seen["marketing"]["Auto-Submitted"] is None


def test_marketing_mail_waits_for_a_postal_address(world: MailWorld, sink: Sink, api: Client) -> None:
    contact = world.contact("ada@example.org")
    world.sql("update workspaces set postal_address = '' where id = :w")
    held, let = (
        world.intend(kind=kind, contact_id=contact, to_address="ada@example.org")[0]
        for kind in ("marketing", "transactional")
    )
    drain(world.runtime)
    assert [(row.status, row.hold_reason) for row in world.rows(held, let)] == [
        ("intent", "no_postal_address"),
        ("accepted", None),
    ]
    told = api.data(f"emails/{held}/explain")
    assert "postal address" in str(told)
    world.sql("update senders set postal_address = '2 High Street, Oxford' where workspace_id = :w")
    world.make_due()
    drain(world.runtime)
    assert world.rows(held)[0].status == "accepted"
    assert b"2 High Street, Oxford" in sink.mails[-1].data


def test_a_workflow_says_that_its_marketing_mail_would_wait(world: MailWorld, api: Client) -> None:
    template = api.post("templates", {"name": "Hi", "kind": "html", "subject": "Hi", "source": "<p>Hi</p>"})
    config = {"template_id": template.json["data"]["id"]}
    graph = {"schema": 1, "nodes": [{"id": "mail", "type": "send_email", "config": config}], "edges": []}

    def found() -> set[tuple[str, str]]:
        made = api.post("workflows", {"name": "Hi", "graph": graph})
        checked = api.post(f"workflows/{made.json['data']['id']}/check")
        return {(each["code"], each["severity"]) for each in checked.json["data"]["problems"]}

    assert ("NO_POSTAL_ADDRESS", "warning") not in found()
    world.sql("update workspaces set postal_address = '' where id = :w")
    assert ("NO_POSTAL_ADDRESS", "warning") in found()
    config["kind"] = "transactional"
    assert ("NO_POSTAL_ADDRESS", "warning") not in found()


def test_a_local_part_of_any_script_goes_where_it_is_taken(runtime: Runtime, tenant: Tenant) -> None:
    with Sink() as sink:
        world = MailWorld(runtime, tenant, sink.port)
        world.intend(to_address="пример@bücher.example", to_name="Пример")
        drain(runtime)
        (mail,) = sink.mails
        assert mail.recipient == "пример@xn--bcher-kva.example"
        assert "<пример@xn--bcher-kva.example>".encode() in mail.data
        message = email.message_from_string(mail.data.decode(), policy=email.policy.default)
        assert message["To"].addresses[0].addr_spec == "пример@xn--bcher-kva.example"
        assert message["To"].addresses[0].display_name == "Пример"


def test_a_server_without_smtputf8_is_never_asked(runtime: Runtime, tenant: Tenant) -> None:
    with Sink(answer=lambda verb, _session: PLAIN if verb == "EHLO" else None) as sink:
        world = MailWorld(runtime, tenant, sink.port)
        world.intend(to_address="пример@example.org")
        world.intend(to_address="ada@bücher.example")
        drain(runtime)
        wide, idn = world.rows()
        assert wide.status == "rejected" and "letters than a to z before the @" in wide.reason
        assert idn.status == "accepted"
        assert [mail.recipient for mail in sink.mails] == ["ada@xn--bcher-kva.example"]
