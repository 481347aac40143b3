"""Credentials: kept sealed, never shown, granted to the step that names them, missed by name."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from autoloop.base.runtime import Runtime
from autoloop.workspaces.credentials.granting import opened
from autoloop.workspaces.credentials.services import Credentials
from autoloop.workspaces.models import Member
from tests.factories import Client, Tenant, make_key, make_tenant, make_user
from tests.functional.browser import Browser
from tests.functional.engine_world import World
from tests.unit.engine.graphs import graph

SECRET = "sk-live-0123456789abcdef"
BEARER = {"name": "Shop", "kind": "bearer", "data": {"token": SECRET}}


@pytest.fixture
def owner(wsgi: object, runtime: Runtime, tenant: Tenant) -> Browser:
    return Browser(wsgi, runtime, tenant.user_id)


def place(tenant: Tenant, rest: str = "") -> str:
    return f"/w/{tenant.slug}/credentials{rest}"


def create(owner: Browser, tenant: Tenant, **given: Any) -> dict[str, Any]:
    answer = owner.api("POST", place(tenant), BEARER | given)
    assert answer.status_int == 201, answer.text
    return answer.json["data"]


def test_a_secret_goes_in_and_never_comes_out(owner: Browser, tenant: Tenant, runtime: Runtime) -> None:
    made = create(owner, tenant)
    basic = {"name": "ERP", "kind": "basic", "data": {"username": "ada", "password": SECRET}}
    other = owner.api("POST", place(tenant), basic).json["data"]
    assert other["config"] == {"username": "ada"} and made["config"] == {}
    seen = [
        owner.api("GET", place(tenant)).text,
        owner.api("GET", place(tenant, f"/{made['id']}")).text,
        owner.get(place(tenant)).text,
        owner.get(place(tenant, f"/{made['id']}")).text,
        owner.get(place(tenant, f"/{other['id']}")).text,
        owner.api("GET", f"/w/{tenant.slug}/audit").text,
    ]
    assert not any(SECRET in page for page in seen)
    assert "credential.created" in seen[-1]
    with runtime.unit("worker") as services:
        rows = services.session.execute(text("select secrets from credentials")).scalars().all()
        assert all(SECRET.encode() not in bytes(row) for row in rows)
        key = (tenant.id, UUID(made["id"]))
        assert opened(services, [key]) == {key: {"kind": "bearer", "token": SECRET}}
    assert owner.api("GET", place(tenant, f"/{made['id']}")).json["data"]["last_used_at"]


def test_a_secret_is_sealed_for_its_own_row(owner: Browser, tenant: Tenant, runtime: Runtime) -> None:
    made, other = create(owner, tenant), create(owner, tenant, name="Other", data={"token": "another-token"})
    with runtime.unit("worker") as services:
        move = (
            "update credentials set secrets = (select secrets from credentials where id = :a) where id = :b"
        )
        services.session.execute(text(move), {"a": made["id"], "b": other["id"]})
        keys = [(tenant.id, UUID(each["id"])) for each in (made, other)]
        assert set(opened(services, keys)) == {keys[0]}


def test_changing_keeps_what_is_left_out(owner: Browser, tenant: Tenant, runtime: Runtime) -> None:
    given = {"name": "ERP", "kind": "basic", "data": {"username": "ada", "password": SECRET}}
    made = owner.api("POST", place(tenant), given).json["data"]
    at = place(tenant, f"/{made['id']}")
    changed = owner.api("PATCH", at, {"name": "Books", "data": {"username": "bob"}}).json["data"]
    assert (changed["name"], changed["config"]) == ("Books", {"username": "bob"})
    key = (tenant.id, UUID(made["id"]))
    with runtime.unit("worker") as services:
        assert opened(services, [key])[key]["password"] == SECRET
    page = owner.get(at).forms["credential"]
    page["data.username"], page["data.password"] = "cem", "new-password"
    assert page.submit().status_int == 303
    with runtime.unit("worker") as services:
        assert opened(services, [key])[key] == {
            "kind": "basic",
            "username": "cem",
            "password": "new-password",
        }


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"kind": "magic"}, "kind"),
        ({"data": {}}, "data.token"),
        ({"data": {"token": "a\nb"}}, "data.token"),
        ({"data": {"token": "x", "more": 1}}, "data"),
        ({"data": {"token": "x" * 5000}}, "data.token"),
        ({"kind": "header", "data": {"header": "Host", "value": "x"}}, "data.header"),
        ({"kind": "header", "data": {"header": "X Y", "value": "x"}}, "data.header"),
        ({"kind": "signing", "data": {"secret": "whsec_short"}}, "data.secret"),
        ({"kind": "signing", "data": {"secret": base64.b64encode(b"k" * 32).decode()}}, "data.secret"),
        (
            {"kind": "whatsapp", "data": {"phone_number_id": "+49", "access_token": "x"}},
            "data.phone_number_id",
        ),
        ({"kind": "generic", "data": {"data": {"a": 1}}}, "data.data"),
        ({"name": ""}, "name"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    owner: Browser, tenant: Tenant, given: dict[str, Any], where: str
) -> None:
    answer = owner.api("POST", place(tenant), BEARER | given)
    assert answer.status_int == 400 and where in str(answer.json["details"]), answer.text


def test_only_admins_change_them_and_no_key_does(
    wsgi: object, runtime: Runtime, tenant: Tenant, owner: Browser
) -> None:
    made = create(owner, tenant)
    user, _ = make_user(runtime)
    with runtime.unit("web") as services:
        services.session.add(Member(workspace_id=tenant.id, user_id=user, role="editor"))
    editor = Browser(wsgi, runtime, user)
    assert [each["name"] for each in editor.api("GET", place(tenant)).json["data"]] == ["Shop"]
    assert editor.api("POST", place(tenant), BEARER | {"name": "X"}).status_int == 403
    assert editor.api("DELETE", place(tenant, f"/{made['id']}")).status_int == 403
    assert editor.get(place(tenant)).status_int == 403
    key = make_key(runtime, tenant.id, tenant.user_id)
    Client(wsgi, tenant.slug, key).post("credentials", BEARER | {"name": "X"}, status=403)
    stranger = make_tenant(runtime)
    theirs = Client(wsgi, stranger.slug, stranger.key)
    theirs.get(f"credentials/{made['id']}", status=404)
    assert owner.api("POST", place(tenant), BEARER).status_int == 409


def test_a_backslash_is_not_a_nul(owner: Browser, tenant: Tenant) -> None:
    create(owner, tenant, name="Typed", kind="generic", data={"data": {"pattern": "\\u0000"}})


def test_two_who_take_one_name_at_once(
    owner: Browser, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(owner, tenant, name="Once")
    monkeypatch.setattr(Credentials, "_check_name", lambda *_: None)  # both looked before either wrote
    late = owner.api("POST", place(tenant), BEARER | {"name": "Once"})
    assert (late.status_int, late.json["code"]) == (409, "CHANGED_MEANWHILE")
    page = owner.post(place(tenant), **{"name": "Once", "kind": "bearer", "data.token": "x"})
    assert page.status_int == 409


def test_one_that_no_key_opens_is_given_anew(owner: Browser, tenant: Tenant, runtime: Runtime) -> None:
    made = create(owner, tenant, name="Lost", kind="basic", data={"username": "ada", "password": SECRET})
    with runtime.unit("web", tenant.id) as services:
        services.session.execute(text("update credentials set secrets = set_byte(secrets, 40, 0)"))
        services.session.execute(text("update credentials set secrets = set_byte(secrets, 41, 0)"))
    at = place(tenant, f"/{made['id']}")
    assert "data.password" in owner.api("PATCH", at, {"data": {"username": "bo"}}).json["details"]
    assert owner.api("PATCH", at, {"data": {"password": "new"}}).status_int == 200
    with runtime.unit("worker") as services:
        (data,) = opened(services, [(tenant.id, UUID(made["id"]))]).values()
    assert (data["username"], data["password"]) == ("ada", "new")


def test_removed_meanwhile(owner: Browser, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    made = create(owner, tenant, name="Gone")
    row = Credentials.find
    shown: list[Any] = []

    def remember(self: Credentials, id: UUID) -> Any:
        shown[:] = shown or [row(self, id)]
        return shown[0]

    monkeypatch.setattr(Credentials, "find", remember)
    at = place(tenant, f"/{made['id']}")
    assert owner.api("DELETE", at).status_int == 204
    assert owner.post(f"{at}/remove").status_int == 404
    assert owner.api("PATCH", at, {"name": "Else"}).status_int == 404


def test_pages_keep_one_and_say_what_is_wrong(owner: Browser, tenant: Tenant) -> None:
    page = owner.get(place(tenant) + "?kind=signing")
    form = page.forms["new-credential"]
    form["name"], form["data.secret"] = "Hooks", "nonsense"
    again = form.submit(expect_errors=True)
    assert again.status_int == 422 and "whsec_" in again.text and "nonsense" not in again.text
    form = again.forms["new-credential"]
    form["data.secret"] = "whsec_" + base64.b64encode(b"k" * 32).decode()
    assert form.submit().status_int == 303
    assert "Hooks" in owner.get(place(tenant)).text


class Shop(BaseHTTPRequestHandler):
    got: list[tuple[str, Any]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.got.append((self.headers["Authorization"], body))
        raw = b'{"order": 17}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def shop() -> Iterator[str]:
    Shop.got.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/orders"
    server.shutdown()
    server.server_close()


def test_a_workflow_uses_it_and_would_miss_it(
    owner: Browser, api: Client, tenant: Tenant, runtime: Runtime, shop: str
) -> None:
    made = create(owner, tenant)
    steps = graph(
        (
            "order",
            "http_request",
            {
                "method": "POST",
                "url": shop,
                "credential_id": made["id"],
                "body_type": "json",
                "body": {"who": "{{ contact.first_name }}"},
            },
        ),
        ("tag", "add_tag", {"tag": "ordered"}),
        edges="order:ok>tag",
    )
    flow = api.post("workflows", {"name": "Orders", "graph": steps}).json["data"]["id"]
    api.post(f"workflows/{flow}/publish")
    world = World(runtime, tenant.id)
    (ada,) = world.contacts(1, first_name="Ada")
    (run,) = world.enrol(UUID(flow), [ada]).started
    world.settle()
    assert Shop.got == [(f"Bearer {SECRET}", {"who": "Ada"})]
    assert world.run(run).variables["outputs"]["order"]["body"] == {"order": 17}
    assert SECRET not in api.get(f"runs/{run}").text + api.get(f"workflows/{flow}").text
    missed = owner.api("DELETE", place(tenant, f"/{made['id']}"))
    assert missed.status_int == 409 and "Orders" in missed.json["error"]
    page = owner.post(place(tenant, f"/{made['id']}/remove"))
    assert page.status_int == 409 and "Orders" in page.text
    api.post(f"workflows/{flow}/archive")
    assert owner.api("DELETE", place(tenant, f"/{made['id']}")).status_int == 204
    other = api.post("workflows", {"name": "More", "graph": steps}).json["data"]["id"]
    refused = api.post(f"workflows/{other}/publish", status=400).json
    assert "no credential" in str(refused["details"])
