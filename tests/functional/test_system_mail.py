"""Mail of the installation itself leaves where the settings say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from autoloop.base.runtime import Runtime
from autoloop.embedded.smtp_sink import Sink
from autoloop.mail.delivery import deliver
from autoloop.mail.services.system import send_system_mail, system_mail_leaves
from autoloop.settings import Settings, SettingsError

FATE = text("select status, hold_reason from email_logs where send_key = 'system:notification:' || :key")


def send(runtime: Runtime, key: str) -> tuple[Any, ...]:
    with runtime.unit("web") as services:
        send_system_mail(
            services, purpose="notification", key=key, to="ada@people.example", subject="Look", body="Look."
        )
    while deliver(runtime):
        pass
    with runtime.unit("worker") as services:
        return tuple(services.session.execute(FATE, {"key": key}).one())


def test_it_leaves_by_the_server_of_the_settings_and_follows_their_changes(
    runtime: Runtime, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def given(**changes: str) -> None:
        monkeypatch.setattr(runtime, "settings", replace(settings, **changes))

    with Sink() as one, Sink() as two:
        assert send(runtime, "1") == ("accepted", None)
        for key, sink in (("2", one), ("3", two)):
            server = f"smtp://127.0.0.1:{sink.port}?security=none"
            given(system_mail=server, system_mail_from="Acme <post@acme.example>")
            assert send(runtime, key) == ("accepted", None)
        assert [len(sink.mails) for sink in (one, two)] == [1, 1]
        assert b"From: Acme <post@acme.example>" in two.mails[0].data
        with runtime.unit("web") as services:
            assert system_mail_leaves(services)
        given()
        assert send(runtime, "4") == ("accepted", None)
        assert [len(sink.mails) for sink in (one, two)] == [1, 1], "back in the local mailbox"
        with runtime.unit("web") as services:
            assert not system_mail_leaves(services)


def test_a_server_that_cannot_be_used_harms_nobody_who_sends(
    runtime: Runtime, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_password = "smtp://ada:secret@mail.example.com?security=none"
    monkeypatch.setattr(runtime, "settings", replace(settings, system_mail=open_password))
    assert send(runtime, "5") == ("accepted", None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("system_mail", "mail.example.com"),
        ("system_mail", "http://a.example"),
        ("system_mail", "smtp://:587"),
        ("system_mail", "smtp://a.example:x"),
        ("system_mail_from", "AutoLoop"),
    ],
)
def test_what_is_no_server_is_refused_at_the_start(settings: Settings, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        replace(settings, **{name: value})
