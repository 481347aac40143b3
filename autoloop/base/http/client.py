"""The client: httpx with checked addresses, checked redirects, and an end to everything."""

from __future__ import annotations

import codecs
import ssl
import zlib
from collections.abc import Collection, Iterable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpcore
import httpx

from autoloop.base.http.addresses import Allowed
from autoloop.base.http.pinned import Deadline, PinnedBackend, Resolver, resolve
from autoloop.base.http.urls import Refused, checked_url, same_origin

__all__ = ["OutboundClient"]

MOST_REDIRECTS = 5
MOST_HEADERS = 200
AGENT = "AutoLoop"

# What a redirect to another origin still carries: everything else may be a secret.
HARMLESS = frozenset(
    {"accept", "accept-encoding", "accept-language", "content-type", "content-length", "user-agent"}
)

# In charsets that can write a lone surrogate (unicode_escape, UTF-7) this is one: no UTF-8 can hold it.
HALF_A_SIGN = b"\\ud800+2AA-"


class OutboundClient(httpx.Client):
    """An `httpx.Client` for addresses that people of a workspace write. One serves many threads.

    Reaches public addresses only and those in `allowed`; keeps no cookies; knows no proxies; follows
    redirects only where `follow_redirects=True` is asked, each checked anew, and never with headers of
    one's own to another origin. A request's timeout bounds the whole exchange, redirects included. Of
    an answer's body the first `most_bytes` are read; `response.extensions["truncated"]` tells whether
    there was more. Raises Refused for what is never reached, httpx.TransportError for what failed.
    """

    def __init__(
        self,
        allowed: Allowed | None = None,
        *,
        ports: Collection[int] = (),
        most_bytes: int = 1_000_000,
        seconds: float = 15.0,
        resolver: Resolver = resolve,
        verify: ssl.SSLContext | bool = True,
    ) -> None:
        self.deadline = Deadline()
        self.ports = frozenset(ports)
        self.most_bytes = most_bytes
        self.seconds = seconds
        super().__init__(
            transport=_Transport(PinnedBackend(allowed or Allowed(), self.deadline, resolver), verify),
            timeout=httpx.Timeout(seconds, connect=min(5.0, seconds)),
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            headers={"User-Agent": AGENT, "Accept-Encoding": "identity", "Accept": "*/*"},
        )

    def build_request(self, method: str, url: httpx.URL | str, **options: Any) -> httpx.Request:
        """As httpx's, of an address that is looked at as it was written, before anything tidies it."""
        return super().build_request(method, checked_url(url, self.ports), **options)

    def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        auth: Any = httpx.USE_CLIENT_DEFAULT,
        follow_redirects: Any = False,
    ) -> httpx.Response:
        """Send one request and read its bounded answer; `stream` changes nothing."""
        timeout = request.extensions.get("timeout", {}).get("read") or self.seconds
        history: list[httpx.Response] = []
        with self.deadline.within(timeout):
            while True:
                request.url = checked_url(request.url, self.ports)
                answer = self._one(request, auth)
                answer.history = list(history)
                if not answer.has_redirect_location or follow_redirects is not True:
                    return answer
                history.append(answer)
                if len(history) > MOST_REDIRECTS:
                    raise httpx.TooManyRedirects(
                        f"More than {MOST_REDIRECTS} redirects, the last from {request.url.host}.",
                        request=request,
                    )
                request = _redirected(request, answer)
                auth = None

    def _one(self, request: httpx.Request, auth: Any) -> httpx.Response:
        got = super().send(request, stream=True, auth=auth, follow_redirects=False)
        try:
            if len(got.headers.raw) > MOST_HEADERS:
                raise httpx.RemoteProtocolError("The answer has too many headers.", request=request)
            body, truncated = _bounded(got, self.most_bytes)
        finally:
            got.close()
        kept = [
            (name, value)
            for name, value in got.headers.raw
            if name.lower()
            not in (b"content-encoding", b"content-length", b"transfer-encoding", b"set-cookie")
        ]
        extensions = {"http_version": b"HTTP/1.1", "truncated": truncated}
        answer = httpx.Response(
            got.status_code, headers=kept, content=body, request=request, extensions=extensions
        )
        answer.elapsed = got.elapsed
        answer.encoding = _charset(answer.charset_encoding)
        return answer


class _Transport(httpx.HTTPTransport):
    """httpx's own transport on our connections. HTTP/1.1: one exchange at a time is what can be bounded."""

    def __init__(self, backend: PinnedBackend, verify: ssl.SSLContext | bool) -> None:
        context = verify if isinstance(verify, ssl.SSLContext) else httpx.create_ssl_context(verify=verify)
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=5.0,
            network_backend=backend,
        )


def _redirected(request: httpx.Request, answer: httpx.Response) -> httpx.Request:
    """The next request, by the rules of browsers; a secure exchange never goes on in the clear."""
    try:
        url = checked_url(request.url.join(answer.headers["location"]))
    except httpx.InvalidURL as error:
        raise Refused(f"{request.url.host} redirects to where nothing is called. {error}") from None
    if request.url.scheme == "https" and url.scheme == "http":
        raise Refused(f"{request.url.host} redirects from https to http.")
    method, body = request.method, request.read()
    status = answer.status_code
    if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
        method, body = "GET", b""
    headers = httpx.Headers(
        [
            (name, value)
            for name, value in request.headers.multi_items()
            if name != "host"
            and (body or name not in ("content-type", "content-length", "transfer-encoding"))
            and (same_origin(request.url, url) or name in HARMLESS)
        ]
    )
    return httpx.Request(method, url, headers=headers, content=body, extensions=request.extensions)


def _charset(named: str | None) -> str:
    """The charset that an answer names, if it is one whose text can be passed on; else UTF-8."""
    try:
        found = codecs.lookup(named or "utf-8").name
        HALF_A_SIGN.decode(found, "replace").encode()
    except (LookupError, ValueError):
        return "utf-8"
    return "utf-8" if found == "punycode" else found  # which takes minutes for a megabyte


def _bounded(got: httpx.Response, most: int) -> tuple[bytes, bool]:
    """The body, decoded, and whether it was cut. Nothing more is read than is kept."""
    encoding = got.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return _joined(got.iter_raw(65_536), most)
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise httpx.DecodingError(f"The answer is packed as “{encoding[:40]}”, which was not asked for.")
    packed, cut = _joined(got.iter_raw(65_536), most)
    unpacker = zlib.decompressobj(wbits=47)  # gzip or zlib, by its first bytes
    try:
        body = unpacker.decompress(packed, most + 1)
    except zlib.error:
        raise httpx.DecodingError("The answer says that it is packed, and is not.") from None
    return body[:most], cut or len(body) > most


def _joined(chunks: Iterable[bytes], most: int) -> tuple[bytes, bool]:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > most:
            return bytes(body[:most]), True
    return bytes(body), False
