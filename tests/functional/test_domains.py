"""Keys of sending domains: made, published, seen in a real DNS, then used; rotated without a gap."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Self

import dkim
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from autoloop.base.runtime import Runtime
from autoloop.embedded.smtp_sink import Sink
from autoloop.mail.services.domains import Domains, look_at_due
from autoloop.settings import Settings
from tests.factories import Client, Tenant, make_tenant
from tests.functional.mail_world import MailWorld, drain


@dataclass
class NameServer:
    """A DNS server on loopback that knows these TXT records."""

    records: dict[str, list[str]] = field(default_factory=dict)
    silent: bool = False

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1#{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                data, client = self._socket.recvfrom(4096)
                if not self.silent:
                    self._socket.sendto(self._answer(dns.message.from_wire(data)).to_wire(), client)

    def _answer(self, asked: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(asked)
        answer.flags |= dns.flags.AA
        name = asked.question[0].name.to_text(omit_final_dot=True)
        texts = self.records.get(name, [])
        if not texts:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        else:
            parts = [
                " ".join(f'"{each[at : at + 250]}"' for at in range(0, len(each), 250)) for each in texts
            ]
            answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "TXT", *parts))
        return answer


@pytest.fixture
def names() -> Iterator[NameServer]:
    with NameServer() as server:
        yield server


@pytest.fixture
def looking(settings: Settings, runtime: Runtime, names: NameServer) -> Runtime:
    """A runtime that asks our name server."""
    return Runtime(replace(settings, dns_servers=(names.address,)), runtime.registrations)


def test_a_key_signs_once_its_record_is_seen_and_is_rotated_without_a_gap(
    looking: Runtime, tenant: Tenant, names: NameServer
) -> None:
    with Sink() as sink:
        world = MailWorld(looking, tenant, sink.port)
        domain = f"{tenant.slug}.example"

        def send() -> bytes:
            world.intend(1)
            drain(looking)
            return sink.mails[-1].data

        def look() -> dict[str, str]:
            with looking.unit("web", tenant.id) as services:
                services(Domains).look(id)
                return {key.selector: key.status for key in services(Domains).keys(id)}

        with looking.unit("web", tenant.id) as services:
            id = services(Domains).create(domain).id
            keys = {key.selector: key.record for key in services(Domains).keys(id)}
        world.sql(f"update senders set domain_id = '{id}' where workspace_id = :w")
        assert b"DKIM-Signature" not in send(), "nobody could check it yet"
        assert set(look().values()) == {"new"}

        names.records = {f"{selector}._domainkey.{domain}": [record] for selector, record in keys.items()}
        assert look() == dict.fromkeys(keys, "active")
        mail = send()
        assert mail.count(b"DKIM-Signature") == 2

        def txt(name: bytes, timeout: int = 5) -> bytes:
            return names.records[name.decode().rstrip(".")][0].encode()

        for index in (0, 1):
            assert dkim.DKIM(mail).verify(index, dnsfunc=txt)

        with looking.unit("web", tenant.id) as services:
            following = services(Domains).new_key(id, "rsa-sha256")
            selector, record = following.selector, following.record
        assert f"s={selector}".encode() not in send()
        names.records[f"{selector}._domainkey.{domain}"] = [record.replace("; ", ";")]
        # The scheduler looks by itself.
        world.sql("update sending_domains set next_check_at = now() where workspace_id = :w")
        assert look_at_due(looking) == 1
        statuses = sorted(look().values())
        assert statuses == ["active", "active", "retired"]
        mail = send()
        assert f"s={selector};".encode() in mail
        assert mail.count(b"DKIM-Signature") == 2
        assert dkim.DKIM(mail).verify(0, dnsfunc=txt)


def test_a_key_that_signed_for_half_a_year_gets_a_successor(
    looking: Runtime, tenant: Tenant, names: NameServer, api: Client
) -> None:
    world, domain = MailWorld(looking, tenant), f"{tenant.slug}.example"
    with looking.unit("web", tenant.id) as services:
        id = services(Domains).create(domain).id
        keys = {key.selector: key.record for key in services(Domains).keys(id)}
    names.records = {f"{selector}._domainkey.{domain}": [record] for selector, record in keys.items()}

    def look() -> list[tuple[str, str]]:
        """Algorithm and status of each key, after the scheduler's look."""
        world.sql(
            "update sending_domains set next_check_at = now() - interval '9 days' where workspace_id = :w"
        )
        while world.sql("select 1 from sending_domains where workspace_id = :w and next_check_at < now()"):
            look_at_due(looking)
        rows = world.sql("select algorithm, status from dkim_keys where workspace_id = :w order by id")
        return [tuple(row) for row in rows]

    assert {status for _, status in look()} == {"active"}
    assert api.data("notifications") == []
    world.sql(
        """update dkim_keys set activated_at = now() - interval '181 days'
        where workspace_id = :w and algorithm = 'rsa-sha256'"""
    )
    made = ("rsa-sha256", "new")
    assert look().count(made) == 1 and look().count(made) == 1, "one successor, however often it is looked"
    (notice,) = api.data("notifications")
    assert notice["title"] == f"{domain} has a new DKIM key to publish" and "TXT record" in notice["body"]
    with looking.unit("web", tenant.id) as services:
        assert services(Domains).find(id).verified_at is not None, "the old one signs, so nothing is amiss"
        (new,) = (key for key in services(Domains).keys(id) if key.status == "new")
        assert new.record in notice["body"] and new.selector in notice["body"]
        names.records[f"{new.selector}._domainkey.{domain}"] = [new.record]
    assert sorted(look()) == [
        ("ed25519-sha256", "active"),
        ("rsa-sha256", "active"),
        ("rsa-sha256", "retired"),
    ]
    assert len(api.data("notifications")) == 1


def test_a_key_that_cannot_be_opened_holds_up_its_own_domain_only(
    runtime: Runtime, tenant: Tenant, api: Client
) -> None:
    with Sink() as sink:
        world = MailWorld(runtime, tenant, sink.port)
        other = MailWorld(runtime, make_tenant(runtime), sink.port)
        with runtime.unit("web", tenant.id) as services:
            id = services(Domains).create(f"{tenant.slug}.example").id
        world.sql("update dkim_keys set status = 'active', private = 'x' where workspace_id = :w")
        world.sql("update senders set domain_id = :id where workspace_id = :w", id=id)
        world.intend(1)
        other.intend(1)
        drain(runtime)
        assert [mail.sender for mail in sink.mails] == [f"ada@{other.tenant.slug}.example"]
        (held,) = world.rows()
        assert (held.status, held.hold_reason) == ("intent", "no_key"), "it never goes without its signature"
        assert "A key that cannot be opened" in {each["title"] for each in api.data("sending")["brakes"]}
        world.sql("delete from dkim_keys where workspace_id = :w")
        world.make_due()
        drain(runtime)
        assert len(sink.mails) == 2


@pytest.mark.parametrize(
    ("found", "silent", "state"),
    [
        ([], False, "missing"),
        (["v=DKIM1; k=rsa; p=AAAA"], False, "wrong"),
        (["some other text"], False, "missing"),
        ([], True, "unanswered"),
    ],
)
def test_what_is_not_right_in_the_dns_is_said(
    looking: Runtime,
    tenant: Tenant,
    names: NameServer,
    monkeypatch: pytest.MonkeyPatch,
    found: list[str],
    silent: bool,
    state: str,
) -> None:
    monkeypatch.setattr("autoloop.mail.services.dns.TIMEOUT", 0.3)
    names.silent = silent
    with looking.unit("web", tenant.id) as services:
        id = services(Domains).create("bad.example").id
        (key, other) = services(Domains).keys(id)
        names.records = {f"{key.selector}._domainkey.bad.example": found, "bad.example": ["v=spf1 -all"]}
        row = services(Domains).look(id)
        assert row.checks["dkim"][key.selector]["state"] == state
        assert row.checks["spf"]["state"] == ("unanswered" if silent else "ok")
        assert row.verified_at is None
        assert {key.status, other.status} == {"new"}


def test_domains_and_keys_over_the_api(api, tenant: Tenant) -> None:
    made = api.post("domains", {"name": "Mail.Example.COM."}).json["data"]
    assert made["name"] == "mail.example.com"
    keys = api.get(f"domains/{made['id']}/keys").json["data"]
    assert {key["algorithm"] for key in keys} == {"rsa-sha256", "ed25519-sha256"}
    assert "private" not in keys[0]
    assert api.post("domains", {"name": "mail.example.com"}, status=409).json["code"] == "CONFLICT"
    assert "name" in api.post("domains", {"name": "no domain"}, status=400).json["details"]
    more = api.post(f"domains/{made['id']}/keys", {"algorithm": "rsa-sha256"}).json["data"]
    api.post(f"domains/{made['id']}/keys", {"algorithm": "md5"}, status=400)
    api.delete(f"domains/{made['id']}/keys/{more['id']}")
    assert len(api.data(f"domains/{made['id']}/keys")) == 2
    api.delete(f"domains/{made['id']}")
    api.get(f"domains/{made['id']}", status=404)
