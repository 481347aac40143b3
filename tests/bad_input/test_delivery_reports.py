"""Delivery reports of every shape, posted as a mail server would: a 4xx, or the effect that the report means."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import pytest
from webtest import TestApp

from autoloop.base.runtime import Runtime
from tests.browser.seed import work
from tests.factories import Client, Tenant
from tests.functional.mail_world import MailWorld
from tests.vendors.reports import complaint, report

TOKEN = "a-token-of-both"
MAIL = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: Hello\r\n"
DEEP = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(3000))


@pytest.fixture
def mail(runtime: Runtime, tenant: Tenant) -> MailWorld:
    return MailWorld(runtime, tenant)


@pytest.fixture
def post(wsgi: object, api: Client, mail: MailWorld) -> Callable[..., Any]:
    config = {"host": "mail.example.org", "report_token": TOKEN}
    made = api.post("providers", {"name": "Relay", "provider": "smtp", "config": config}).json["data"]
    app = TestApp(wsgi, extra_environ={"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost"})
    path = made["webhook_url"].removeprefix("http://localhost")

    def call(body: bytes, token: str = TOKEN) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "message/rfc822"}
        return app.post(path, body, headers=headers, expect_errors=True)

    return call


def forwarded(whole: bytes) -> bytes:
    return (
        MAIL
        + b"Content-Type: multipart/mixed; boundary=out\r\n\r\n--out\r\n\r\nSee below.\r\n--out\r\n"
        + whole
        + b"\r\n--out--\r\n"
    )


def in_base64(name: str) -> bytes:
    fields = "Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; ada@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    plain = report(
        name, encoding="Content-Transfer-Encoding: base64\r\n", recipient="", status="", diagnostic=""
    )
    begin, _, rest = plain.partition(b"Reporting-MTA")
    return begin + base64.b64encode(fields.encode()) + b"\r\n--=_part" + rest.partition(b"\r\n--=_part")[2]


def bounce_of_a_bounce(name: str) -> bytes:
    inner = report(name)
    return report("<daemon-7@mx.example.org>", returned="message/rfc822", original=inner)


# What the report is → (what is posted, the email's state then, is the address suppressed?)
SHAPES: dict[str, tuple[Callable[[str], bytes], str, bool]] = {
    "well-formed": (report, "bounced", True),
    "bare line feeds": (lambda name: report(name).replace(b"\r\n", b"\n"), "bounced", True),
    "the whole mail returned": (lambda name: report(name, returned="message/rfc822"), "bounced", True),
    "a mail of 5 MB returned": (
        lambda name: report(name, returned="message/rfc822", original=b"x" * 76 + b"\r\n" * 2_500_000),
        "bounced",
        True,
    ),
    "without final-recipient": (lambda name: report(name, recipient=""), "bounced", True),
    "original-recipient only": (
        lambda name: report(name, recipient="Original-Recipient: rfc822;ada@example.org\r\n"),
        "bounced",
        True,
    ),
    "a recipient that is none": (
        lambda name: report(name, recipient="Final-Recipient: rfc822;\r\n X\x00\r\n"),
        "bounced",
        True,
    ),
    "without a status": (lambda name: report(name, status="", diagnostic=""), "bounced", True),
    "status in the diagnostic": (
        lambda name: report(name, status="", diagnostic="smtp; 550 5.7.1 blocked"),
        "bounced",
        False,
    ),
    "upper case": (lambda name: report(name, action="FAILED"), "bounced", True),
    "an action with a comment": (lambda name: report(name, action="failed (bad user)"), "bounced", True),
    "delayed": (lambda name: report(name, action="delayed", status="4.4.1"), "accepted", False),
    "given up after days": (lambda name: report(name, status="4.4.7"), "bounced", False),
    "mailbox full": (lambda name: report(name, status="5.2.2"), "bounced", False),
    "policy": (lambda name: report(name, status="5.7.1"), "bounced", False),
    "delivered": (lambda name: report(name, action="delivered", status="2.0.0"), "delivered", False),
    "relayed": (lambda name: report(name, action="relayed", status="2.0.0"), "accepted", False),
    "an action that nobody knows": (lambda name: report(name, action="eaten"), "accepted", False),
    "nothing returned": (lambda name: report("", head=""), "accepted", False),
    "known by what it answers": (
        lambda name: report("x", head=f"In-Reply-To: {name}\r\n", returned="text/plain"),
        "bounced",
        True,
    ),
    "cut off in the fields": (lambda name: report(name).partition(b"Diagnostic")[0], "accepted", False),
    "cut off after our Message-ID": (
        lambda name: report(name).partition(b"Subject: Hello")[0],
        "bounced",
        True,
    ),
    "no closing boundary": (lambda name: report(name).replace(b"--=_part--", b""), "bounced", True),
    "fields in base64": (in_base64, "bounced", True),
    "a charset that lies": (
        lambda name: report(name, charset="utf-16", diagnostic="smtp; 550 \udcff\udcfe nein").replace(
            b"It did", b"\xff\xfe"
        ),
        "bounced",
        True,
    ),
    "a boundary of signs": (lambda name: report(name, boundary="a+b(c)?=:d/e'f"), "bounced", True),
    "forwarded": (lambda name: forwarded(report(name)), "bounced", True),
    "a bounce of a bounce": (bounce_of_a_bounce, "accepted", False),
    "a bounce of somebody else's mail": (lambda name: report("<x@example.org>"), "accepted", False),
    "a complaint": (complaint, "complained", True),
    "not spam": (lambda name: complaint(name, "not-spam"), "accepted", False),
    "an answer of a person": (
        lambda name: MAIL + f"In-Reply-To: {name}\r\n\r\nThanks!".encode(),
        "accepted",
        False,
    ),
    "nested three thousand times": (lambda name: MAIL + DEEP, "accepted", False),
    "ten thousand parts": (
        lambda name: (
            MAIL + b"Content-Type: multipart/report; boundary=a\r\n\r\n" + b"--a\r\n\r\nx\r\n" * 10_000
        ),
        "accepted",
        False,
    ),
    "a header of 5 MB": (lambda name: MAIL + b"X-Long: " + b"x" * 5_000_000 + b"\r\n\r\n", "accepted", False),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_report_has_the_effect_it_means_once(
    post: Callable[..., Any], runtime: Runtime, mail: MailWorld, api: Client, shape: str
) -> None:
    made, state, suppressed = SHAPES[shape]
    contact = mail.contact("ada@example.org")
    (id,) = mail.intend(to_address="ada@example.org", status="accepted", contact_id=contact, attempts=1)
    body = made(f"<{id}@acme.example>")
    begun = time.process_time()
    first, second = post(body), post(body)
    assert time.process_time() - begun < 5, "it is read in one pass"
    assert (first.status_int, second.status_int) == (200, 200), first.text[:300]
    assert second.json["data"]["new"] == 0
    work(runtime)
    assert [row.status for row in mail.rows(id)] == [state]
    assert bool(api.data("suppressions")) is suppressed


@pytest.mark.parametrize(
    "body",
    [b"", b"\x00", b"{}", b"[]", b"\r\n\r\n", b"hello", b"\xff\xfe" * 1000, b"From nobody", b": x\r\n\r\n"],
)
def test_what_is_no_mail_is_refused(post: Callable[..., Any], mail: MailWorld, body: bytes) -> None:
    answer = post(body)
    assert answer.status_int == 400, answer.text[:300]
    assert answer.json["code"] == "BAD_EVENTS"


def test_who_has_no_token_and_what_is_too_large_is_refused(post: Callable[..., Any], mail: MailWorld) -> None:
    (id,) = mail.intend(status="accepted")
    body = report(f"<{id}@acme.example>")
    for token in ("", "another", "\x7f", "x" * 10_000):
        assert post(body, token).status_int == 401
    assert post(body + b"x" * 10_000_000).status_int == 413
    assert mail.sql("select count(*) from events where workspace_id = :w and name like 'email.%'") == [(0,)]
