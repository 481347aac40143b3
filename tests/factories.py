"""Tenants and clients for tests: made through the same services as everything else."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from webtest import TestApp
from webtest.response import TestResponse

from autoloop.accounts.models import User
from autoloop.accounts.services import ApiKeys
from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.workspaces.models import Member, Workspace

__all__ = ["Client", "Tenant", "make_key", "make_tenant", "make_user"]


@dataclass(frozen=True)
class Tenant:
    """A workspace, its owner, and an API key of theirs with the scope write."""

    id: UUID
    slug: str
    user_id: UUID
    email: str
    key: str


def make_user(runtime: Runtime, name: str = "Test Person") -> tuple[UUID, str]:
    """A person without a password: hashing one takes longer than most tests."""
    email = f"{secrets.token_hex(6)}@people.example"
    with runtime.unit("web") as services:
        user = User(id=new_id(), email=email, name=name)
        services.session.add(user)
    return user.id, email


def make_tenant(runtime: Runtime, slug: str | None = None) -> Tenant:
    slug = slug or f"t{secrets.token_hex(6)}"
    user_id, email = make_user(runtime)
    with runtime.unit("web") as services:
        workspace = Workspace(
            id=new_id(), slug=slug, name=slug.title(), postal_address="1 Main Street, Springfield"
        )
        services.session.add(workspace)
        services.session.flush()
        services.session.add(Member(workspace_id=workspace.id, user_id=user_id, role="owner"))
    return Tenant(workspace.id, slug, user_id, email, make_key(runtime, workspace.id, user_id))


def make_key(runtime: Runtime, workspace_id: UUID, user_id: UUID, scope: str = "write") -> str:
    with runtime.unit("web", workspace_id) as services:
        services.user_id = user_id
        return services(ApiKeys).create("tests", [scope])[1]


class Client:
    """The JSON door of one workspace. Paths are below it: `get("contacts", q="ada")`.

    A status other than 2xx fails the test unless `status` says so; `data` is the answer's data.
    """

    def __init__(self, wsgi: object, slug: str, key: str | None) -> None:
        self.app = TestApp(wsgi, extra_environ={"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost"})
        self.slug, self.key = slug, key

    def url(self, path: str) -> str:
        if path.startswith("/"):
            return f"/api/v1{path}"
        return f"/api/v1/w/{self.slug}/{path}".rstrip("/")

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        status: int | None = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> TestResponse:
        sent = {"Accept": "application/json"} | (headers or {})
        if self.key:
            sent["Authorization"] = f"Bearer {self.key}"
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        url = self.url(path) + ("?" + urlencode(query, doseq=True) if query else "")
        response = self.app.request(url, method=method, body=raw, headers=sent, expect_errors=True)
        if status is None:
            assert response.status_int < 300, f"{method} {url}: {response.status}\n{response.text[:2000]}"
        else:
            assert response.status_int == status, (
                f"{method} {url}: {response.status}, not {status}\n{response.text[:2000]}"
            )
        return response

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        return self.call("POST", path, {} if body is None else body, **options)

    def put(self, path: str, body: Any, **options: Any) -> TestResponse:
        return self.call("PUT", path, body, **options)

    def patch(self, path: str, body: Any, **options: Any) -> TestResponse:
        return self.call("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.call("DELETE", path, **options)

    def data(self, path: str, **options: Any) -> Any:
        return self.get(path, **options).json["data"]
