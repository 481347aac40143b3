"""Tracked mail as it arrives at a real SMTP server, and where its links lead."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from uuid import UUID

import pytest
from webtest import TestApp

from autoloop.base.runtime import Runtime
from autoloop.embedded.smtp_sink import Sink
from autoloop.mail.links import Links
from autoloop.mail.preview import rendered
from autoloop.mail.tracking.tokens import packed
from tests.factories import Client, Tenant
from tests.functional.mail_world import MailWorld
from tests.functional.tracking_world import (
    OFFERS,
    Reader,
    agreeing,
    html_of,
    published,
    send,
)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant, sink: Sink) -> MailWorld:
    return MailWorld(runtime, tenant, sink.port)


@pytest.fixture
def contact(world: MailWorld) -> UUID:
    return agreeing(world)


@pytest.fixture
def version(world: MailWorld, api: Client) -> UUID:
    return published(api)


def test_links_lead_where_they_say_and_nowhere_else(
    app: TestApp, world: MailWorld, sink: Sink, version: UUID, contact: UUID
) -> None:
    id, message = send(world, sink, version, contact)
    read = Reader(html_of(message))
    assert read.links["Quiet"] == "https://shop.example/quiet"
    assert read.links["Write"] == "mailto:us@shop.example"
    assert "." in read.links["Abmelden"], "the way out is not tracked"
    leads = {
        "Offers": OFFERS,
        "Yours": "https://shop.example/Ada/%C3%A9?to=ada@example.org",
    }
    for name, target in leads.items():
        for method in ("GET", "HEAD"):
            answer = app.request(read.links[name], method=method)
            assert (answer.status_int, answer.headers["Location"]) == (302, target)
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["Cache-Control"] == "no-store"
            assert "Set-Cookie" not in answer.headers
    text = message.get_body(("plain",))
    assert text is not None
    assert OFFERS in text.get_content()
    assert "/t/" not in text.get_content().split("-- ")[0]
    (row,) = world.rows(id)
    with world.runtime.unit("web", world.tenant.id) as services:
        again = rendered(services, id)
        assert again is not None
        assert again.body_hash == row.body_hash == hashlib.sha256(again.message.data).digest()


def test_the_picture_is_never_kept(
    app: TestApp, world: MailWorld, sink: Sink, version: UUID, contact: UUID
) -> None:
    _, message = send(world, sink, version, contact)
    (picture,) = Reader(html_of(message)).pictures
    answer = app.get(picture.removeprefix("http://localhost"))
    assert (answer.content_type, answer.body[:6]) == ("image/gif", b"GIF89a")
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Set-Cookie" not in answer.headers


def test_mail_that_is_not_tracked_is_as_it_was_written(
    world: MailWorld, sink: Sink, version: UUID, contact: UUID
) -> None:
    _, message = send(world, sink, version, contact, is_tracked=False)
    read = Reader(html_of(message))
    assert (read.links["Offers"], read.pictures) == (OFFERS, [])


def test_bad_links_show_a_page_and_lead_nowhere(
    app: TestApp, world: MailWorld, sink: Sink, version: UUID, contact: UUID
) -> None:
    id, message = send(world, sink, version, contact)
    link = Reader(html_of(message)).links["Offers"]
    tokens = Links("", world.runtime.settings.secret_keys).tokens
    other = UUID(int=5)
    bad = [
        tokens.urls(other, id, [packed((1, 0))])[0],  # another workspace's
        tokens.urls(world.tenant.id, other, [packed((1, 0))])[0],  # of an email that does not exist
        link[:-1],
        link[:-1] + ("A" if link[-1] != "A" else "B"),
        link.swapcase().replace("/T/", "/t/"),
        link + "x",
        "/t/" + "A" * 10_000,
        "/t/" + "%00" * 24,
        "/t/https%3A%2F%2Fevil.example",
        "/t/%C3%A9",
    ]
    for path in bad:
        answer = app.get(path, status=404, headers={"Accept-Language": "fr"})
        assert "Location" not in answer.headers
        assert 'lang="fr"' in answer
    app.post(link, status=404)
    (no_such_link,) = tokens.urls(world.tenant.id, id, [packed((77, 0))])
    assert 'lang="de"' in app.get(no_such_link, status=404), "the recipient's language"
    world.sql("update email_logs set to_address = '', context = '{}' where workspace_id = :w")
    assert "Location" not in app.get(link, status=404).headers, "erased"
