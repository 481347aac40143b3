"""Unsubscribing, preferences, why, and one's own data: over HTTP, as recipients have it."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from uuid import UUID

import pytest
from webtest import TestApp

from autoloop.base.crypto import Keyring
from autoloop.base.runtime import Runtime
from autoloop.mail.delivery import mark as marking
from autoloop.mail.delivery.worker import Delivery
from autoloop.mail.links import PURPOSES
from tests.factories import Client, Tenant
from tests.functional.mail_world import MailWorld, drain
from tests.functional.recipients import ada, marketed, subscribed, token


@pytest.fixture
def world(runtime: Runtime, tenant: Tenant) -> MailWorld:
    return MailWorld(runtime, tenant)


@pytest.fixture
def app(wsgi: object) -> TestApp:
    return TestApp(wsgi, extra_environ={"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost"})


@pytest.fixture
def contact(world: MailWorld) -> UUID:
    return subscribed(world)


@pytest.fixture
def email(api: Client, world: MailWorld, contact: UUID) -> UUID:
    return marketed(api, world, contact)


def test_choices_are_kept_and_the_page_shows_them(app: TestApp, world: MailWorld, email: UUID) -> None:
    link = token(world, email)
    page = app.get(f"{link}/preferences")
    assert "Set-Cookie" not in page.headers
    assert page.headers["Referrer-Policy"] == "same-origin", (
        "where its links lead learns nothing of the token"
    )
    assert (page.forms[0]["topic.news"].checked, page.forms[0]["topic.tips"].checked) == (True, False)
    given = {"topic.tips": "true", "pace": "7", "language": "de", "pause": "true"}
    page = app.post(f"{link}/preferences", given).follow()
    assert '<html lang="de" dir="ltr"' in page
    kept = ada(world, "topics, mail_pace_days, locale, mail_paused_until > now() + interval '29 days'")
    assert kept == (["tips"], 7, "de", True)
    app.post(f"{link}/preferences", {"pace": "0", "language": "en"})
    assert ada(world, "topics, mail_pace_days, mail_paused_until") == ([], 0, None)


@pytest.mark.parametrize(
    "given",
    [{"topic.secret": "true"}, {"pace": "1"}, {"language": "xx"}, {"status": "active"}, {"pace": "9" * 5000}],
)
def test_choices_that_do_not_exist_change_nothing(
    app: TestApp, world: MailWorld, email: UUID, given: dict[str, str]
) -> None:
    before = ada(world, "topics, mail_pace_days, locale, status")
    app.post(f"{token(world, email)}/preferences", given, status=422)
    assert ada(world, "topics, mail_pace_days, locale, status") == before


def test_pace_and_pause_hold_marketing_mail_and_nothing_else(
    app: TestApp, world: MailWorld, email: UUID, contact: UUID
) -> None:
    link = token(world, email)
    app.post(f"{link}/preferences", {"pace": "7"})
    to = {"contact_id": contact, "to_address": "ada@example.org"}
    held = world.intend(kind="marketing", **to)
    receipt = world.intend(kind="transactional", **to)
    drain(world.runtime)
    assert [(row.status, row.hold_reason) for row in world.rows(*held, *receipt)] == [
        ("intent", "pace"),
        ("accepted", None),
    ]
    app.post(f"{link}/preferences", {"pace": "0", "pause": "true"})
    drain(world.runtime)
    assert [row.hold_reason for row in world.rows(*held)] == ["paused_by_contact"]
    app.post(f"{link}/preferences", {"pace": "0"})
    drain(world.runtime)
    assert [row.status for row in world.rows(*held)] == ["accepted"], "taken back, it goes at once"


def test_of_two_mails_at_once_only_one_keeps_to_the_pace(world: MailWorld, contact: UUID) -> None:
    world.sql("update business_contacts set mail_pace_days = 7 where workspace_id = :w")
    world.intend(2, kind="marketing", contact_id=contact, to_address="ada@example.org")
    drain(world.runtime)
    assert sorted(row.status for row in world.rows()) == ["accepted", "intent"]


def test_mail_that_is_composed_already_is_stopped_at_the_mark(
    app: TestApp, world: MailWorld, email: UUID, contact: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The click comes after the mail was claimed, judged and staged; the mark judges it again."""
    waiting = world.intend(kind="marketing", contact_id=contact, to_address="ada@example.org")
    real, clicked = marking.decide, []

    def click_first(*given: object, **more: object) -> object:
        if not clicked:
            clicked.append(app.post(token(world, email, "unsubscribe"), {"List-Unsubscribe": "One-Click"}))
        return real(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(marking, "decide", click_first)
    while Delivery(world.runtime).work():
        pass
    assert clicked[0].status_int == 200
    assert [(row.status, row.reason) for row in world.rows(*waiting)] == [
        ("skipped", "Suppressed: unsubscribed")
    ]


def test_looking_changes_nothing(app: TestApp, world: MailWorld, email: UUID) -> None:
    before = ada(world, "to_jsonb(business_contacts)")
    for purpose in PURPOSES:
        link = token(world, email, purpose)
        for path in (
            link,
            f"{link}/preferences",
            f"{link}/why",
            f"{link}/leave",
            f"{link}/export",
            f"{link}/erase",
        ):
            for headers in ({}, {"Sec-Purpose": "prefetch"}):
                app.get(path, headers=headers, expect_errors=True)
            app.head(path, expect_errors=True)
    assert ada(world, "to_jsonb(business_contacts)") == before
    assert world.sql("select count(*) from suppressions where workspace_id = :w") == [(0,)]


def test_a_token_is_good_for_its_purpose_only(app: TestApp, world: MailWorld, email: UUID) -> None:
    for purpose in ("unsubscribe", "export", "erase"):
        for view in ("preferences", "why", "leave", "return"):
            app.post(f"{token(world, email, purpose)}/{view}", expect_errors=True, status=404)
    app.post(f"{token(world, email, 'unsubscribe')}/erase", status=404)
    good = token(world, email)
    sign = Keyring(world.runtime.settings.secret_keys).sign
    for bad in (
        good[:-1], good[:-6] + "AAAAAA", good + "A" * 10_000, "/t/" + "x" * 10_000, good.replace(".", ""),
        "/t/" + sign("other", "0" * 64), "/t/%F0%9F%92%A9" + good[4:],
    ):  # fmt: skip
        for view in ("", "/preferences", "/why", "/erase"):
            assert app.get(bad + view, expect_errors=True).status_int == 404, bad[:40]
            assert app.post(bad + view, expect_errors=True).status_int == 404, bad[:40]


def test_leaving_and_coming_back(app: TestApp, world: MailWorld, email: UUID) -> None:
    link = token(world, email)
    page = app.post(f"{link}/leave").follow()
    assert "You are unsubscribed from all marketing mail." in page
    app.post(f"{link}/return")
    assert world.sql("select count(*) from suppressions where workspace_id = :w") == [(0,)]
    assert ada(world, "status, consent_marketing, consent_source") == ("active", "granted", "form")


def test_why_says_who_what_and_on_whose_word(app: TestApp, world: MailWorld, contact: UUID) -> None:
    workflow, run = world.run(contact, trigger="form")
    (id,) = world.intend(
        kind="marketing", contact_id=contact, to_address="ada@example.org", workflow_id=workflow
    )
    drain(world.runtime)
    world.sql("update email_logs set run_id = :run where workspace_id = :w", run=run)
    page = app.get(f"{token(world, id)}/why")
    for words in (
        "Ada",
        "Outreach",
        "you filled in a form",
        "You agreed to marketing mail.",
        "on a form",
        "1 Main",
    ):
        assert words in page, words


def test_a_merge_subscribes_nobody_again_to_what_they_left(
    app: TestApp, api: Client, world: MailWorld, email: UUID, contact: UUID
) -> None:
    app.post(f"{token(world, email)}/preferences", {"topic.tips": "true"})
    other = api.post("contacts", {"email": "ada@home.example", "topics": ["news", "tips"]}).json["data"]["id"]
    merged = api.post(f"contacts/{contact}/merge", {"other": other}).json["data"]
    assert merged["topics"] == ["tips"], "news was left, whatever the other one says"


@pytest.mark.parametrize(
    ("locale", "accepted", "language", "words"),
    [
        ("hi-IN", "de", "hi", "सदस्यता छोड़ें"),
        ("", "fr-CA, en;q=0.5", "fr", "Se désinscrire"),
        ("ja", "ja", "es", "Darse de baja"),
    ],
)
def test_pages_speak_the_recipients_language(
    app: TestApp, world: MailWorld, email: UUID, locale: str, accepted: str, language: str, words: str
) -> None:
    """The contact's language, else the browser's, else the workspace's."""
    world.sql("update business_contacts set locale = :l where workspace_id = :w", l=locale)
    world.sql("update workspaces set locale = 'es' where id = :w")
    for purpose, view in (("unsubscribe", ""), ("preferences", "/preferences")):
        page = app.get(token(world, email, purpose) + view, headers={"Accept-Language": accepted})
        assert f'<html lang="{language}" dir="ltr"' in page
        assert words in page
    (id,) = world.intend(
        kind="marketing", contact_id=world.rows(email)[0].contact_id, to_address="ada@example.org"
    )
    drain(world.runtime)
    if locale == "hi-IN":
        ((raw,),) = world.sql("select raw from mailbox_messages where key = :k", k=str(id))
        body = message_from_bytes(bytes(raw), policy=default).get_body(("plain",))
        assert body and words in body.get_content()
