"""Webhooks: bodies of other programs become events of contacts and start runs, each once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from webob import Request
from webtest import TestApp

from autoloop.engine.hooks.express import Express
from autoloop.engine.hooks.gate import Gate
from autoloop.web.places import PLACES
from tests.browser.seed import work
from tests.factories import Client, make_tenant
from tests.functional.browser import Browser
from tests.unit.engine.graphs import graph

MAPPING = {"email": "customer.email", "first_name": "/customer/name", "fields.plan": "plan"}
SECRET = "a secret of both"


def post(wsgi: object, url: str, body: Any, status: int = 202, **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    app = TestApp(wsgi, extra_environ={"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost"})
    sent = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
    answer = app.post(urlsplit(url).path, raw, headers=sent, expect_errors=True)
    assert answer.status_int == status, answer.text[:500]
    assert "Set-Cookie" not in answer.headers
    return answer.json


@pytest.fixture
def hook(api: Client) -> dict[str, Any]:
    return api.post("webhooks", {"name": "Shop", "mapping": MAPPING, "event_id_path": "id"}).json["data"]


def listening(api: Client, hook: dict[str, Any], **config: Any) -> str:
    made = graph(
        ("b", "branch", {"condition": {"field": "event.data.body.plan", "op": "is", "value": "pro"}}),
        ("t", "add_tag", {"tag": "pro"}),
        edges="b:yes>t",
        reentry="always",
    )
    triggers = [{"type": "incoming_webhook", "config": {"hook_id": hook["id"], **config}}]
    id = api.post("workflows", {"name": "Shop", "graph": made, "triggers": triggers}).json["data"]["id"]
    api.post(f"workflows/{id}/publish")
    return id


def test_a_body_makes_a_contact_and_starts_a_run_with_it(wsgi, api, runtime, hook) -> None:
    flow = listening(api, hook)
    body = {"id": 7, "customer": {"email": "Ada@Fern.example", "name": "Ada"}, "plan": "pro"}
    first = post(wsgi, hook["url"], body)["data"]
    assert post(wsgi, hook["url"], body | {"plan": "free"})["data"] == first | {"duplicate": True}
    work(runtime)
    (run,) = api.data("runs", workflow_id=flow)
    contact = api.data(f"contacts/{run['contact_id']}")
    assert (run["status"], contact["first_name"], contact["tags"]) == ("completed", "Ada", ["pro"])
    assert contact["fields"] == {}  # there is no field “plan” here: what does not fit is left out
    assert next(step["port"] for step in api.data(f"runs/{run['id']}/steps")) == "yes"
    sample = api.data(f"webhooks/{hook['id']}")["sample"]
    assert sample == body
    event = next(
        each for each in api.data("events", name="webhook.received") if each["id"] == first["event_id"]
    )
    assert event["data"] == {"hook_id": hook["id"], "body": body}


def test_a_known_contact_is_changed_and_an_unknown_one_is_left_alone_if_so_wished(
    wsgi, api, runtime, hook
) -> None:
    flow = listening(api, hook)
    api.patch(f"webhooks/{hook['id']}", {"creates": False})
    contact = api.post("contacts", {"email": "bob@fern.example", "first_name": "B."}).json["data"]["id"]
    post(wsgi, hook["url"], {"customer": {"email": "bob@fern.example", "name": "Bob"}})
    post(wsgi, hook["url"], {"customer": {"email": "nobody@fern.example"}})
    work(runtime)
    assert [run["contact_id"] for run in api.data("runs", workflow_id=flow)] == [contact]
    assert api.data(f"contacts/{contact}")["first_name"] == "Bob"
    assert api.data("contacts", q="nobody") == []


def test_what_is_known_already_changes_nothing_and_tags_are_added(wsgi, api, monkeypatch) -> None:
    api.post("fields", {"key": "plan", "title": "Plan", "target": "contact", "kind": "text"})
    hook = api.post("webhooks", {"name": "Shop", "mapping": MAPPING | {"tags": "labels"}}).json["data"]
    body = {"customer": {"email": "ada@fern.example", "name": "Ada"}, "plan": "pro", "labels": ["shop"]}
    post(wsgi, hook["url"], body)
    (known,) = api.data("contacts")
    api.patch(f"contacts/{known['id']}", {"tags": ["shop", "replied"]})
    before = api.get(f"contacts/{known['id']}").json["data"]
    with monkeypatch.context() as only:
        only.delattr(Gate, "_transact")  # nothing needs more than one trip
        post(wsgi, hook["url"], body)
        post(wsgi, hook["url"], {"customer": body["customer"]})
    assert api.get(f"contacts/{known['id']}").json["data"] == before
    post(wsgi, hook["url"], body | {"plan": "free", "labels": ["sale"]})
    after = api.get(f"contacts/{known['id']}").json["data"]
    assert (after["fields"]["plan"], sorted(after["tags"])) == ("free", ["replied", "sale", "shop"])


def test_a_form_body_will_do(wsgi, api, runtime) -> None:
    hook = api.post("webhooks", {"name": "Form", "mapping": {"email": "email", "tags": "tag"}}).json["data"]
    raw = b"email=cem%40fern.example&tag=a&tag=b"
    post(wsgi, hook["url"], raw, Content_Type="application/x-www-form-urlencoded")
    (contact,) = api.data("contacts", q="cem")
    assert contact["tags"] == ["a", "b"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "BAD_JSON"),
        (b'{"a": 1, "a": 2}', 400, "BAD_JSON"),
        (b'{"a": NaN}', 400, "BAD_JSON"),
        (b'{"a": "\\ud800"}', 400, "BAD_JSON"),
        (b"\xff\xfe", 400, "BAD_JSON"),
        (b"[" * 100_000, 400, "BAD_JSON"),
        (b"[" * 40 + b"]" * 40, 400, "TOO_DEEP"),
        (b"{}", 400, "NO_CONTACT"),
        (b"[]", 400, "NO_CONTACT"),
        (b'{"customer": {"email": "no address"}}', 400, "VALIDATION_FAILED"),
        (b'{"customer": {"email": "a\\u0000b@fern.example"}}', 400, "VALIDATION_FAILED"),
        (b'"' + b"x" * 10_000_000 + b'"', 413, "TOO_LARGE"),
    ],
)
def test_what_cannot_be_used_is_refused_and_starts_nothing(wsgi, api, hook, body, status, code) -> None:
    answer = post(wsgi, hook["url"], body, status)
    assert (answer["success"], answer["code"]) == (False, code)
    assert api.data("events", name="webhook.received") == []


def test_whole_numbers_and_texts_name_contacts_and_nothing_else_does(wsgi, api) -> None:
    mapping = {"external_id": "id", "last_name": "name"}
    hook = api.post("webhooks", {"name": "Shop", "mapping": mapping}).json["data"]
    for id in (1, 0, "a-1", 1):
        post(wsgi, hook["url"], {"id": id, "name": "Lee"})
    for id in (True, False, "", " \t", 1.5, [1], {"id": 1}):
        refused = post(wsgi, hook["url"], {"id": id, "name": "Lee"}, 400)
        assert (refused["code"], refused["details"]) == (
            "NO_CONTACT",
            {"body": ["The body names no contact at id."]},
        )
    assert sorted(each["external_id"] for each in api.data("contacts")) == ["0", "1", "a-1"]


def test_ids_that_begin_alike_are_two_and_flags_are_none(wsgi, api, hook) -> None:
    person = {"customer": {"email": "ada@fern.example"}}
    for id, duplicate in (
        ("x" * 400, False),
        ("x" * 401, False),
        ("x" * 400, True),
        (True, False),
        (True, False),
    ):
        assert post(wsgi, hook["url"], person | {"id": id})["data"]["duplicate"] is duplicate


def test_an_odd_but_readable_body_is_kept(wsgi, api, hook) -> None:
    long = {"customer": {"email": "ada@fern.example"}, "note": "a\x00b", "rest": "x" * 70_000}
    post(wsgi, hook["url"], long)
    (event,) = api.data("events", name="webhook.received")
    assert event["data"]["body"] == {
        "customer": {"email": "ada@fern.example"},
        "note": "a\ufffdb",
        "left_out": ["rest"],
    }
    post(wsgi, hook["url"], b"<a/>", 415, Content_Type="text/xml")


def test_a_body_that_ends_early_is_refused(wsgi, hook) -> None:
    path = urlsplit(hook["url"]).path
    sent = Request.blank(path, method="POST", content_type="application/json", body=b'{"id": 1')
    sent.environ["CONTENT_LENGTH"] = "999"
    answer = sent.get_response(wsgi)
    assert answer.status_int == 400
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def signed(scheme: str, raw: bytes, at: int) -> dict[str, str]:
    if scheme == "plain":
        return {"X_Token": SECRET}
    if scheme == "github":
        return {"X_Hub_Signature_256": "sha256=" + hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()}
    mac = hmac.new(SECRET.encode(), f"m1.{at}.".encode() + raw, hashlib.sha256).digest()
    return {
        "webhook_id": "m1",
        "webhook_timestamp": str(at),
        "webhook_signature": "v1,AAAA v1," + base64.b64encode(mac).decode(),
    }


@pytest.mark.parametrize("scheme", ["standard", "github", "plain"])
def test_only_who_holds_the_secret_is_heard(wsgi, api, scheme) -> None:
    given = {"name": scheme, "scheme": scheme, "mapping": {"email": "email"}}
    assert "secret" in api.post("webhooks", given, status=400).json["details"]
    header = {"header": "X-Token"} if scheme == "plain" else {}
    hook = api.post("webhooks", given | header | {"secret": SECRET}).json["data"]
    assert SECRET not in json.dumps(hook)
    raw, now = b'{"email": "ada@fern.example"}', int(time.time())
    good = signed(scheme, raw, now)
    post(wsgi, hook["url"], raw, **good)
    post(wsgi, hook["url"], raw, 401)
    post(wsgi, hook["url"], raw, 401, **{name: value[:-2] + "x=" for name, value in good.items()})
    if scheme != "plain":
        post(wsgi, hook["url"], raw + b" ", 401, **good)
    if scheme == "standard":
        assert post(wsgi, hook["url"], raw, **good)["data"]["duplicate"]
        post(wsgi, hook["url"], raw, 401, **signed(scheme, raw, now - 400))


def test_a_rotated_address_is_as_unknown_as_a_made_up_one_at_once(wsgi, api, hook) -> None:
    body = {"customer": {"email": "ada@fern.example"}}
    post(wsgi, hook["url"], body)
    fresh = api.post(f"webhooks/{hook['id']}/rotate").json["data"]["url"]
    old, made_up = post(wsgi, hook["url"], body, 404), post(wsgi, hook["url"][:-3] + "abc", body, 404)
    assert old | {"timestamp": 0} == made_up | {"timestamp": 0}
    post(wsgi, fresh, body)
    api.patch(f"webhooks/{hook['id']}", {"is_active": False})
    post(wsgi, fresh, body, 404)


def test_many_at_once_are_each_taken_once(wsgi, api, runtime, hook) -> None:
    flow = listening(api, hook)
    bodies = [{"id": n % 50, "customer": {"email": f"p{n % 20}@fern.example"}} for n in range(100)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda body: post(wsgi, hook["url"], body)["data"], bodies))
    assert len({each["event_id"] for each in answers}) == 50
    assert sum(not each["duplicate"] for each in answers) == 50
    work(runtime)
    assert len(api.data("runs", workflow_id=flow, limit=200)) == 50
    assert len(api.data("contacts", limit=200)) == 20


@pytest.mark.parametrize("keyed", [True, False], ids=["with an id", "without"])
def test_a_commit_whose_answer_is_lost_is_one_event_all_the_same(
    wsgi, api, runtime, monkeypatch, keyed
) -> None:
    plain = {"name": "Plain", "mapping": {"email": "customer.email"}, "event_id_path": "id"}
    hook = api.post("webhooks", plain).json["data"]
    flow = listening(api, hook)
    body = {"customer": {"email": "ada@fern.example"}}
    post(wsgi, hook["url"], body)  # from now on the contact is known, and the webhook has its sample
    lost = []

    def mute(usual: Any) -> Any:
        def call(*given: Any) -> Any:
            done = usual(*given)
            if usual not in lost:
                lost.append(usual)
                raise psycopg.OperationalError("the answer to COMMIT never came")
            return done

        return call

    monkeypatch.setattr(Express, "_write", mute(Express._write))
    monkeypatch.setattr(Gate, "_transact", mute(Gate._transact))
    assert not post(wsgi, hook["url"], body | ({"id": 7} if keyed else {}))["data"]["duplicate"]
    assert len(lost) == 2
    work(runtime)
    assert len(api.data("runs", workflow_id=flow)) == 2


def test_a_body_is_taken_while_every_place_of_the_process_is(wsgi, api, hook) -> None:
    with ExitStack() as held, ThreadPoolExecutor(1) as beside:
        for _ in range(PLACES):
            held.enter_context(wsgi.registry.places)
        page = beside.submit(TestApp(wsgi).get, "/auth/sign-in", extra_environ={"HTTP_HOST": "localhost"})
        post(wsgi, hook["url"], {"id": 1, "customer": {"email": "ada@fern.example"}})
        assert not page.done()
        held.close()
        assert page.result(30).status_int == 200


def test_a_webhook_that_starts_a_workflow_stays_and_strangers_see_none(wsgi, runtime, api, hook) -> None:
    listening(api, hook)
    assert api.delete(f"webhooks/{hook['id']}", status=409).json["code"] == "IN_USE"
    stranger = make_tenant(runtime)
    other = Client(wsgi, stranger.slug, stranger.key)
    assert other.data("webhooks") == []
    other.get(f"webhooks/{hook['id']}", status=404)


@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        ({"password": "x"}, "mapping.password"),
        ({"fields.": "x"}, "mapping.fields."),
        ({"email": ""}, "mapping.email"),
        ({"email": 3}, "mapping.email"),
        ({"email": "a\x00"}, "mapping.email"),
    ],
)
def test_a_mapping_that_leads_nowhere_is_refused(api, mapping, field) -> None:
    assert field in api.post("webhooks", {"name": "x", "mapping": mapping}, status=400).json["details"]


def test_the_page_says_which_line_of_a_mapping_is_wrong(wsgi, runtime, tenant, hook) -> None:
    browser = Browser(wsgi, runtime, tenant.user_id)
    place = f"/w/{tenant.slug}/webhooks/{hook['id']}/"
    refused = browser.post(place, name="Shop", mapping="email = a\n\nno sign")
    assert refused.status_int == 422
    assert "Line 2: write each field once" in refused.text


def test_a_set_enters_by_the_api_once_per_key_and_tells_how_far_it_is(api, runtime) -> None:
    api.post("contacts", {"email": "vip@fern.example", "tags": ["vip"]})
    api.post("contacts", {"email": "any@fern.example"})
    given = {"name": "Set", "graph": graph(("t", "add_tag", {"tag": "in"})), "triggers": [{"type": "manual"}]}
    flow = api.post("workflows", given).json["data"]["id"]
    body = {"workflow_id": flow, "whom": {"tag": "vip"}}
    assert api.post("enrolments", body, status=409).json["code"] == "WORKFLOW_NOT_LIVE"
    api.post(f"workflows/{flow}/publish")
    made = [api.post("enrolments", body, headers={"Idempotency-Key": "k"}).json["data"] for _ in range(2)]
    assert made[0] == made[1]
    assert (made[0]["status"], made[0]["total"]) == ("going", 1)
    work(runtime)
    (done,) = api.data("enrolments", workflow_id=flow)
    assert (done["status"], done["started"]) == ("done", 1)
    assert api.post(f"enrolments/{done['id']}/stop", status=409).json["code"] == "ENROLMENT_OVER"
    assert len(api.data("runs", workflow_id=flow)) == 1
    for whom in ({}, {"all": "yes"}, {"tag": "a", "all": True}, {"segment": "x"}):
        api.post("enrolments", {"workflow_id": flow, "whom": whom}, status=400)
