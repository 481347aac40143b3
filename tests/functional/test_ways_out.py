"""Which account mail leaves through: rules, failover, and asking the account that may have taken it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import pytest

from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.embedded.smtp_sink import Sink
from autoloop.mail.delivery import deliver
from autoloop.mail.delivery.lookups import look_up_unknown
from autoloop.mail.models import ProviderAccount
from autoloop.plugins.email import (
    Account,
    Channel,
    EmailProvider,
    Fate,
    Idempotency,
    Message,
    ProviderServices,
    Refused,
    Reply,
    Staged,
)
from tests.factories import Client, Tenant
from tests.functional.browser import Browser
from tests.functional.mail_world import MailWorld, drain


@pytest.fixture
def sinks() -> Iterator[tuple[Sink, Sink]]:
    with Sink() as one, Sink() as two:
        yield one, two


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, sinks: tuple[Sink, Sink]) -> MailWorld:
    return MailWorld(runtime, tenant, sinks[0].port)


def second(world: MailWorld, port: int) -> Any:
    """Another account, as the first but for its port."""
    id = new_id()
    with world.runtime.unit("web", world.tenant.id) as services:
        first = services.session.get_one(ProviderAccount, (world.tenant.id, world.account_id))
        config = {**first.config, "port": port}
        services.session.add(
            ProviderAccount(id=id, workspace_id=world.tenant.id, name="two", provider="smtp", config=config)
        )
    return id


def to(sink: Sink) -> list[str]:
    return sorted(mail.recipient for mail in sink.mails)


def test_the_first_rule_that_fits_decides(
    world: MailWorld, sinks: tuple[Sink, Sink], api: Client, tenant: Tenant
) -> None:
    other = str(second(world, sinks[1].port))
    rules = [
        {"account_id": str(world.account_id), "kind": "transactional", "recipient_domains": ["vip.example"]},
        {"account_id": other, "recipient_domains": [" @VIP.example ", "far.example"]},
    ]
    api.put("providers/rules", {"rules": rules})
    assert [rule["recipient_domains"] for rule in api.data("providers/rules")] == [
        ["vip.example"],
        ["far.example", "vip.example"],
    ]
    contact = world.contact("x@vip.example", consent_marketing="granted")
    for address in ("a@vip.example", "b@far.example", "c@near.example"):
        world.intend(to_address=address)
    world.intend(to_address="d@Vip.Example", kind="marketing", contact_id=contact)
    drain(world.runtime)
    assert to(sinks[0]) == ["a@vip.example", "c@near.example"]
    assert to(sinks[1]) == ["b@far.example", "d@Vip.Example"]
    wrong = api.put("providers/rules", {"rules": [{"account_id": str(new_id())}]}, status=400)
    assert "rules.0.account_id" in wrong.json["details"]
    for no_domain in ("a@b.example", "no domain", "x" * 250, "@", "-.example"):
        rule = {"account_id": other, "recipient_domains": [no_domain]}
        wrong = api.put("providers/rules", {"rules": [rules[1], rule]}, status=400)
        assert list(wrong.json["details"]) == ["rules.1.recipient_domains"], no_domain
    assert len(api.data("providers/rules")) == 2


def test_a_rule_that_is_taken_away_on_the_page_takes_no_other_along(
    world: MailWorld, wsgi: object, runtime: Runtime, api: Client, tenant: Tenant
) -> None:
    rules = [
        {"account_id": str(world.account_id), "recipient_domains": [f"{n}.example"]} for n in ("a", "b", "c")
    ]
    api.put("providers/rules", {"rules": rules})
    browser = Browser(wsgi, runtime, tenant.user_id)
    page = browser.get(f"/w/{tenant.slug}/providers/rules")
    form = page.forms["rules"]
    form["1.account_id"] = ""
    form["3.account_id"] = str(world.account_id)
    form["3.recipient_domains"] = "d.example"
    assert form.submit().status_int == 303
    assert [rule["recipient_domains"] for rule in api.data("providers/rules")] == [
        ["a.example"],
        ["c.example"],
        ["d.example"],
    ]
    form["0.recipient_domains"] = "a@b"
    refused = form.submit(expect_errors=True)
    assert refused.status_int == 422 and "a@b" in refused.text
    assert len(api.data("providers/rules")) == 3


def test_another_account_stands_in_while_one_rests(
    world: MailWorld, sinks: tuple[Sink, Sink], api: Client
) -> None:
    other = second(world, sinks[1].port)
    mine = f"providers/{world.account_id}"
    api.patch(mine, {"failover_id": str(world.account_id)}, status=400)
    assert api.patch(mine, {"failover_id": str(other)}).json["data"]["failover_id"] == str(other)
    sinks[0].answer = lambda verb, _session: "421 too busy" if verb == "CONNECT" else None
    ids = world.intend(3)
    drain(world.runtime)
    assert sinks[1].mails == [], "the account is tried first"
    world.sql("update email_logs set due_at = now() where workspace_id = :w and status = 'intent'")
    drain(world.runtime)
    assert len(sinks[1].mails) == 3
    assert {row.status for row in world.rows(*ids)} == {"accepted"}
    sinks[0].answer = lambda _verb, _session: None
    world.sql("update provider_accounts set rest_until = null where workspace_id = :w")
    world.intend(1)
    drain(world.runtime)
    assert len(sinks[0].mails) == 1


class Remembering(EmailProvider):
    """Takes mail and loses its replies; knows afterwards what it took."""

    name = "remembering"
    title = "Remembering"
    idempotency = Idempotency.LOOKUP
    taken: ClassVar[dict[str, Fate]] = {}
    asked: ClassVar[list[str]] = []

    def open(self, account: Account, services: ProviderServices) -> Channel:
        return _Remembering()


class _Remembering(Channel):
    width = 10

    def stage(self, messages: Sequence[Message]) -> Sequence[Staged | Refused]:
        return [Staged(message) for message in messages]

    def transmit(self, staged: Staged) -> Reply:
        fate = Fate.PERMANENT if "refused" in staged.message.recipient else Fate.ACCEPTED
        if "lost" not in staged.message.recipient:
            Remembering.taken[staged.message.key] = fate
        return Reply(Fate.UNKNOWN, text="no answer")

    def abandon(self, staged: Staged) -> None:
        """Nothing was begun."""

    def look_up(self, key: str) -> Reply | None:
        Remembering.asked.append(key)
        fate = Remembering.taken.get(key)
        return Reply(fate, 250, "looked up", provider_id="p1") if fate else None


def test_what_is_unknown_is_looked_up_ever_later_and_never_sent_elsewhere(
    world: MailWorld, sinks: tuple[Sink, Sink], monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = world.runtime.registrations.plugins
    found = plugins.of

    def of(kind: str) -> list[Any]:
        from autoloop.plugins.registry import Plugin

        given = list(found(kind))
        if kind == "email":
            names = Plugin.__dataclass_fields__
            values = {name: getattr(given[0], name) for name in names} | {
                "name": "remembering",
                "cls": Remembering,
            }
            given.append(Plugin(**values))
        return given

    get = plugins.get
    monkeypatch.setattr(plugins, "of", of)
    monkeypatch.setattr(
        plugins, "get", lambda kind, name: Remembering if name == "remembering" else get(kind, name)
    )
    other = second(world, sinks[1].port)
    world.sql(
        f"update provider_accounts set provider = 'remembering', config = '{{}}', failover_id = '{other}' "
        f"where workspace_id = :w and id = '{world.account_id}'"
    )
    ids = [
        world.intend(to_address=address)[0]
        for address in ("taken@x.example", "refused@x.example", "lost@x.example")
    ]
    deliver(world.runtime)
    assert {row.status for row in world.rows(*ids)} == {"unknown"}
    assert look_up_unknown(world.runtime) == 0, "it is too early"
    due = "update email_logs set look_up_at = now() where workspace_id = :w and status = 'unknown'"
    world.sql(due)
    assert look_up_unknown(world.runtime) == 3
    assert [row.status for row in world.rows(*ids)] == ["accepted", "rejected", "unknown"]
    for _ in range(4):
        world.sql(due)
        assert look_up_unknown(world.runtime) == 1
    assert Remembering.asked.count(str(ids[2])) == 5
    ((waits,),) = world.sql(
        "select look_up_at from email_logs where workspace_id = :w and status = 'unknown'"
    )
    assert waits is None, "after six hours nobody is asked any more"
    assert sinks[0].mails == sinks[1].mails == []
