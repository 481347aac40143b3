"""Looking among what was sent, by our own header; the Message-ID is no help, for Gmail writes its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx

from autoloop_plugins.email.gmail.oauth import Places

__all__ = ["MARK", "SentMail"]

MARK = "X-AutoLoop-Email"
PAGE = 50
MOST = 200
SECONDS = 15.0

Ask = Callable[[Callable[[str], httpx.Response]], httpx.Response]


class SentMail:
    """The last messages that were sent, newest first; each is looked at once."""

    def __init__(self, http: httpx.Client, places: Places, ask: Ask) -> None:
        self._http = http
        self._messages = f"{places.api}/gmail/v1/users/me/messages"
        self._ask = ask
        self._marks: dict[str, str] = {}

    def find(self, key: str) -> str | None:
        """Gmail's id of the message with that mark among the last 200. Raises httpx.HTTPError."""
        for id in self._ids():
            if id not in self._marks:
                self._marks[id] = self._mark(id)
            if self._marks[id] == key:
                return id
        return None

    def _ids(self) -> Iterator[str]:
        page: str | None = None
        for _ in range(MOST // PAGE):
            # No `q`: the scope that sees headers only may not search.
            asked = {"labelIds": "SENT", "maxResults": str(PAGE)} | ({"pageToken": page} if page else {})
            body = self._get(self._messages, asked)
            listed = body.get("messages")
            for each in listed if isinstance(listed, list) else ():
                if isinstance(each, dict) and isinstance(each.get("id"), str):
                    yield each["id"]
            page = body.get("nextPageToken")
            if not isinstance(page, str) or not page:
                return

    def _mark(self, id: str) -> str:
        body = self._get(f"{self._messages}/{id}", {"format": "metadata", "metadataHeaders": MARK})
        payload = body.get("payload")
        headers = payload.get("headers") if isinstance(payload, dict) else None
        for header in headers if isinstance(headers, list) else ():
            if isinstance(header, dict) and str(header.get("name", "")).lower() == MARK.lower():
                return str(header.get("value", "")).strip()
        return ""

    def _get(self, url: str, asked: Mapping[str, str]) -> dict[str, Any]:
        def send(token: str) -> httpx.Response:
            headers = {"Authorization": f"Bearer {token}"}
            return self._http.get(url, params=dict(asked), headers=headers, timeout=SECONDS)

        answer = self._ask(send).raise_for_status()
        try:
            body = answer.json()
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}
