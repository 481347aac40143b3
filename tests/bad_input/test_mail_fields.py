"""What a person or a program gives for mail: nothing of it becomes a header, hides, or turns text around."""

from __future__ import annotations

import email
import email.policy
import json
import re
from typing import Any
from uuid import UUID

import pytest

from autoloop.base.runtime import Runtime
from autoloop.mail.templates.services import Templates
from tests.factories import Client, Tenant
from tests.functional.mail_world import MailWorld, drain
from tests.functional.test_imports import take_in

BREAKS = {
    "CR LF": "Ada\r\nBcc: eve@example.org",
    "LF": "Ada\nBcc: eve@example.org",
    "CR": "Ada\rBcc: eve@example.org",
    "NUL": "Ada\x00",
    "escape": "Ada\x1b[31m",
    "turned around": "Ada \u202emoc.knab\u202c",
    "isolate": "\u2066Ada\u2069",
    "line separator": "Ada\u2028Bcc: eve@example.org",
    "byte order mark": "\ufeffAda",
    "C1": "Ada\x85Bcc: eve@example.org",
}
TOO_LONG = {"64 kB": "x" * 65_536}
NOTHING = {"blank": "   ", "empty": ""}
TWO = {
    "two addresses": "a@example.org, b@example.org",
    "two mailboxes": "Ada <a@example.org>, Bob <b@example.org>",
    "a second From": "a@example.org\r\nFrom: b@example.org",
    "a group": "All: a@example.org, b@example.org;",
    "a comment": "a@example.org (b@example.org)",
}
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")

SENDER = {"name": "Ada", "address": "desk@example.org"}
SMTP = {"name": "Relay", "provider": "smtp", "config": {"host": "mail.example.org"}}
TEMPLATE = {"name": "Hello", "kind": "markdown", "subject": "Hi", "source": "Hi"}
CONTACT = {"email": "bo@example.org"}
TOPIC = {"key": "news", "name": "News"}

NAMES = BREAKS | TOO_LONG | NOTHING
ADDRESSES = BREAKS | TOO_LONG | TWO | {"blank": "   "}
# Where it is given → what is refused there.
REFUSED: dict[tuple[str, str], tuple[dict[str, Any], dict[str, str]]] = {
    ("senders", "name"): (SENDER, NAMES),
    ("senders", "address"): (SENDER, ADDRESSES),
    ("senders", "reply_to"): (SENDER, ADDRESSES),
    ("senders", "timezone"): (SENDER, BREAKS | TOO_LONG),
    ("senders", "postal_address"): (
        SENDER,
        {name: value for name, value in BREAKS.items() if name not in ("CR LF", "LF", "CR")} | TOO_LONG,
    ),
    ("providers", "name"): (SMTP, NAMES),
    ("providers", "provider"): (SMTP, NAMES),
    ("providers", "config.host"): (SMTP, BREAKS | TOO_LONG | TWO | NOTHING),
    ("providers", "config.username"): (SMTP, BREAKS | TOO_LONG),
    ("providers", "config.password"): (SMTP, BREAKS | TOO_LONG),
    ("providers", "config.greeting_name"): (SMTP, BREAKS | TOO_LONG),
    ("providers", "config.ca_certificate"): (SMTP, TOO_LONG),
    ("templates", "name"): (TEMPLATE, NAMES),
    ("templates", "topic"): (TEMPLATE, BREAKS | TOO_LONG),
    ("templates", "subject"): (TEMPLATE, {"NUL": BREAKS["NUL"]} | TOO_LONG | {"empty": ""}),
    ("contacts", "email"): (CONTACT, ADDRESSES),
    ("suppressions", "address"): ({"address": "x@example.org"}, ADDRESSES),
    ("suppressions", "note"): ({"address": "x@example.org"}, BREAKS | TOO_LONG),
    ("domains", "name"): ({"name": "example.org"}, NAMES),
    ("topics", "key"): (TOPIC, NAMES),
    ("topics", "name"): (TOPIC, {"NUL": BREAKS["NUL"]} | TOO_LONG | NOTHING),
}
# What comes from elsewhere is tidied: people have such things in their files.
TIDIED = [
    *(("contacts", name) for name in ("first_name", "last_name", "title", "phone", "external_id")),
    ("topics", "name"),
    ("topics", "description"),
    ("businesses", "name"),
]


@pytest.fixture
def mail(runtime: Runtime, tenant: Tenant) -> MailWorld:
    return MailWorld(runtime, tenant)


def placed(base: dict[str, Any], field: str, value: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(json.dumps(base))
    at = body
    *above, last = field.split(".")
    for part in above:
        at = at[part]
    at[last] = value
    return body


@pytest.mark.parametrize("place", REFUSED, ids=" ".join)
def test_it_is_refused_with_its_field_and_nothing_is_kept(api: Client, place: tuple[str, str]) -> None:
    path, field = place
    base, values = REFUSED[place]
    kept = api.data(path)
    for name, value in values.items():
        answer = api.post(path, placed(base, field, value), status=400).json
        assert answer["details"], name
        assert all(len(message) < 1000 for lines in answer["details"].values() for message in lines), name
    assert api.data(path) == kept


@pytest.mark.parametrize("place", TIDIED, ids=" ".join)
def test_it_is_tidied(api: Client, place: tuple[str, str]) -> None:
    path, field = place
    for number, (name, value) in enumerate(BREAKS.items()):
        if name == "NUL":
            continue
        base = {"contacts": {"email": f"p{number}@example.org"}, "topics": {"key": f"k{number}", "name": "N"}}
        given = base.get(path, {}) | {field: f"{number} {value} {number}"}
        held = api.post(path, given).json["data"][field]
        assert not UNSEEN.search(held), name
        assert held.startswith(f"{number} ") and held.endswith(f" {number}"), name


def test_a_lone_surrogate_and_a_key_that_comes_twice_are_no_json(api: Client) -> None:
    for body in (
        b'{"name": "a\\ud800", "address": "a@example.org"}',
        b'{"name": "A", "address": "a@example.org", "address": "b@example.org"}',
        b'{"name": "\xff", "address": "a@example.org"}',
    ):
        assert api.call("POST", "senders", body, status=400).json["code"] == "BAD_JSON"
    assert len(api.data("senders")) == 0


def test_a_test_goes_to_one_address_or_nowhere(api: Client, mail: MailWorld) -> None:
    template = api.post("templates", TEMPLATE).json["data"]["id"]
    for name, value in (ADDRESSES | {"empty": ""}).items():
        given = {"template_id": template, "to_address": value}
        assert "to_address" in api.post("emails/test", given, status=400).json["details"], name
    assert api.data("emails") == []


def sent(mail: MailWorld) -> list[bytes]:
    drain(mail.runtime)
    return [
        bytes(raw)
        for (raw,) in mail.sql("select raw from mailbox_messages where workspace_id = :w order by id")
    ]


def test_whatever_the_rows_hold_a_message_has_its_own_headers_only(mail: MailWorld) -> None:
    """As if all doors had let it through: names of senders and contacts, subject, and what fills it."""
    with mail.runtime.unit("web", mail.tenant.id) as services:
        written = {**TEMPLATE, "subject": "{{ contact.first_name }} {{ contact.last_name }}"}
        version: UUID = services(Templates).create(written).version.id
    evil = {**BREAKS, **TOO_LONG, **TWO}
    evil.pop("NUL")
    for value in evil.values():
        mail.sql("update senders set name = :v, reply_to = null where workspace_id = :w", v=value[:5000])
        context = {"contact": {"first_name": value, "last_name": "=?utf-8?q?=0d=0aBcc:_x@example.org?="}}
        mail.intend(
            kind="transactional", template_version_id=version, content=None, to_name=value, context=context
        )
        drain(mail.runtime)
    messages = sent(mail)
    assert len(messages) == len(evil)
    for raw in messages:
        head = raw.partition(b"\r\n\r\n")[0]
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\x00", raw)
        assert max(map(len, raw.split(b"\r\n"))) <= 998
        assert head.isascii()
        parsed = email.message_from_bytes(raw, policy=email.policy.default)
        for name in ("From", "To", "Subject", "Date", "Message-ID"):
            assert len(parsed.get_all(name)) == 1, name
        assert not {"bcc", "cc", "x"} & {name.lower() for name in parsed}
        assert [len(parsed[name].addresses) for name in ("From", "To")] == [1, 1]
        assert not UNSEEN.search(str(parsed["From"]) + str(parsed["To"]) + str(parsed["Subject"]))


def test_a_file_of_contacts_brings_no_header_either(api: Client, mail: MailWorld) -> None:
    rows = "".join(
        f'p{number}@example.org,"{value.replace(chr(0), "")}"\r\n'
        for number, value in enumerate(BREAKS.values())
    )
    take_in(api, mail.runtime, "email,first_name\r\n" + rows)
    held = mail.sql("select first_name from business_contacts where workspace_id = :w")
    assert len(held) == len(BREAKS)
    assert not any(UNSEEN.search(name) for (name,) in held)
