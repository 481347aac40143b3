"""What a message says of itself by its kind, where marketing mail comes from, and addresses of any script."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from autoloop.base.runtime import Runtime
from autoloop.embedded.smtp_sink import Sink
from tests.factories import Client, Tenant
from tests.functional.browser import Browser
from tests.functional.mail_world import MailWorld, drain

PLAIN = "250-sink\r\n250-PIPELINING\r\n250 8BITMIME"


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


def test_a_workflow_is_not_published_whose_marketing_mail_would_wait(
    world: MailWorld, api: Client, wsgi: object, tenant: Tenant
) -> None:
    template = api.post("templates", {"name": "Hi", "kind": "html", "subject": "Hi", "source": "<p>Hi</p>"})
    config = {"template_id": template.json["data"]["id"]}
    graph = {"schema": 1, "nodes": [{"id": "mail", "type": "send_email", "config": config}], "edges": []}

    def found() -> set[tuple[str, str]]:
        made = api.post("workflows", {"name": "Hi", "graph": graph})
        checked = api.post(f"workflows/{made.json['data']['id']}/check")
        return {(each["code"], each["severity"]) for each in checked.json["data"]["problems"]}

    assert not found()
    world.sql("update workspaces set postal_address = '' where id = :w")
    assert found() == {("NO_POSTAL_ADDRESS", "error")}
    made = api.post("workflows", {"name": "Hi", "graph": graph}).json["data"]["id"]
    refused = api.post(f"workflows/{made}/publish", status=400)
    assert refused.json["code"] == "GRAPH_INVALID"
    said = refused.json["details"]["nodes.mail.config.sender_id"][0]
    assert "on its page (Senders)" in said and "Workspace, “Postal address”" in said
    world.sql("update senders set postal_address = '2 High Street, Oxford' where workspace_id = :w")
    assert not found()
    api.post(f"workflows/{made}/publish")
    # Taken away later, and the sender paused as well: who starts it, and who tries it, is told.
    world.sql("update senders set postal_address = '', status = 'paused' where workspace_id = :w")
    codes = {"NO_POSTAL_ADDRESS", "SENDER_PAUSED"}
    preview = api.post(f"workflows/{made}/preview-start", {"all": True}).json["data"]
    assert {each["code"] for each in preview["held"]} == codes
    contact = {"email": "ada@lovelace.example", "consent": {"marketing": "granted", "at": None, "source": ""}}
    simulated = api.post(f"workflows/{made}/simulate", {"contact": contact}).json["data"]
    owner = Browser(wsgi, world.runtime, tenant.user_id)
    for place in (f"workflows/{made}/", f"workflows/{made}/start?who=all"):
        page = owner.get(f"/w/{tenant.slug}/{place}").text
        assert "Mail of these steps would wait" in page and "its mail waits until somebody resumes it" in page
    mail = simulated["steps"][0]["mail"]
    assert [(each["reason"], each["until"]) for each in mail["holds"]] == [
        ("sender_paused", None),
        ("no_postal_address", None),
    ]
    assert mail["barred"] is None and mail["holds"][0]["why"] == "the sender is paused"
    world.sql("update senders set status = 'active', postal_address = 'Oxford' where workspace_id = :w")
    graph["settings"] = {"window": {"days": [1], "from": "09:00", "until": "17:00", "timezone": "workspace"}}
    made = api.post("workflows", {"name": "Mondays", "graph": graph}).json["data"]["id"]
    asked = {"contact": contact, "start_at": "2027-01-03T12:00:00Z"}
    simulated = api.post(f"workflows/{made}/simulate", asked).json["data"]
    assert simulated["steps"][0]["mail"]["holds"] == [
        {
            "reason": "outside_window",
            "why": "the workflow's send window is closed",
            "until": "2027-01-04T09:00:00+00:00",
        }
    ]
    # A real contact who wants a pause: it ends on Sunday, then the window opens on Monday.
    ada = world.contact("ada@example.org", mail_paused_until=datetime(2027, 1, 10, 12, tzinfo=UTC))
    asked = {"contact_id": str(ada), "start_at": "2027-01-04T12:00:00Z"}
    steps = api.post(f"workflows/{made}/simulate", asked).json["data"]["steps"]
    assert [(each["reason"], each["until"]) for each in steps[0]["mail"]["holds"]] == [
        ("paused_by_contact", "2027-01-10T12:00:00+00:00"),
        ("outside_window", "2027-01-11T09:00:00+00:00"),
    ]
    assert steps[0]["left_at"] == "2027-01-11T09:00:00+00:00"
    world.sql("update senders set postal_address = '' where workspace_id = :w")
    config["kind"] = "transactional"
    assert not found()


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
