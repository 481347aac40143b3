"""Sending through the Gmail API."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import httpx

from autoloop.plugins.email import Account, Fate, Message, ProviderServices, Refused, Reply, Staged
from autoloop_plugins.email.gmail.answers import of_answer
from autoloop_plugins.email.gmail.oauth import AccessTokens, NotGranted, Places
from autoloop_plugins.email.gmail.sent import SentMail
from autoloop_plugins.email.over_http import HttpChannel

__all__ = ["GmailChannel"]

SECONDS = 30.0
_tokens = AccessTokens()


class GmailChannel(HttpChannel):
    """One Gmail account. Access tokens are renewed while nothing can have been sent yet."""

    def __init__(self, account: Account, services: ProviderServices, places: Places) -> None:
        super().__init__(services)
        self._config = account.config
        self._places = places
        self._sent = SentMail(self.http, places, self._with_token)

    def stage(self, messages: Sequence[Message]) -> Sequence[Staged | Refused]:
        """An access token first: without one nothing is begun."""
        try:
            _tokens.get(self._places, self.http, self._config)
        except NotGranted as error:
            said = str(error)
            return [Refused(each, permanent=False, text=said, of_account=True) for each in messages]
        return super().stage(messages)

    def deliver(self, message: Message) -> Reply:
        def send(token: str) -> httpx.Response:
            return self.http.post(
                f"{self._places.api}/upload/gmail/v1/users/me/messages/send",
                params={"uploadType": "media"},
                content=message.data,
                headers={"Authorization": f"Bearer {token}", "Content-Type": "message/rfc822"},
                timeout=SECONDS,
            )

        try:
            return of_answer(self._with_token(send))
        except NotGranted as error:
            return Reply(Fate.TEMPORARY, 401, str(error), of_account=True)

    def look_up(self, key: str) -> Reply | None:
        """Accepted if a message of this key is among the last that were sent; else it cannot be told."""
        try:
            id = self._sent.find(key)
        except (httpx.HTTPError, httpx.InvalidURL, NotGranted):
            return None
        return Reply(Fate.ACCEPTED, text="Found among the sent messages", provider_id=id) if id else None

    def _with_token(self, send: Callable[[str], httpx.Response]) -> httpx.Response:
        """The answer; where Google no longer takes the token, that of one more try with a fresh one."""
        token = _tokens.get(self._places, self.http, self._config)
        answer = send(token)
        if answer.status_code != 401:
            return answer
        return send(_tokens.get(self._places, self.http, self._config, refused=token))
