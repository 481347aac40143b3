"""Mailgun, Postmark and Resend as tests have them: plugins that talk to a stand-in, and accounts of these."""

from __future__ import annotations

from uuid import uuid4

from autoloop.plugins.email import Account, EmailProvider
from autoloop.plugins.forms import read_config
from autoloop_plugins.email.mailgun import MailgunProvider
from autoloop_plugins.email.postmark import PostmarkProvider
from autoloop_plugins.email.resend import ResendProvider
from tests.vendors import json_apis as fakes

__all__ = ["KINDS", "account", "provider"]

CONFIGS: dict[str, dict[str, str]] = {
    "mailgun": {"api_key": fakes.KEY, "domain": "mg.example.com", "webhook_signing_key": fakes.SIGNING_KEY},
    "postmark": {"server_token": fakes.KEY, "webhook_password": fakes.PASSWORD},
    "resend": {"api_key": fakes.KEY, "webhook_secret": fakes.SVIX},
}


def provider(kind: str, url: str = "") -> EmailProvider:
    class Mailgun(MailgunProvider):
        hosts = {"us": url, "eu": url}

    class Postmark(PostmarkProvider):
        host = url

    class Resend(ResendProvider):
        host = url

    return {"mailgun": Mailgun, "postmark": Postmark, "resend": Resend}[kind]()


def account(kind: str, **other: str) -> Account:
    return Account(uuid4(), uuid4(), "test", read_config(provider(kind), CONFIGS[kind] | other))


KINDS = tuple(CONFIGS)
