"""The outbound client over real sockets: nothing internal sees a connection, nothing lasts or grows for ever."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from autoloop.base.http import Allowed, OutboundClient, Refused
from tests.unit.base.test_http_addresses import BAD_URLS, FORBIDDEN

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server(ThreadingHTTPServer):
    """Counts connections; answers as told; keeps the requests."""

    daemon_threads = True

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.connections = 0
        self.got: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answer: Answer = plain
        super().__init__((address, 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()

    def url(self, path: str = "/", host: str = "") -> str:
        return f"http://{host or self.server_address[0]}:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.got.append((self.command, self.path, headers, body))
        self.server.answer(self)

    do_POST = do_PUT = do_HEAD = do_GET

    def log_message(self, *_: Any) -> None: ...


def plain(handler: BaseHTTPRequestHandler, status: int = 200, body: bytes = b"hello", **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def internal() -> Iterator[Server]:
    server = Server()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def outside() -> Iterator[Server]:
    """A server that the client may reach: it stands in for the Internet."""
    server = Server("127.0.0.9")
    yield server
    server.shutdown()
    server.server_close()


NAMES = {"outside.example": ["127.0.0.9"], "other.example": ["127.0.0.9"], "inside.example": ["127.0.0.1"]}


def names(host: str, port: int) -> list[str]:
    if host not in NAMES:
        raise OSError("no such host")
    return NAMES[host]


def client(**more: Any) -> OutboundClient:
    return OutboundClient(Allowed.read(["127.0.0.9"]), **({"resolver": names} | more))


def test_an_internal_listener_sees_no_connection(internal: Server) -> None:
    with OutboundClient() as http:
        port = internal.server_port
        for host in (
            "127.0.0.1",
            "localhost",
            "localhost.",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "0.0.0.0",
            "[::]",
        ):
            with pytest.raises((Refused, httpx.ConnectError)):
                http.get(f"http://{host}:{port}/")
        for address in FORBIDDEN:
            with pytest.raises(httpx.InvalidURL):
                http.get(f"http://[{address}]:{port}/" if ":" in address else f"http://{address}:{port}/")
        for url in BAD_URLS:
            with pytest.raises((httpx.InvalidURL, httpx.ConnectError)):
                http.get(url)
    with client() as http, pytest.raises(Refused, match=r"leads to 127\.0\.0\.1, which is loopback"):
        http.get(internal.url(host="inside.example"))
    assert internal.connections == 0


def test_a_name_that_changes_its_mind_is_pinned(internal: Server, outside: Server) -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.9"] if len(asked) == 1 else ["127.0.0.1"]

    outside.answer = lambda handler: plain(handler, Connection="close")
    with client(resolver=rebinding) as http:
        assert http.get(outside.url(host="evil.example")).text == "hello"
        assert outside.got[0][2]["host"] == f"evil.example:{outside.server_port}"
        with pytest.raises(Refused):
            http.get(outside.url(host="evil.example"))
    with client(resolver=lambda *_: ["127.0.0.9", "127.0.0.1"]) as http, pytest.raises(Refused):
        http.get(outside.url(host="mixed.example"))
    assert asked == ["evil.example"] * 2 and internal.connections == 0 and outside.connections == 1


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:{port}/", "http://inside.example:{port}/", "//127.0.0.1:{port}/", "file:///x"],
)
def test_no_redirect_leads_inside(internal: Server, outside: Server, target: str) -> None:
    to = target.format(port=internal.server_port)
    outside.answer = lambda handler: plain(handler, 302, Location=to)
    with client() as http:
        assert http.get(outside.url()).status_code == 302
        with pytest.raises(Refused):
            http.get(outside.url(), follow_redirects=True)
    assert internal.connections == 0


def test_redirects_are_bounded_and_carry_no_secret_elsewhere(outside: Server) -> None:
    def hop(handler: BaseHTTPRequestHandler) -> None:
        to = {"/1": "/2", "/2": outside.url("/3", "other.example")}.get(handler.path)
        plain(handler, 307 if to else 200, **({"Location": to} if to else {}))

    outside.answer = hop
    sent = {"Authorization": "Bearer s3cret", "X-Api-Key": "s3cret", "Cookie": "a=b", "Accept": "text/plain"}
    with client() as http:
        answer = http.post(
            outside.url("/1", "outside.example"), json={"a": 1}, headers=sent, follow_redirects=True
        )
        assert answer.status_code == 200 and [each.status_code for each in answer.history] == [307, 307]
        assert [got[0] for got in outside.got] == ["POST"] * 3 and outside.got[2][3] == b'{"a":1}'
        assert outside.got[1][2]["x-api-key"] == "s3cret"
        assert "s3cret" not in str(outside.got[2]) and outside.got[2][2]["accept"] == "text/plain"
        outside.answer = lambda handler: plain(handler, 303, Location="/again")
        with pytest.raises(httpx.TooManyRedirects, match="More than 5"):
            http.post(outside.url(), content=b"x", follow_redirects=True)
        assert outside.got[-1][0] == "GET" and outside.got[-1][3] == b""


def test_no_cookie_outlives_its_answer(outside: Server) -> None:
    outside.answer = lambda handler: plain(handler, Set_Cookie="session=1; Path=/")
    with client() as http:
        http.get(outside.url(host="outside.example"))
        http.get(outside.url(host="outside.example"))
    assert "cookie" not in outside.got[1][2]


def test_a_large_answer_is_cut(outside: Server) -> None:
    outside.answer = lambda handler: plain(handler, body=b"x" * 200_000)
    with client(most_bytes=1000) as http:
        answer = http.get(outside.url())
        assert len(answer.content) == 1000 and answer.extensions["truncated"]
        bomb = gzip.compress(b"\0" * 50_000_000)
        outside.answer = lambda handler: plain(handler, body=bomb, Content_Encoding="gzip")
    with client(most_bytes=100_000) as http:
        answer = http.get(outside.url())
        assert len(answer.content) == 100_000 and answer.extensions["truncated"]
        outside.answer = lambda handler: plain(handler, body=gzip.compress(b"[1]"), Content_Encoding="gzip")
        assert http.get(outside.url()).json() == [1]
        for encoding, body in (("br", b"x"), ("gzip", b"no")):
            outside.answer = lambda handler, e=encoding, b=body: plain(handler, body=b, Content_Encoding=e)
            with pytest.raises(httpx.DecodingError):
                http.get(outside.url())


@pytest.mark.parametrize(
    ("charset", "body", "text"),
    [
        ("latin-1", b"Zo\xeb", "Zoë"),
        ("shift_jis", "東京".encode("shift_jis"), "東京"),
        ("zlib", b"x", "x"),
        ("undefined", b"x", "x"),
        ("rot13", b"x", "x"),
        ("klingon", b"x\xff", "x\ufffd"),
        ("unicode_escape", b"\\ud800", "\\ud800"),
        ("utf-7", b"+2AA-", "+2AA-"),
        ("punycode", b"a" * 900_000, "a" * 900_000),
    ],
)
def test_text_is_readable_whatever_charset_is_named(
    outside: Server, charset: str, body: bytes, text: str
) -> None:
    outside.answer = lambda handler: plain(handler, body=body, Content_Type=f"text/plain; charset={charset}")
    with client() as http:
        assert http.get(outside.url()).text == text


def test_a_drip_ends_in_time(outside: Server) -> None:
    over = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        while not over.wait(0.05):
            try:
                handler.wfile.write(b"x")
            except OSError:
                return

    outside.answer = drip
    with client() as http:
        begun = time.monotonic()
        with pytest.raises(httpx.ReadTimeout):
            http.get(outside.url(), timeout=0.4)
        assert time.monotonic() - begun < 5
    over.set()


def test_endless_headers_end(outside: Server) -> None:
    def chatter(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for n in range(5000):
            handler.send_header(f"X-{n}", "y" * 100)
        handler.end_headers()

    outside.answer = chatter
    with client() as http, pytest.raises(httpx.RemoteProtocolError):
        http.get(outside.url())


def test_proxies_of_the_environment_are_ignored(
    internal: Server, outside: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, internal.url())
    with client() as http:
        assert http.get(outside.url()).status_code == 200
    assert internal.connections == 0


def test_tls_speaks_of_the_name_not_of_the_pinned_address(outside: Server, tmp_path: Path) -> None:
    asked: list[str | None] = []
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_bytes(write_certificate(key, "outside.example"))
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, key)
    served.sni_callback = lambda _socket, name, _context: asked.append(name)
    outside.socket = served.wrap_socket(outside.socket, server_side=True)
    trusting = ssl.create_default_context(cafile=str(certificate))
    secure = outside.url(host="outside.example").replace("http:", "https:")
    with client(verify=trusting) as http:
        assert http.get(secure).text == "hello"
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE"):
            http.get(secure.replace("outside.", "other."))
    with client() as http, pytest.raises(httpx.ConnectError, match="CERTIFICATE"):
        http.get(secure)
    assert asked[:2] == ["outside.example", "other.example"]


def write_certificate(key_file: Path, name: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    kind = serialization.PrivateFormat.PKCS8
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()))
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def test_trouble_is_told_in_httpxs_words() -> None:
    with socket.socket() as held, client() as http:
        held.bind(("127.0.0.9", 0))
        with pytest.raises(httpx.ConnectError):
            http.get(f"http://127.0.0.9:{held.getsockname()[1]}/")
        with pytest.raises(httpx.ConnectError, match=r"no host “nowhere\.example”"):
            http.get("http://nowhere.example/")
