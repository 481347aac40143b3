"""Requests that no browser sends, as a server would pass them on: an answer of ours, with its headers."""

from __future__ import annotations

import base64
import io
import sys
from itertools import product
from typing import Any

import pytest
from webtest.app import TestRequest

from tests.functional.browser import Browser

NUL_CURSOR = (
    base64.urlsafe_b64encode(b'["\\u0000","01a2064d-ea64-72c6-85fd-200a68d729c1"]').decode().rstrip("=")
)
PATHS = (
    "/w/\xff\xfe", "{w}/contacts/\xff", "{w}/\x00", "{w}//contacts", "//", "{w}/" + "x" * 100_000, "/\xff", "/\x00",
    "/static/\xff", "/static/\x00", "/static/../../setup.cfg", "/static/", "/t/\xff", "/t/\x00", "/f/x", "/hooks/x",
    "/inbound", "/inbound/\xff", "/inbound/mailgun/\x00", "/inbound/mailgun/01a2064d-ea64-72c6-85fd-200a68d729c1",
    "/vitals", "/health", "/ready", "/auth/\xff", "/auth/password", "/auth/sign-out", "/me",
)  # fmt: skip
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "BREW")
QUERIES = (
    "%ff=1", "q=%ff", "q=%00", "next=%ff", "limit=%FF", "cursor=%00", "\xff", "q=" + "x" * 100_000, "sort=%00",
    "&".join(f"a{n}=1" for n in range(2000)), "q=1&q=2", "cursor=AAAA", "cursor=bnVsbA", "q=%ED%A0%80",
    f"sort=name&cursor={NUL_CURSOR}", f"sort=-name&cursor={NUL_CURSOR}", f"cursor={NUL_CURSOR}",
    "limit=99999999999999999999", "limit=1e3", "limit=-1", "status=%00", "tag=%00",
)  # fmt: skip
LISTS = ("contacts", "businesses", "templates", "workflows", "runs", "emails", "members", "audit", "imports")
HEADERS: tuple[dict[str, str], ...] = (
    {"Cookie": "\xff=\xff; access=\xff; refresh=\xff; csrf=\xff"},
    {"Cookie": "access=x; refresh=x.y; csrf=%00"},
    {"Cookie": "csrf=a; access=" + "x" * 60_000},
    {"Authorization": "Bearer \xff"},
    {"Authorization": "Bearer " + "x" * 100_000},
    {"If-Match": "\xff"},
    {"If-None-Match": '\xff, "x'},
    {"X-Forwarded-For": "\xff, 1.2.3.4"},
    {"Accept-Language": "\xff;q=zz"},
    {"Accept-Language": "de;q=9,x" * 1000},
    {"Host": "evil example"},
    {"Host": "a:b:c"},
    {"If-Modified-Since": "zz"},
    {"Range": "bytes=9-1"},
    {"User-Agent": "\x00\xff"},
    {"Content-Type": "\xff"},
    {"Content-Type": "multipart/form-data"},
    {"Content-Type": "multipart/form-data; boundary=\xff"},
    {"Idempotency-Key": "\xff"},
    {"Idempotency-Key": "x" * 10_000},
)
EVERYWHERE = {
    "x-content-type-options", "x-frame-options", "content-security-policy", "referrer-policy", "permissions-policy",
    "x-request-id",
}  # fmt: skip


@pytest.fixture
def visitors(wsgi, runtime, tenant) -> dict[str, tuple[str, dict[str, str]]]:
    cookies = Browser(wsgi, runtime, tenant.user_id).cookies
    return {
        "key": ("/api/v1", {"Authorization": f"Bearer {tenant.key}"}),
        "nobody": ("/api/v1", {}),
        "session": ("", {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}),
        "stranger": ("", {}),
    }


def ask(
    wsgi: Any, method: str, path: str, query: str = "", headers: dict[str, str] | None = None
) -> str | None:
    """What is wrong with the answer to this request, given to the application as a server would."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "SCRIPT_NAME": "",
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "127.0.0.1", "CONTENT_LENGTH": "3", "wsgi.input": io.BytesIO(b"a=b"), "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http", "wsgi.version": (1, 0), "wsgi.multithread": True, "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }  # fmt: skip
    for name, value in (headers or {}).items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    seen: dict[str, Any] = {}

    def start(status: str, given: list[tuple[str, str]], _error: Any = None) -> None:
        seen.update(status=int(status[:3]), names={name.lower() for name, _ in given})
        for _, value in given:
            value.encode("latin-1")

    try:
        list(wsgi(environ, start))
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]
    if seen["status"] >= 500:
        return str(seen["status"])
    return f"lacks {sorted(EVERYWHERE - seen['names'])}" if EVERYWHERE - seen["names"] else None


def faults(wsgi: Any, asked: Any) -> list[str]:
    found = []
    for method, path, query, headers in asked:
        wrong = ask(wsgi, method, path, query, headers)
        if wrong:
            found.append(f"{method} {path[:60]!r} ?{query[:30]!r} {str(headers)[:80]}: {wrong}")
    return found


@pytest.mark.parametrize("who", ["key", "nobody", "session", "stranger"])
def test_any_path_is_answered(wsgi, tenant, visitors, who) -> None:
    start, headers = visitors[who]
    paths = [start + path.replace("{w}", f"/w/{tenant.slug}") for path in PATHS]
    assert faults(wsgi, ((method, path, "", headers) for path, method in product(paths, METHODS))) == []


@pytest.mark.parametrize("who", ["key", "session"])
def test_any_query_is_answered(wsgi, tenant, visitors, who) -> None:
    start, headers = visitors[who]
    paths = [f"{start}/w/{tenant.slug}/{name}" for name in LISTS] + ["/auth/sign-in", "/auth/claim"]
    assert faults(wsgi, (("GET", path, query, headers) for path, query in product(paths, QUERIES))) == []


@pytest.mark.parametrize("who", ["key", "session", "stranger"])
def test_any_header_is_answered(wsgi, tenant, visitors, who) -> None:
    start, mine = visitors[who]
    places = [(method, f"{start}/w/{tenant.slug}/contacts") for method in ("GET", "POST")] + [
        ("GET", "/auth/sign-in"),
        ("POST", "/auth/password"),
        ("POST", "/api/v1/auth/password"),
        ("GET", "/health"),
    ]
    asked = ((method, path, "", mine | odd) for (method, path), odd in product(places, HEADERS))
    assert faults(wsgi, asked) == []


@pytest.mark.parametrize("path", ["/api/v1/auth/password", "/auth/password", "/vitals", "/nothing"])
def test_a_body_that_no_address_takes_is_not_read(app, path) -> None:
    class Endless(io.RawIOBase):
        def read(self, _size: int = -1) -> bytes:
            raise AssertionError("it is read")

    environ = {"wsgi.input": Endless(), "CONTENT_LENGTH": str(10**12)}
    for kind in ("application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"):
        request = TestRequest.blank(path, method="POST", environ=environ, content_type=kind)
        assert app.do_request(request, expect_errors=True).status_int == 413


def test_an_address_that_is_no_utf8_is_refused(app) -> None:
    for path in ("/%FF", "/api/v1/w/%FF/contacts", "/auth/sign-in?next=%FF"):
        assert app.get(path, expect_errors=True).status_int == 400
