"""Our messages beside those of `email.message`: the same people, headers, bodies and files, in the same order."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from html import unescape
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoloop.mail.compose import Letter, clean, compose
from autoloop.mail.enclosures import Enclosed, encoded
from tests.unit.mail.test_compose import decoded, raw_header

SAFE = st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp", "Mn", "Me"))
# What `email` itself gets wrong in Python 3.11: words that look encoded, and white space at the ends.
LINE = st.text(SAFE, max_size=120).map(lambda text: clean(text.replace("=?", "=="), 120))
TEXT = st.text(SAFE | st.just("\n"), max_size=1500)
NAME = st.text(SAFE, min_size=1, max_size=140).map(lambda text: clean(text.replace("/", "_"), 140) or "x")
KINDS = st.sampled_from(
    ["application/pdf", "text/csv", "image/png", "application/octet-stream", "text/plain"]
)
FILES = st.lists(st.tuples(NAME, KINDS, st.binary(max_size=400)), max_size=3)
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def oracle(letter: Letter, beside: list[Any], shown: list[Any]) -> EmailMessage:
    """The same message as the library makes it."""
    made = EmailMessage(policy=email.policy.SMTP)
    made["From"] = Address(letter.from_name, addr_spec=letter.from_address)
    made["To"] = Address(letter.to_name, addr_spec=letter.to_address)
    made["Subject"] = letter.subject
    made.set_content(letter.text)
    if letter.html is not None:
        made.add_alternative(letter.html, subtype="html")
        html = made.get_body(("html",))
        for number, (name, kind, body) in enumerate(shown):
            main, sub = kind.split("/")
            html.add_related(
                body, main, sub, filename=name, cid=f"<{number}.a@autoloop>", disposition="inline"
            )
    for name, kind, body in beside:
        made.add_attachment(body, *kind.split("/"), filename=name)
    return made


def outline(message: EmailMessage) -> list[tuple[Any, ...]]:
    """Every part: what it is, how it is called, and what it holds."""
    found: list[tuple[Any, ...]] = []
    for part in message.walk():
        kind, place = part.get_content_type(), part.get_content_disposition()
        if part.is_multipart():
            found.append((kind,))
        elif place:
            octets = part.get_payload(decode=True)
            found.append((kind, place, part.get_filename(), str(part["content-id"] or ""), octets))
        else:
            text = part.get_content()
            lines = (unescape(text) if kind == "text/html" else text).replace("\r\n", "\n")
            found.append((kind, lines.rstrip("\n")))
    return found


@settings(max_examples=150, deadline=None)
@given(LINE, LINE, LINE, TEXT, st.none() | TEXT, FILES, FILES)
def test_a_message_reads_like_the_librarys_own(
    sender: str, to: str, subject: str, text: str, html: str | None, beside: list[Any], shown: list[Any]
) -> None:
    if html is None:
        shown = []
    # The library stores what the text says; references and line ends apart, so do we.
    html = html if html is None else html.replace("&", "+")
    letter = Letter(
        message_id="<0190c0de@example.com>",
        date=AT,
        from_name=sender,
        from_address="ada@example.com",
        to_name=to,
        to_address="bob@example.org",
        subject=subject,
        text=text,
        html=html,
        files=Enclosed(
            [
                encoded(name, kind, body, f"{number}.a@autoloop")
                for number, (name, kind, body) in enumerate(shown)
            ],
            [encoded(*each) for each in beside],
        ),
    )
    data, wanted = compose(letter), oracle(letter, beside, shown)
    ours = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(ours, EmailMessage)
    assert not any(part.defects for part in ours.walk())
    assert outline(ours) == outline(wanted)
    assert decoded(raw_header(data, "Subject")) == str(wanted["Subject"])
    for header in ("From", "To"):
        (mine,), (other,) = ours[header].addresses, wanted[header].addresses
        assert mine.addr_spec == other.addr_spec
        assert (
            decoded(raw_header(data, header).rpartition(" <")[0].strip('"'))
            .replace('\\"', '"')
            .replace("\\\\", "\\")
            == other.display_name
        )
    assert data.isascii() and data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")
    assert max(map(len, data.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("files", [None, Enclosed()])
def test_without_files_nothing_is_wrapped(files: Enclosed | None) -> None:
    letter = Letter("<a@b.c>", AT, "", "a@b.c", "", "d@e.f", "Hi", "Hi", "<p>Hi</p>", files=files)
    message = email.message_from_bytes(compose(letter), policy=email.policy.default)
    assert [part.get_content_type() for part in message.walk()] == [
        *("multipart/alternative", "text/plain", "text/html")
    ]
