"""A person at a browser: signs in, keeps cookies, sends CSRF tokens. For tests over HTTP."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from webtest import TestApp
from webtest.response import TestResponse

from autoloop.accounts.services import Sessions
from autoloop.base.runtime import Runtime

__all__ = ["Browser"]


class Browser:
    """`api` speaks JSON with the session's cookies and token, `get` and `post` are the pages."""

    def __init__(self, wsgi: Any, runtime: Runtime, user_id: UUID | None = None) -> None:
        self.app = TestApp(wsgi, extra_environ={"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost"})
        if user_id is not None:
            with runtime.unit("web") as services:
                tokens = services(Sessions).start(user_id, method="test")
            self.app.set_cookie("access", tokens.access)
            self.app.set_cookie("refresh", tokens.refresh)

    @property
    def cookies(self) -> dict[str, str]:
        return {name: value.strip('"') for name, value in self.app.cookies.items()}

    def token(self) -> str:
        """A CSRF token for what this browser is now."""
        return str(self.app.get("/api/v1/auth").json["data"]["csrf_token"])

    def api(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> TestResponse:
        sent = {"Content-Type": "application/json"} | (headers or {})
        if method not in ("GET", "HEAD") and "Authorization" not in sent:
            sent["X-CSRF-Token"] = self.token()
        raw = b"" if body is None else json.dumps(body).encode()
        return self.app.request(f"/api/v1{path}", method=method, body=raw, headers=sent, expect_errors=True)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.app.get(path, expect_errors=True, **options)

    def post(self, path: str, **fields: Any) -> TestResponse:
        return self.app.post(path, {"csrf_token": self.token(), **fields}, expect_errors=True)
