"""Sending through SendGrid's v3 API."""

from __future__ import annotations

from autoloop.plugins.email import Account, Fate, Message, ProviderServices, Reply
from autoloop_plugins.email.over_http import HttpChannel
from autoloop_plugins.email.reading import CannotSayError
from autoloop_plugins.email.sendgrid.answers import of_answer
from autoloop_plugins.email.sendgrid.letter import mail_of

__all__ = ["SendgridChannel"]

SECONDS = 30.0


class SendgridChannel(HttpChannel):
    """One account of SendGrid."""

    def __init__(self, account: Account, services: ProviderServices, host: str) -> None:
        super().__init__(services)
        self._address = f"{host}/v3/mail/send"
        self._headers = {"Authorization": f"Bearer {account.config['api_key']}"}

    def deliver(self, message: Message) -> Reply:
        try:
            mail = mail_of(message)
        except (CannotSayError, LookupError) as error:  # LookupError: a charset that nobody knows
            return Reply(Fate.PERMANENT, text=str(error))
        return of_answer(self.http.post(self._address, json=mail, headers=self._headers, timeout=SECONDS))
