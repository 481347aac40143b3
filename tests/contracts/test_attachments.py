"""A message of ours with files, through every vendor: each gets the same octets under the same names."""

from __future__ import annotations

import base64
import email
import email.policy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from autoloop.mail.compose import Letter, compose
from autoloop.mail.enclosures import Enclosed, encoded
from autoloop.plugins.email import Channel, Fate, Message, Refused
from autoloop.plugins.testing.email import staged_all
from tests.contracts import test_api_providers as apis
from tests.contracts import test_cloud_providers as clouds

PNG, PDF = b"\x89PNG\r\n\x1a\n" + bytes(range(256)), b"%PDF\n.\r\n" * 900
NAMES = ("Logo Größe.png", "Angebot „2026“, " + "sehr " * 20 + "lang.pdf")
ID = "logo.0a1b2c3d@autoloop"
LETTER = Letter(
    message_id="<1@shop.example>",
    date=datetime(2026, 11, 23, 2, tzinfo=UTC),
    from_name="Édith",
    from_address="edith@shop.example",
    to_name="Ada",
    to_address="ada@example.org",
    subject="Café",
    text="Hello",
    html=f'<img src="cid:{ID}">',
    custom=[("X-Campaign", "Frühling")],
    files=Enclosed([encoded(NAMES[0], "image/png", PNG, ID)], [encoded(NAMES[1], "application/pdf", PDF)]),
)
Found = list[tuple[str, str, str | None, bytes]]


def of_mime(data: bytes) -> Found:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert message["X-Campaign"] == "Frühling"
    return [
        (
            str(part.get_filename()),
            part.get_content_type(),
            str(part["content-id"]).strip("<>") if part["content-id"] else None,
            part.get_payload(decode=True),  # type: ignore[misc]
        )
        for part in message.walk()
        if part.get_content_disposition()
    ]


def of_json(name: str, kind: str, id: str, body: str) -> Callable[[list[dict[str, str]]], Found]:
    def read(given: list[dict[str, str]]) -> Found:
        return [
            (
                each[name],
                each[kind],
                each[id].removeprefix("cid:") if each.get(id) else None,
                base64.b64decode(each[body]),
            )
            for each in given
        ]

    return read


POSTMARK = of_json("Name", "ContentType", "ContentID", "Content")
RESEND = of_json("filename", "content_type", "content_id", "content")
SENDGRID = of_json("filename", "type", "content_id", "content")


def headers_of(kind: str, mail: dict[str, Any]) -> dict[str, str]:
    if kind == "postmark":
        return {each["Name"]: each["Value"] for each in mail["Headers"]}
    return dict(mail["headers"])


def opened(kind: str, vendor: Any) -> Channel:
    return clouds.VENDORS[kind][1](vendor) if kind in clouds.VENDORS else apis.opened(kind, vendor)


def fake(kind: str) -> Any:
    return clouds.VENDORS[kind][0]() if kind in clouds.VENDORS else apis.VENDORS[kind]()


KINDS = [*apis.VENDORS, *clouds.VENDORS]


@pytest.mark.parametrize("kind", KINDS)
def test_files_arrive_as_they_were(kind: str) -> None:
    given = Message("key-1", "<1@shop.example>", "edith@shop.example", "ada@example.org", compose(LETTER))
    with fake(kind) as vendor:
        channel = opened(kind, vendor)
        assert channel.transmit(staged_all(channel, [given])[0]).fate is Fate.ACCEPTED
        channel.close()
    if kind in ("mailgun", "ses", "gmail"):
        assert vendor.arrived == [given.data], "what takes MIME gets ours, octet by octet"
        found = of_mime(vendor.arrived[0])
    else:
        (mail,) = vendor.mails
        attached = mail["Attachments" if kind == "postmark" else "attachments"]
        found = {"postmark": POSTMARK, "resend": RESEND, "sendgrid": SENDGRID}[kind](attached)
        assert headers_of(kind, mail)["X-Campaign"] == "Frühling"
    assert found == [(NAMES[0], "image/png", ID, PNG), (NAMES[1], "application/pdf", None, PDF)]


@pytest.mark.parametrize("kind", KINDS)
def test_letters_outside_ascii_before_the_at_are_refused_before_anything_is_asked(kind: str) -> None:
    data = compose(LETTER)
    given = Message("key-1", "<1@shop.example>", "edith@shop.example", "пример@example.org", data)
    with fake(kind) as vendor:
        channel = opened(kind, vendor)
        (answer,) = channel.stage([given])
        channel.close()
        assert vendor.arrived == []
    assert isinstance(answer, Refused) and answer.permanent and not answer.of_account
    assert "letters than a to z before the @" in answer.text
