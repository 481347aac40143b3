"""Unsubscribing by the link of a mail: one click from anywhere, and nothing by looking."""

from __future__ import annotations

import re

import pytest
from webtest import TestApp

from autoloop.base.crypto import Keyring
from autoloop.base.runtime import Runtime
from autoloop.mail.links import Links
from tests.factories import Tenant
from tests.functional.mail_world import MailWorld, drain


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant) -> MailWorld:
    return MailWorld(runtime, tenant)


@pytest.fixture
def link(world: MailWorld) -> str:
    """The unsubscribe link out of a delivered message, as its recipient has it."""
    contact = world.contact("ada@example.org")
    world.intend(kind="marketing", contact_id=contact, to_address="ada@example.org")
    drain(world.runtime)
    ((raw,),) = world.sql("select raw from mailbox_messages where workspace_id = :w")
    found = re.search(rb"List-Unsubscribe: <http://localhost(/t/[^>]+)>\r\n", raw)
    assert found
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    return found[1].decode()


def reasons(world: MailWorld) -> list[str]:
    return [reason for (reason,) in world.sql("select reason from suppressions where workspace_id = :w")]


def test_looking_at_the_unsubscribe_page_changes_nothing(app: TestApp, world: MailWorld, link: str) -> None:
    page = app.get(link)
    assert "<form" in page
    assert "Set-Cookie" not in page.headers
    app.head(link)
    assert reasons(world) == []


def test_one_click_unsubscribes_without_cookie_or_token_and_stops_waiting_mail(
    app: TestApp, world: MailWorld, link: str
) -> None:
    contact = world.contact("second@example.org")
    waiting = world.intend(kind="marketing", contact_id=contact, to_address="ada@example.org")
    for _ in range(2):
        answer = app.post(link, {"List-Unsubscribe": "One-Click"})
        assert answer.status_int == 200
        assert "Set-Cookie" not in answer.headers
    assert reasons(world) == ["unsubscribed"]
    drain(world.runtime)
    assert [row.status for row in world.rows(*waiting)] == ["skipped"]
    assert "You are unsubscribed" in app.get(link)
    events = world.sql("select name, data ->> 'email_id' is not null from events where workspace_id = :w")
    assert events == [("email.unsubscribed", True)]
    # Mail that is no marketing still goes.
    allowed = world.intend(kind="transactional", to_address="ada@example.org")
    drain(world.runtime)
    assert [row.status for row in world.rows(*allowed)] == ["accepted"]


def test_one_click_as_multipart_from_elsewhere(app: TestApp, world: MailWorld, link: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Origin": "https://mail.example.net"}
    assert app.post(link, body, headers=headers).status_int == 200
    assert reasons(world) == ["unsubscribed"]


def test_a_link_that_we_did_not_sign_is_nothing(
    app: TestApp, world: MailWorld, link: str, runtime: Runtime
) -> None:
    settings = runtime.settings
    (id,) = [row.id for row in world.rows()]
    foreign = Links("", ("another-key-another-key-another-key-00",)).unsubscribe(world.tenant.id, id)
    wrong_purpose = "/t/" + Keyring(settings.secret_keys).sign("session", world.tenant.id.hex + id.hex)
    for path in (link[:-3] + "abc", foreign, wrong_purpose, "/t/x", "/t/" + "a" * 5000, "/t/%00" + link[3:]):
        assert app.post(path, {"List-Unsubscribe": "One-Click"}, expect_errors=True).status_int == 404
        assert app.get(path, expect_errors=True).status_int == 404
    assert reasons(world) == []
