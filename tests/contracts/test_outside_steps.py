"""Steps that call other systems: their contract, and what a real server at the other end sees of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import orjson
import pytest

from autoloop.base.http import Allowed, OutboundClient
from autoloop.engine.turns import Limits
from autoloop.plugins import ExpressionError, Fail, Next, Retry
from autoloop.plugins.context import ActionContext
from autoloop.plugins.forms import read_config
from autoloop.plugins.testing import Answers, StepContract, visit
from autoloop.plugins.testing.fakes import FIXED, NOW
from autoloop_plugins.steps.http_request import HttpRequest
from autoloop_plugins.steps.notify import Notify
from autoloop_plugins.steps.webhook import Webhook
from autoloop_plugins.steps.whatsapp import WhatsApp

ID = "01890000-0000-7000-8000-00000000000c"
KEY = base64.b64encode(b"k" * 32).decode()
SIGNING = {"kind": "signing", "secret": f"whsec_{KEY}"}
WHATSAPP = {"kind": "whatsapp", "phone_number_id": "12345", "access_token": "EAAG-token"}


class Fake(ThreadingHTTPServer):
    """The other system: answers in turn, keeps what it got."""

    daemon_threads = True

    def __init__(self) -> None:
        self.got: list[tuple[str, str, dict[str, str], bytes]] = []
        self.named: list[str] = []
        self.answers: list[tuple[int, Any, dict[str, str]]] = []
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.named = sorted(
            name.lower() for name in self.headers if name.lower() in ("content-type", "idempotency-key")
        )
        self.server.got.append((self.command, self.path, headers, body))
        status, answer, more = self.server.answers.pop(0) if self.server.answers else (200, {}, {})
        raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **more, "Content-Length": len(raw)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def fake() -> Iterator[Fake]:
    server = Fake()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def http() -> Iterator[OutboundClient]:
    with OutboundClient(Allowed.read(["127.0.0.1"])) as client:
        yield client


def call(step: Any, http: OutboundClient, config: dict[str, Any], **known: Any) -> Any:
    made = step()
    context = ActionContext(**(FIXED | known), http=http, idempotency_key="run:here:1")
    return made.run(context, read_config(made, config))


class TestHttpRequest(StepContract):
    step = HttpRequest
    configs = (
        {"url": "https://example.com/a?b=c"},
        {"url": "https://example.com/{{ contact.id }}", "method": "DELETE", "query": [{"name": "q"}]},
        {
            "url": "https://example.com/",
            "method": "POST",
            "body_type": "json",
            "body": {"a": "{{ contact.email }}"},
        },
        {
            "url": "https://example.com/",
            "method": "PUT",
            "body_type": "raw",
            "body": "{{ contact.tags | join: ',' }}",
        },
    )
    bad_configs = (
        {},
        {"url": "ftp://example.com/"},
        {"url": "https://user@example.com/"},
        {"url": "https://example.com/{{ contact"},
        {"url": "https://example.com/", "method": "TRACE"},
        {"url": "https://example.com/", "headers": [{"name": "Host", "value": "x"}]},
        {"url": "https://example.com/", "headers": [{"name": "X Y", "value": "x"}]},
        {"url": "https://example.com/", "body_type": "json", "body": 1},
        {"url": "https://example.com/", "method": "POST", "body_type": "form", "body": "a=b"},
        {"url": "https://example.com/", "attempts": 11},
        {"url": "https://example.com/", "timeout": 0},
        {"url": "https://example.com/", "credential_id": "secret"},
        {"url": "https://example.com/", "retry": [99]},
    )


class TestWebhook(StepContract):
    step = Webhook
    configs = (
        {"url": "https://example.com/hook"},
        {"url": "http://example.com:8080/a?b=c", "data": {"a": 1, "b": "{{ contact.email }}"}},
    )
    bad_configs = (
        {},
        {"url": "ftp://example.com/"},
        {"url": "https://"},
        {"url": "https://a b/"},
        {"url": "https://user@example.com/"},
        {"url": "https://example.com/", "data": [1]},
        {"url": "https://example.com/", "credential_id": "x"},
    )

    @pytest.mark.parametrize(
        ("answer", "kind"), [(204, Next), (404, Fail), (429, Retry), (httpx.ReadTimeout("slow"), Retry)]
    )
    def test_what_an_answer_means(self, answer: Any, kind: type) -> None:
        server = Answers(answer)
        assert isinstance(visit(Webhook, {"url": "https://example.com/hook"}, answers=server), kind)
        assert server.got[0].headers["Idempotency-Key"] == "run:here:1"


class TestNotify(StepContract):
    step = Notify
    configs = (
        {"subject": "{{ contact.first_name }} replied"},
        {"subject": "x", "body": "{{ event.data }}", "role": "admin", "mail": True},
        {"subject": "x", "members": [ID]},
    )
    bad_configs = (
        {},
        {"subject": " "},
        {"subject": "x", "role": "boss"},
        {"subject": "x", "members": ["me"]},
        {"subject": "{{ x"},
    )

    def test_it_asks_for_an_effect(self) -> None:
        config = {
            "subject": "{{ contact.first_name }}\nreplied",
            "body": "Hi",
            "role": "editor",
            "mail": True,
        }
        (effect,) = visit(Notify, config, contact={"first_name": "Ada"}).effects
        assert (effect.title, effect.body, effect.role, effect.mail) == ("Ada replied", "Hi", "editor", True)


class TestWhatsApp(StepContract):
    step = WhatsApp
    configs = (
        {"credential_id": ID, "template": "hello_world"},
        {
            "credential_id": ID,
            "template": "a",
            "language": "pt_BR",
            "to": "+49 170 1234567",
            "parameters": ["{{ x }}"],
        },
    )
    bad_configs = (
        {},
        {"credential_id": ID},
        {"template": "a"},
        {"credential_id": ID, "template": "Hello World"},
        {"credential_id": ID, "template": "a", "language": "english"},
        {"credential_id": ID, "template": "a", "to": "call me"},
    )


@pytest.mark.parametrize(
    ("credential", "header", "path"),
    [
        ({"kind": "bearer", "token": "t0ken-of-shop"}, ("authorization", "Bearer t0ken-of-shop"), ""),
        ({"kind": "basic", "username": "ada", "password": "pä"}, ("authorization", "Basic YWRhOnDDpA=="), ""),
        ({"kind": "header", "header": "X-Api-Key", "value": "k123456"}, ("x-api-key", "k123456"), ""),
        ({"kind": "query", "parameter": "key", "value": "a&b c"}, ("accept", "*/*"), "&key=a%26b+c"),
    ],
)
def test_a_request_as_the_other_side_sees_it(
    fake: Fake, http: OutboundClient, credential: dict[str, Any], header: tuple[str, str], path: str
) -> None:
    fake.answers = [
        (201, {"id": 7, "echo": credential.get("token", "")}, {"ETag": '"1"', "Set-Cookie": "a=b"})
    ]
    config = {
        "method": "POST",
        "url": fake.url + "/people/{{ contact.id }}?x=1",
        "query": [{"name": "q", "value": "{{ contact.first_name }} ü"}],
        "headers": [{"name": "X-Name", "value": "{{ contact.first_name }}"}],
        "body_type": "json",
        "body": {"name": "{{ contact.first_name }}", "tags": "{{ contact.tags }}", "n": 3},
        "credential_id": ID,
    }
    known = {
        "contact": {"id": "c1", "first_name": "Zoë", "tags": ["a", "b"]},
        "credentials": {ID: credential},
    }
    answer = call(HttpRequest, http, config, **known)
    assert isinstance(answer, Next) and answer.port == "ok"
    assert answer.output["status"] == 201 and answer.output["body"]["id"] == 7
    assert answer.output["headers"] == {"content-type": "application/json", "etag": '"1"'}
    assert "t0ken" not in str(answer.output)
    ((method, asked, headers, body),) = fake.got
    assert headers["content-type"] == "application/json"
    assert method == "POST" and asked == "/people/c1?x=1&q=Zo%C3%AB+%C3%BC" + path
    assert headers[header[0]] == header[1] and headers["idempotency-key"] == "run:here:1"
    assert headers["x-name"].encode("latin-1").decode() == "Zoë"
    assert json.loads(body) == {"name": "Zoë", "tags": ["a", "b"], "n": 3}


def test_forms_and_raw_bodies(fake: Fake, http: OutboundClient) -> None:
    base = {"method": "POST", "url": fake.url + "/", "credential_id": None}
    known = {"contact": {"email": "a+b@example.com"}}
    call(
        HttpRequest, http, base | {"body_type": "form", "body": {"e": "{{ contact.email }}", "n": 1}}, **known
    )
    raw = {"body_type": "raw", "body": "<e>{{ contact.email }}</e>", "content_type": "text/xml"}
    call(HttpRequest, http, base | raw, **known)
    assert fake.got[0][3] == b"e=a%2Bb%40example.com&n=1"
    assert fake.got[0][2]["content-type"] == "application/x-www-form-urlencoded"
    assert fake.got[1][3] == b"<e>a+b@example.com</e>" and fake.got[1][2]["content-type"] == "text/xml"


def test_what_is_tried_again_and_what_is_not(fake: Fake, http: OutboundClient) -> None:
    config = {"url": fake.url + "/", "attempts": 2, "good": [404]}
    fake.answers = [
        (503, {}, {"Retry-After": "120"}),
        (503, {}, {}),
        (404, {"gone": True}, {}),
        (418, {"why": "teapot"}, {}),
        (429, {}, {"Retry-After": (NOW + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")}),
        (302, {}, {"Location": "/elsewhere"}),
        (200, b"x" * 50_000, {"Content-Type": "text/plain"}),
    ]
    assert call(HttpRequest, http, config) == Retry(timedelta(seconds=120), "answered 503")
    assert call(HttpRequest, http, config, attempt=2) == Fail("gave up after 2 attempts: answered 503")
    assert call(HttpRequest, http, config).output["body"] == {"gone": True}
    assert call(HttpRequest, http, config) == Fail('answered 418: {"why":"teapot"}')
    assert call(HttpRequest, http, config) == Retry(timedelta(hours=1), "answered 429")
    assert call(HttpRequest, http, config).why.startswith("answered 302")
    cut = call(HttpRequest, http, config)
    assert 15_900 < len(cut.output["body"]) < 16_000 and cut.output["truncated"]


@pytest.mark.parametrize(
    "body",
    [
        b'<a href="x">\n' * 2_000,
        "é".encode() * 15_000,
        json.dumps(["é" * 15_000], ensure_ascii=False).encode(),
    ],
)
def test_what_is_kept_of_a_long_answer_fits_into_a_run(fake: Fake, http: OutboundClient, body: bytes) -> None:
    fake.answers = [(200, body, {"ETag": "é" * 400}), (200, body, {})]
    kept = call(HttpRequest, http, {"url": fake.url}).output
    assert kept["status"] == 200 and kept["truncated"] and len(kept["body"]) > 5_000
    assert len(orjson.dumps(kept)) <= Limits().output
    told = call(Webhook, http, {"url": fake.url}).output
    assert len(told["body"]) > 1_000 and len(orjson.dumps(told)) <= 5_000


def test_ones_own_headers_and_query_stand_beside_ours(fake: Fake, http: OutboundClient) -> None:
    config = {
        "method": "POST",
        "url": fake.url + "/?tag=a",
        "query": [{"name": "tag", "value": "b"}, {"name": "tag", "value": "c"}],
        "headers": [
            {"name": "content-type", "value": "application/vnd.api+json"},
            {"name": "idempotency-key", "value": "{{ contact.id }}"},
        ],
        "body_type": "json",
        "body": {},
    }
    call(HttpRequest, http, config, contact={"id": "c1"})
    ((_, path, headers, _),) = fake.got
    assert path == "/?tag=a&tag=b&tag=c"
    assert fake.named == ["content-type", "idempotency-key"]
    assert headers["content-type"] == "application/vnd.api+json" and headers["idempotency-key"] == "c1"


@pytest.mark.parametrize(
    ("body_type", "body"), [("form", "{{ contact.tags }}"), ("json", {"n": 10**30}), ("form", {"n": 10**30})]
)
def test_a_body_that_cannot_be_written_is_not_sent(
    fake: Fake, http: OutboundClient, body_type: str, body: Any
) -> None:
    config = {"method": "POST", "url": fake.url, "body_type": body_type, "body": body}
    with pytest.raises(ExpressionError):
        call(HttpRequest, http, config, contact={"tags": ["a"]})
    assert fake.got == []


@pytest.mark.parametrize(
    ("credential", "repeated"),
    [
        ({"kind": "basic", "username": "ada", "password": "lovelace"}, "Basic YWRhOmxvdmVsYWNl"),
        ({"kind": "query", "parameter": "key", "value": "a&b c!=/"}, "/?key=a%26b+c%21%3D%2F"),
    ],
)
def test_a_secret_that_comes_back_is_not_kept(
    fake: Fake, http: OutboundClient, credential: dict[str, str], repeated: str
) -> None:
    fake.answers = [(200, {"asked": repeated}, {"Location": repeated})]
    config = {"url": fake.url, "credential_id": ID}
    output = call(HttpRequest, http, config, credentials={ID: credential}).output
    secret = repeated.partition("=")[2] or repeated.partition(" ")[2]
    assert secret not in str(output) and "•••" in output["body"]["asked"]


def test_what_can_never_work_fails_at_once(fake: Fake, http: OutboundClient) -> None:
    inside = call(HttpRequest, http, {"url": fake.url.replace("127.0.0.1", "127.0.0.2") + "/"})
    assert isinstance(inside, Fail) and "loopback" in inside.why
    gone = call(HttpRequest, http, {"url": fake.url + "/", "credential_id": ID})
    assert gone == Fail("its credential is gone")
    wrong = call(HttpRequest, http, {"url": fake.url + "/", "credential_id": ID}, credentials={ID: SIGNING})
    assert isinstance(wrong, Fail) and "signing" in wrong.why
    odd = call(HttpRequest, http, {"url": "{{ contact.site }}"}, contact={"site": "file:///etc/passwd"})
    assert isinstance(odd, Fail) and "Only http" in odd.why
    assert fake.got == []


def test_a_webhook_is_signed_as_the_standard_says(fake: Fake, http: OutboundClient) -> None:
    config = {"url": fake.url + "/hook", "data": {"mail": "{{ contact.email }}"}, "credential_id": ID}
    known = {"contact": {"email": "ada@example.com"}, "credentials": {ID: SIGNING}}
    fake.answers = [(503, {}, {"Retry-After": "7"})]
    assert call(Webhook, http, config, **known) == Retry(timedelta(seconds=7), "answered 503")
    assert isinstance(call(Webhook, http, config, **known, attempt=2), Next)
    (_, _, first, body), (_, _, second, _) = fake.got
    assert first["webhook-id"] == second["webhook-id"] and "." not in first["webhook-id"]
    signed = f"{first['webhook-id']}.{first['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(b"k" * 32, signed, hashlib.sha256).digest()).decode()
    assert first["webhook-signature"] == f"v1,{expected}"
    told = json.loads(body)
    assert told["data"] == {"mail": "ada@example.com"} and told["contact"]["email"] == "ada@example.com"


def test_settings_of_an_older_webhook_mean_what_they_meant() -> None:
    made = Webhook()
    old = {"url": "https://example.com/hook", "data": {"a": "{{ contact.email }}", "b": [1, "x"]}}
    server = Answers(200)
    context = ActionContext(**FIXED, http=server.client(), idempotency_key="k")
    made.run(context, read_config(made, old, 1))
    assert json.loads(server.got[0].content)["data"] == {"a": "{{ contact.email }}", "b": [1, "x"]}


def test_a_whatsapp_message_as_the_api_sees_it(fake: Fake, http: OutboundClient) -> None:
    credential = WHATSAPP | {"base_url": fake.url + "/v23.0"}
    config = {
        "credential_id": ID,
        "template": "order_ready",
        "language": "en_US",
        "parameters": ["{{ contact.first_name }}", "two\nlines"],
    }
    known = {"contact": {"phone": "+49 (170) 123-4567", "first_name": "Ada"}, "credentials": {ID: credential}}
    fake.answers = [(200, {"messages": [{"id": "wamid.1"}]}, {})]
    assert call(WhatsApp, http, config, **known).output == {"message_id": "wamid.1"}
    ((method, path, headers, body),) = fake.got
    assert (method, path) == ("POST", "/v23.0/12345/messages")
    assert headers["authorization"] == "Bearer EAAG-token"
    sent = json.loads(body)
    assert (sent["messaging_product"], sent["to"], sent["type"]) == ("whatsapp", "491701234567", "template")
    assert sent["template"]["name"] == "order_ready" and sent["template"]["language"] == {"code": "en_US"}
    texts = [each["text"] for each in sent["template"]["components"][0]["parameters"]]
    assert texts == ["Ada", "two lines"]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, 131056, Retry),
        (400, 130429, Retry),
        (500, 131000, Retry),
        (503, 131016, Retry),
        (429, 4, Retry),
        (401, 190, Fail),
        (400, 132001, Fail),
        (400, 131026, Fail),
        (400, 100, Fail),
        (503, None, Retry),
        (502, None, Fail),
    ],
)
def test_what_whatsapps_errors_mean(
    fake: Fake, http: OutboundClient, status: int, code: int | None, kind: type
) -> None:
    error = {"error": {"code": code, "message": "no: EAAG-token"}} if code is not None else b"<html>"
    fake.answers = [(status, error, {})]
    credential = WHATSAPP | {"base_url": fake.url}
    config = {"credential_id": ID, "template": "a", "to": "0049 1701234567"}
    answer = call(WhatsApp, http, config, credentials={ID: credential})
    assert isinstance(answer, kind) and "EAAG" not in answer.why


def test_a_whatsapp_message_of_unknown_fate_is_not_repeated() -> None:
    config = {"credential_id": ID, "template": "a", "to": "+491701234567"}
    known = {"credentials": {ID: WHATSAPP | {"base_url": "https://example.com"}}}
    slow = visit(WhatsApp, config, answers=Answers(httpx.ReadTimeout("slow")), **known)
    assert isinstance(slow, Fail) and slow.why.startswith("nobody can say")
    down = visit(WhatsApp, config, answers=Answers(httpx.ConnectError("down")), **known)
    assert isinstance(down, Retry)
    assert visit(WhatsApp, config | {"to": ""}, contact={}, **known) == Fail("there is no phone number")
