"""What tests of tracked mail stand on: a template with links, a mail of it that arrived, and hands that follow them."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

from webtest import TestApp

from autoloop.embedded.smtp_sink import Sink
from tests.factories import Client
from tests.functional.mail_world import MailWorld, drain

SOURCE = """<html><body><p>Hello {{ contact.first_name }}</p>
<a href="https://shop.example/offers?a=1&amp;b=2">Offers</a>
<a href="https://shop.example/{{ contact.first_name }}/é?to={{ contact.email }}">Yours</a>
<a href="https://shop.example/quiet" data-no-track>Quiet</a>
<a href="mailto:us@shop.example">Write</a></body></html>"""
OFFERS = "https://shop.example/offers?a=1&b=2"


class Reader(HTMLParser):
    """The addresses of links and pictures, by the text of the link."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: dict[str, str] = {}
        self.pictures: list[str] = []
        self._href = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "a":
            self._href = known.get("href") or ""
        elif tag == "img":
            self.pictures.append(known.get("src") or "")

    def handle_data(self, data: str) -> None:
        if self._href and data.strip():
            self.links[data.strip()] = self._href.removeprefix("http://localhost")
            self._href = ""


CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"

PERSON = {"User-Agent": CHROME, "Accept-Language": "en"}

RECORDING = """update workspaces set settings = settings || '{"tracking": "marketing"}' where id = :w"""


def agreeing(world: MailWorld) -> UUID:
    """Ada, who agrees to everything."""
    return world.contact(
        "ada@example.org",
        first_name="Ada",
        locale="de",
        consent_marketing="granted",
        consent_tracking="granted",
    )


def published(api: Client, source: str = SOURCE) -> UUID:
    """A template version of this HTML."""
    given = {"name": "Offers", "kind": "html", "subject": "Hello", "source": source}
    return UUID(api.post("templates", given).json["data"]["version_id"])


def send(
    world: MailWorld, sink: Sink, version: UUID, contact: UUID, **more: Any
) -> tuple[UUID, EmailMessage]:
    """One mail to Ada, and what the server got."""
    context = {
        "contact": {"first_name": "Ada", "email": "ada@example.org"},
        "now": "2026-01-01T00:00:00+00:00",
    }
    given = {"kind": "marketing", "contact_id": contact, "to_address": "ada@example.org", "content": None}
    (id,) = world.intend(
        template_version_id=version, context=context, **{"is_tracked": True, **given, **more}
    )
    drain(world.runtime)
    data = next(mail.data for mail in sink.mails if str(id).encode() in mail.data)
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return id, message


def html_of(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def touch(app: TestApp, path: str, agent: str = CHROME, method: str = "GET", **headers: str) -> None:
    sent = {
        "User-Agent": agent,
        "Accept-Language": "en",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    app.request(path.removeprefix("http://localhost"), method=method, headers=sent)


def counted(world: MailWorld) -> list[tuple[int, int, int]]:
    rows = world.sql("select link, people, machines from email_touches where workspace_id = :w order by link")
    return [tuple(row) for row in rows]


def told(world: MailWorld) -> list[tuple[str, UUID | None, Any, Any]]:
    rows = world.sql(
        "select name, contact_id, data from events where workspace_id = :w and name like 'email.%' order by id"
    )
    return [(row.name, row.contact_id, row.data.get("link"), row.data["machine"]) for row in rows]
