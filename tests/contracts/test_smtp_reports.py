"""Bounces that a mail server posts: only with the account's token, and each report the same again."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from autoloop.plugins.email import Account
from autoloop.plugins.forms import read_config
from autoloop.plugins.testing.email import EventsContract, Webhook
from autoloop_plugins.email.smtp import SmtpProvider
from tests.vendors.json_apis import basic
from tests.vendors.reports import report

TOKEN = "a token of both"


def account(**config: Any) -> Account:
    given = read_config(SmtpProvider(), {"host": "mail.example.org", **config})
    return Account(uuid4(), uuid4(), "test", given)


@pytest.fixture(params=["bearer", "basic"])
def webhook(request: pytest.FixtureRequest) -> Webhook:
    def signed(token: str) -> tuple[dict[str, str], bytes]:
        proof = f"Bearer {token}" if request.param == "bearer" else basic("any", token)
        return {"Authorization": proof}, report(
            f"<{uuid4()}@acme.example>" if token != TOKEN else "<k@acme.example>"
        )

    return Webhook(
        SmtpProvider(),
        account(report_token=TOKEN),
        account(),
        call=lambda: signed(TOKEN),
        forged=lambda: signed("another token"),
    )


class TestReports(EventsContract):
    """They keep what every provider with a webhook promises."""
