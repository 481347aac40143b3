"""Mail over HTTP: ways out, suppressions, the log and the mailbox."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from autoloop.base.crypto import Keyring
from autoloop.base.runtime import Runtime
from autoloop.mail.delivery.channels import SECRETS
from autoloop.mail.models import ProviderAccount
from autoloop.mail.services.accounts import ProviderAccounts
from tests.factories import Client, Tenant, make_tenant
from tests.functional.browser import Browser
from tests.functional.mail_world import MailWorld, drain

MAILGUN = {"api_key": "key-1", "domain": "mg.example.org"}
SMTP = {"host": "mail.example.org", "username": "ada", "password": "pa55-w0rd"}


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant) -> MailWorld:
    return MailWorld(runtime, tenant)


@pytest.fixture
def browser(wsgi: object, runtime: Runtime, tenant: Tenant) -> Browser:
    return Browser(wsgi, runtime, tenant.user_id)


def test_two_ways_out_never_have_one_name(api: Client) -> None:
    first, second = (
        api.post("providers", {"name": name, "provider": "mailbox"}).json["data"] for name in ("A", "B")
    )
    assert api.post("providers", {"name": "A", "provider": "mailbox"}, status=409).json["details"]["name"]
    changed = {"name": "A", "status": "off", "is_default": True}
    assert api.patch(f"providers/{second['id']}", changed, status=409).json["details"]["name"]
    after = {row["name"]: (row["status"], row["is_default"]) for row in api.data("providers")}
    assert after == {"A": ("active", True), "B": ("active", False)}, "nothing of it was kept"
    assert api.patch(f"providers/{first['id']}", {"name": "A"}).json["data"]["name"] == "A"


def test_secrets_of_a_way_out_are_sealed_and_never_shown(
    api: Client, runtime: Runtime, tenant: Tenant
) -> None:
    made = api.post("providers", {"name": "Main", "provider": "smtp", "config": SMTP})
    data = made.json["data"]
    assert "pa55" not in made.text
    assert data["has_secrets"]
    assert data["config"]["port"] == 587
    api.patch(f"providers/{data['id']}", {"config": {"host": "other.example.org", "username": "ada"}})
    with runtime.unit("web", tenant.id) as services:
        row = services.session.get_one(ProviderAccount, (tenant.id, data["id"]))
        assert b"pa55" not in bytes(row.secrets)
        opened = Keyring(runtime.settings.secret_keys).open(SECRETS, bytes(row.secrets))
        assert json.loads(opened) == {"password": "pa55-w0rd"}, "a secret that is left out stays"
        assert row.config["host"] == "other.example.org"
    assert "password" in {secret for kind in api.data("providers/kinds") for secret in kind["secrets"]}


def test_secrets_that_cannot_be_opened_any_more_are_given_anew(
    api: Client, browser: Browser, world: MailWorld
) -> None:
    made = api.post("providers", {"name": "Main", "provider": "mailgun", "config": MAILGUN}).json["data"]
    world.sql("update provider_accounts set secrets = 'x' where id = :id", id=made["id"])
    assert "Main" in browser.get(f"/w/{world.tenant.slug}/providers/{made['id']}").text
    lacking = api.patch(f"providers/{made['id']}", {"config": {"domain": "mg.example.org"}}, status=400)
    assert "config.api_key" in lacking.json["details"]
    api.patch(f"providers/{made['id']}", {"config": MAILGUN})
    with world.runtime.unit("web", world.tenant.id) as services:
        row = services.session.get_one(ProviderAccount, (world.tenant.id, UUID(made["id"])))
        assert services(ProviderAccounts).opened(row)["api_key"] == MAILGUN["api_key"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"provider": "pigeon"}, "provider"),
        ({"config": {"port": 25}}, "config.host"),
        ({"config": {"host": "h", "port": 0}}, "config.port"),
        ({"config": {"host": "h", "wings": 2}}, "config"),
        ({"config": SMTP | {"security": "none"}}, "config.security"),
    ],
)
def test_settings_of_a_way_out_are_checked_by_its_plugin(
    api: Client, given: dict[str, object], field: str
) -> None:
    body = {"name": "Main", "provider": "smtp"} | given
    details = api.post("providers", body, status=400).json["details"]
    assert any(key.startswith(field) for key in details), details


def test_what_null_takes_away_is_gone_and_what_is_left_out_stays(api: Client, world: MailWorld) -> None:
    other = api.post("providers", {"name": "Other", "provider": "smtp", "config": SMTP}).json["data"]["id"]
    account, sender = f"providers/{world.account_id}", f"senders/{world.sender_id}"
    api.patch(account, {"failover_id": other})
    api.patch(sender, {"provider_account_id": other, "reply_to": "desk@example.org"})
    assert api.patch(account, {"name": "Main"}).json["data"]["failover_id"] == other
    assert api.patch(account, {"failover_id": None}).json["data"]["failover_id"] is None
    emptied = api.patch(sender, {"provider_account_id": None, "reply_to": None}).json["data"]
    assert (emptied["provider_account_id"], emptied["reply_to"]) == (None, None)
    api.patch(account, {"failover_id": ""}, status=400)


def test_suppressed_addresses_are_not_mailed_until_they_are_lifted(api: Client, world: MailWorld) -> None:
    made = api.post("suppressions", {"address": "Person0@Example.org", "note": "asked by phone"}).json["data"]
    again = api.post("suppressions", {"address": "person0@example.org"}).json["data"]
    assert made["id"] == again["id"]
    world.intend(2)
    drain(world.runtime)
    assert [row["status"] for row in api.data("emails", sort="id")] == ["skipped", "accepted"]
    assert [row["reason"] for row in api.data("suppressions", reason="manual")] == ["manual"]
    api.delete(f"suppressions/{made['id']}")
    world.intend(1)
    drain(world.runtime)
    assert api.data("emails?q=person0&status=accepted")


def test_the_log_shows_an_email_its_attempts_and_its_text(api: Client, world: MailWorld) -> None:
    contact = world.contact("ada@example.org")
    (id,) = world.intend(kind="marketing", contact_id=contact, to_address="ada@example.org")
    drain(world.runtime)
    shown = api.data(f"emails/{id}")
    assert (shown["status"], shown["subject"], shown["sender_name"]) == ("accepted", "Hello", "Ada")
    assert [(made["n"], made["outcome"]) for made in shown["attempts_made"]] == [(1, "accepted")]
    assert "1 Main Street, Springfield" in shown["body"]
    assert "Unsubscribe: http://localhost/t/" in shown["body"]
    assert [row["id"] for row in api.data("emails", contact_id=str(contact))] == [str(id)]
    assert api.data("emails?status=unknown") == []
    api.get("emails", status=400, contact_id="x")


def test_a_person_settles_what_nobody_knows(api: Client, world: MailWorld) -> None:
    one, two = world.intend(2)
    world.sql("update email_logs set status = 'unknown' where workspace_id = :w")
    assert api.post(f"emails/{one}/settle", {"fate": "accepted"}).json["data"]["status"] == "accepted"
    api.post(f"emails/{one}/settle", {"fate": "rejected"}, status=409)
    api.post(f"emails/{two}/settle", {"fate": "resend"})
    drain(world.runtime)
    assert [row["status"] for row in api.data("emails", sort="id")] == ["accepted", "resent", "accepted"]
    api.post(f"emails/{one}/settle", {"fate": "eaten"}, status=400)


def test_captured_mail_is_read_through_both_doors(api: Client, world: MailWorld, browser: Browser) -> None:
    html = "<p>Hi <script>alert(1)</script></p>"
    world.intend(content={"subject": "Grüße", "text": "Hi", "html": html})
    drain(world.runtime)
    (row,) = api.data("mailbox")
    assert row["subject"] == "Grüße"
    shown = api.data(f"mailbox/{row['id']}")
    assert ["Subject", "Grüße"] in shown["headers"]
    assert shown["html"].strip() == html
    base = f"/w/{world.tenant.slug}/mailbox"
    assert "Grüße" in browser.get(base)
    assert "person0@example.org" in browser.get(f"{base}/{row['id']}")
    preview = browser.get(f"{base}/{row['id']}/preview")
    policy = preview.headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    assert preview.headers["X-Frame-Options"] == "SAMEORIGIN"
    api.delete("mailbox")
    assert api.data("mailbox") == []


def test_another_tenant_sees_none_of_it(
    wsgi: object, api: Client, world: MailWorld, runtime: Runtime
) -> None:
    (id,) = world.intend(1)
    drain(runtime)
    other = make_tenant(runtime)
    stranger = Client(wsgi, other.slug, other.key)
    (mail,) = api.data("mailbox")
    for path in (
        f"emails/{id}",
        f"senders/{world.sender_id}",
        f"providers/{world.account_id}",
        f"mailbox/{mail['id']}",
    ):
        stranger.get(path, status=404)
    assert stranger.data("emails") == stranger.data("senders") == stranger.data("mailbox") == []


PAGES = ("emails", "emails/{email}", "mailbox", "senders", "senders/{sender}", "providers", "providers?kind=smtp",
         "providers/{account}", "suppressions")  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_every_page_shows(browser: Browser, world: MailWorld, path: str) -> None:
    (id,) = world.intend(1)
    world.sql("update email_logs set status = 'unknown', reason = 'no reply' where workspace_id = :w")
    place = path.format(email=id, sender=world.sender_id, account=world.account_id)
    page = browser.get(f"/w/{world.tenant.slug}/{place}")
    assert page.status_int == 200, page.text[:3000]
    assert "<h1" in page


def test_forms_of_pages_work_and_show_what_is_wrong(browser: Browser, world: MailWorld) -> None:
    base = f"/w/{world.tenant.slug}"
    wrong = browser.post(f"{base}/senders", name="Bob", address="nowhere")
    assert wrong.status_int == 422
    assert 'value="Bob"' in wrong
    assert browser.post(f"{base}/senders", name="Bob", address="bob@example.org").status_int == 303
    fields = {
        "name": "Relay",
        "provider": "smtp",
        "config.host": "mail.example.org",
        "config.password": "s3cret",
    }
    assert browser.post(f"{base}/providers", **fields).status_int == 303
    wrong = browser.post(f"{base}/providers", **(fields | {"name": "R2", "config.port": "x"}))
    assert wrong.status_int == 422
    assert "s3cret" not in wrong
    assert browser.post(f"{base}/senders/{world.sender_id}", name="Ada L.", daily_cap="7").status_int == 303
    assert world.sql("select name, daily_cap from senders where id = :id", id=world.sender_id) == [
        ("Ada L.", 7)
    ]
    assert browser.post(f"{base}/suppressions", address="x@example.org").status_int == 303


def test_a_test_send_goes_to_ones_own_address(api: Client, world: MailWorld) -> None:
    made = api.post(
        "templates",
        {"name": "T", "kind": "markdown", "subject": "Hi {{ contact.first_name }}", "source": "Hello."},
    ).json["data"]
    contact = world.contact("grace@example.org", first_name="Grace", consent_marketing="denied")
    body = {"template_id": made["id"], "to_address": "me@example.org", "contact_id": str(contact)}
    sent = api.post("emails/test", body).json["data"]
    assert (sent["kind"], sent["status"]) == ("test", "intent")
    drain(world.runtime)
    (mail,) = api.data("mailbox")
    assert (mail["recipient"], mail["subject"]) == ("me@example.org", "Hi Grace")
    for wrong in (
        {"template_id": str(contact)},
        {"number": 9},
        {"to_address": "x"},
        {"contact_id": made["id"]},
    ):
        assert api.post("emails/test", body | wrong, status=400).json["details"].keys() == wrong.keys()
