"""The public JSON API of the demo's workspace, as any program would use it."""

from __future__ import annotations

from typing import Any, Self

import httpx

__all__ = ["Door", "RefusedError"]


class RefusedError(RuntimeError):
    """The API answered with an error; the message is the API's own."""


class Door:
    """`door.post("templates", {...})` gives the answer's data. Paths are below the workspace."""

    def __init__(self, url: str, slug: str, key: str) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._client = httpx.Client(
            base_url=f"{url}/api/v1/w/{slug}/", headers=headers, timeout=60, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **query: Any) -> Any:
        """The data of an answer. Raises RefusedError."""
        return self._data(self._client.get(path, params=query))

    def post(self, path: str, body: Any = None) -> Any:
        """Send JSON. Raises RefusedError."""
        return self._data(self._client.post(path, json={} if body is None else body))

    def upload(self, path: str, name: str, content: bytes, kind: str) -> Any:
        """Send a file as the body. Raises RefusedError."""
        response = self._client.post(
            path, params={"file_name": name}, content=content, headers={"Content-Type": kind}
        )
        return self._data(response)

    def click(self, link: str) -> None:
        """What a mail program does for a one-click List-Unsubscribe (RFC 8058): no key, no cookie."""
        given = {"List-Unsubscribe": "One-Click"}
        response = httpx.post(link, data=given, timeout=60, trust_env=False)
        if response.status_code != 200:
            raise RefusedError(f"POST {link}: {response.status_code}")

    def _data(self, response: httpx.Response) -> Any:
        if response.is_success:
            return response.json()["data"]
        try:
            said = response.json()
            why = f"{said['error']} {said.get('details') or ''}".strip()
        except (ValueError, KeyError, TypeError):
            why = response.text[:500]
        raise RefusedError(f"{response.request.method} {response.request.url}: {response.status_code} {why}")
