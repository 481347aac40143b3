"""Messages: what goes in comes out, the same letter gives the same bytes, and no field breaks out."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from html import unescape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autoloop.mail.compose import CannotComposeError, Letter, clean, compose

URL = "https://mail.example.com/t/" + "a" * 150
LETTER = Letter(
    message_id="<0190c0de@example.com>",
    date=datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
    from_name="Ada, of Löwe & Co.",
    from_address="ada@example.com",
    to_name='Bob "B" Ünal',
    to_address="bob@bücher.example",
    reply_to="replies@example.com",
    subject="Grüße für Bob: " + "ein sehr langer Betreff " * 6,
    text="Hello\n.\n" + "long " * 400,
    html="<p>Hällo</p>" + "<b>x</b>" * 400,
    headers=[("List-Unsubscribe", f"<{URL}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")],
)
HEADERS = [
    *("Message-ID", "Date", "From", "To", "Reply-To", "Subject", "List-Unsubscribe", "List-Unsubscribe-Post"),
    *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
]


def parsed(data: bytes) -> EmailMessage:
    """As Python's own library reads it: the oracle."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def raw_header(data: bytes, name: str) -> str:
    return email.message_from_bytes(data)[name].replace("\r\n", "")


def decoded(value: str) -> str:
    """RFC 2047 as the older half of the library does it: the newer one of Python 3.11 keeps the space
    between two encoded words of a name."""
    return str(make_header(decode_header(value)))


def check_form(data: bytes) -> None:
    assert data.isascii()
    assert data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")
    assert max(map(len, data.split(b"\r\n"))) <= 998


def test_a_letter_reads_back_as_it_was_written() -> None:
    data = compose(LETTER)
    check_form(data)
    message = parsed(data)
    assert message["From"].addresses[0].display_name == LETTER.from_name
    assert message["To"].addresses[0].display_name == LETTER.to_name
    assert message["To"].addresses[0].addr_spec == "bob@xn--bcher-kva.example"
    assert message["Reply-To"] == "replies@example.com"
    assert message["Subject"] == LETTER.subject.strip()
    assert message.get_body(("plain",)).get_content().splitlines() == LETTER.text.splitlines()
    assert unescape(message.get_body(("html",)).get_content()).strip() == LETTER.html
    assert f"List-Unsubscribe: <{URL}>\r\n".encode() in data, "one-click needs the URL whole"


def test_the_same_letter_gives_the_same_bytes() -> None:
    assert compose(LETTER) == compose(LETTER)


hostile = st.text(max_size=200) | st.sampled_from(
    [
        *(
            "a\r\nBcc: x@y.z",
            "a\nSubject: b",
            "\x00",
            "a\u2028Bcc: x",
            "\r",
            "\ud800",
            "\u202egnp.exe",
            '"',
            "\\",
        ),
        *("=?utf-8?q?=0d=0aBcc:_x?=", "=?utf-8?q?=0d=0a=0d=0abody?=", "a" * 2000, "<x@y.z>", "x@y.z,", "(c)"),
    ]
)


@settings(max_examples=200, deadline=None)
@example("=?utf-8?q?=0d=0aBcc:_x?=", "=?utf-8?q?=0d=0aBcc:_x?=", "=?utf-8?q?=0d=0aBcc:_x?=", "", "")
@given(hostile, hostile, hostile, hostile, hostile)
def test_no_field_makes_a_header_of_its_own(name: str, to: str, subject: str, text: str, html: str) -> None:
    letter = replace(LETTER, from_name=name, to_name=to, subject=subject, text=text, html=html)
    for each in (letter, replace(letter, html=None)):
        data = compose(each)
        check_form(data)
        message = parsed(data)
        wanted = [header for header in HEADERS if each.html is None or header != "Content-Transfer-Encoding"]
        assert message.keys() == wanted
        assert message["From"].addresses[0].addr_spec == "ada@example.com"
        assert len(message["From"].addresses) == len(message["To"].addresses) == 1
        if "=?" not in name:
            assert decoded(parseaddr(raw_header(data, "From"))[0]) == clean(name, 150)
        if "=?" not in subject:
            assert decoded(raw_header(data, "Subject")) == clean(subject, 500)
        plain = message.get_body(("plain",)).get_content()
        assert lines_of(plain) == lines_of(text.encode("utf-8", "replace").decode().replace("\x00", ""))


def lines_of(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")


@pytest.mark.parametrize(
    "address",
    [
        "a@b.c\r\nBcc: x@y.z",
        "a@b.c, d@e.f",
        "<a@b.c>",
        "a b@c.d",
        "no-at",
        "@b.c",
        "ä\u202eb@b.c",
        "ä\u00a0b@b.c",
        "ä,b@b.c",
        "ä" * 33 + "@b.c",
        "a@b.c\x00",
        "a@(x)b.c",
    ],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    for field in ("from_address", "to_address", "reply_to"):
        with pytest.raises(CannotComposeError):
            compose(replace(LETTER, **{field: address}))


def test_our_own_headers_are_checked_too() -> None:
    for header in (("List-Id", "x\r\nBcc: y"), ("List Id", "x"), ("List-Id", "é"), ("X:", "y")):
        with pytest.raises(CannotComposeError):
            compose(replace(LETTER, headers=[header]))
