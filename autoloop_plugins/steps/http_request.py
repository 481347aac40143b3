"""HTTP request: call another system, and use its answer in later steps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import colander
import httpx
import orjson

from autoloop.plugins import (
    ActionContext,
    ActionStep,
    ExpressionError,
    ExpressionType,
    Fail,
    Needs,
    Next,
    Retry,
    Stop,
    needs_of,
)
from autoloop_plugins.steps.calls import (
    PASSING,
    again,
    authorized,
    credential_node,
    granted,
    read_body,
    retry_after,
    shown,
    url_fits,
    written,
)

__all__ = ["HttpRequest"]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
KEPT = ("content-type", "location", "etag", "link", "x-request-id")
MOST = 16_000
NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}\Z")
OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "cookie"})


class Pair(colander.MappingSchema):  # type: ignore[misc]
    name = colander.SchemaNode(colander.String(), validator=colander.Length(1, 200), title="Name")
    value = colander.SchemaNode(ExpressionType("text"), missing="", title="Value")


class Pairs(colander.SequenceSchema):  # type: ignore[misc]
    pair = Pair()


class Statuses(colander.SequenceSchema):  # type: ignore[misc]
    status = colander.SchemaNode(colander.Integer(), validator=colander.Range(100, 599))


class HttpRequest(ActionStep):
    """Call another system over HTTP, and keep its answer for later steps.

    Address, headers, query and body may hold expressions (`{{ contact.email }}`). A credential signs the
    request in; its secret stands in no setting and no journal. An answer from 200 to 299, or of a status
    named as good, leaves through `ok`; later steps read `outputs.<step>.status`, `.headers` and `.body`
    (JSON if it is some; what goes beyond 16,000 bytes is cut off, and the rest is text). Statuses that pass and broken connections are tried
    again after 5, 10, 20 … seconds, or when `Retry-After` says; anything else leaves through `error`.
    Each try carries the same `Idempotency-Key`. Only public addresses are called, and what the operator
    allows besides.
    """

    name, title, category, icon = "http_request", "HTTP request", "outside", "globe"
    capabilities = frozenset({"http"})
    gives = ("status", "body", "headers")
    time_limit = 70.0
    max_attempts = 10

    class Config(colander.MappingSchema):  # type: ignore[misc]
        method = colander.SchemaNode(
            colander.String(), validator=colander.OneOf(METHODS), missing="GET", title="Method"
        )
        url = colander.SchemaNode(ExpressionType("text"), title="Address")
        query = Pairs(missing=(), validator=colander.Length(max=50), title="Query", ui={"widget": "columns"})
        headers = Pairs(
            missing=(), validator=colander.Length(max=50), title="Headers", ui={"widget": "columns"}
        )
        credential_id = credential_node()
        body_type = colander.SchemaNode(
            colander.String(),
            validator=colander.OneOf(("none", "json", "form", "raw")),
            missing="none",
            title="Body",
            ui={"labels": {"json": "JSON", "raw": "Text", "none": "Nothing"}},
        )
        body = colander.SchemaNode(
            ExpressionType(),
            missing=None,
            title="What the body holds",
            ui={"rows": 6, "when": {"body_type": ["json", "form", "raw"]}},
        )
        content_type = colander.SchemaNode(
            colander.String(),
            validator=colander.Regex(r"[\w.+-]+/[\w.+-]+(;[ \w=.+-]+)?\Z"),
            missing="text/plain; charset=utf-8",
            title="Content type of a raw body",
            ui={"when": {"body_type": "raw"}},
        )
        good = Statuses(
            missing=(),
            validator=colander.Length(max=50),
            title="Other statuses that are good",
            ui={"widget": "numbers", "more": True},
        )
        retry = Statuses(
            missing=PASSING,
            validator=colander.Length(max=50),
            title="Statuses that are tried again",
            ui={"widget": "numbers", "more": True},
        )
        attempts = colander.SchemaNode(
            colander.Integer(),
            validator=colander.Range(1, 10),
            missing=5,
            title="Attempts in all",
            ui={"more": True},
        )
        timeout = colander.SchemaNode(
            colander.Integer(),
            validator=colander.Range(1, 60),
            missing=15,
            title="For one attempt",
            ui={"more": True, "unit": "seconds"},
        )
        follow_redirects = colander.SchemaNode(
            colander.Boolean(), missing=False, title="Follow redirects", ui={"more": True}
        )

    def ports(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        return ("ok",)

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return needs_of(config)

    def check(self, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        for index, pair in enumerate(config["headers"]):
            if not NAME.match(pair["name"]) or pair["name"].lower() in OURS:
                yield f"headers.{index}.name", "is no header that may be set"
        url = config["url"]
        if isinstance(url, str) and not url_fits(url):
            yield "url", "must be an http address"
        if config["body_type"] == "form" and isinstance(config["body"], str | list | int | float):
            yield "body", "must be an object of names and values"
        if config["body_type"] != "none" and config["method"] in ("GET", "HEAD"):
            yield "body_type", f"{config['method']} has no body"

    def run(self, ctx: ActionContext, config: Mapping[str, Any]) -> Next | Retry | Fail | Stop:
        credential = granted(ctx, config["credential_id"])
        if isinstance(credential, Fail):
            return credential
        headers, query = self._parts(ctx, config)
        trouble = authorized(credential, headers, query)
        if trouble:
            return Fail(trouble)
        content = _body(ctx, config, headers)
        try:
            answer = ctx.http.request(
                config["method"],
                _url(ctx, config, query),
                headers=headers,
                content=content,
                timeout=float(config["timeout"]),
                follow_redirects=config["follow_redirects"],
            )
        except (httpx.InvalidURL, httpx.TooManyRedirects, httpx.UnsupportedProtocol) as error:
            return Fail(str(error)[:500])
        except (httpx.HTTPError, UnicodeError, ValueError) as error:
            return again(ctx, f"{type(error).__name__}: {error}"[:300], attempts=config["attempts"])
        return self._answer(ctx, config, answer, credential)

    def _parts(
        self, ctx: ActionContext, config: Mapping[str, Any]
    ) -> tuple[httpx.Headers, list[tuple[str, Any]]]:
        headers = httpx.Headers(encoding="utf-8")
        if config["method"] not in ("GET", "HEAD"):
            headers["Idempotency-Key"] = ctx.idempotency_key
        for pair in config["headers"]:
            value = str(ctx.evaluate(pair["value"], "text"))
            headers[pair["name"]] = " ".join(value.split())[:4000]
        query = [(pair["name"], str(ctx.evaluate(pair["value"], "text"))) for pair in config["query"]]
        return headers, query

    def _answer(
        self,
        ctx: ActionContext,
        config: Mapping[str, Any],
        answer: httpx.Response,
        credential: Mapping[str, Any],
    ) -> Next | Retry | Fail:
        status = answer.status_code
        output: dict[str, Any] = {"status": status, "headers": shown(KEPT, answer, credential)}
        body, cut = read_body(answer, credential, MOST - len(orjson.dumps(output)))
        if answer.is_success or status in config["good"]:
            output["body"] = body
            return Next("ok", output={**output, "truncated": True} if cut else output)
        if status in config["retry"]:
            wait = retry_after(answer, ctx.now)
            return again(ctx, f"answered {status}", attempts=config["attempts"], after=wait)
        told = body if isinstance(body, str) else orjson.dumps(body).decode()
        return Fail(f"answered {status}: {told}"[:400] if told else f"answered {status}")

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"{config['method']} {str(config['url'])[:60]}"


def _url(ctx: ActionContext, config: Mapping[str, Any], query: list[tuple[str, Any]]) -> httpx.URL | str:
    """The address with the query added to what it has."""
    url = str(ctx.evaluate(config["url"], "text")).strip()
    if not query:
        return url
    if not url_fits(url):
        raise httpx.InvalidURL(f"“{url[:200]}” is no address.")
    made = httpx.URL(url)
    return made.copy_with(params=[*made.params.multi_items(), *query])


def _body(ctx: ActionContext, config: Mapping[str, Any], headers: httpx.Headers) -> bytes | None:
    kind = config["body_type"]
    if kind == "none":
        return None
    given = ctx.evaluate(config["body"])
    if kind == "json":
        headers.setdefault("Content-Type", "application/json")
        return written(given)
    if kind == "form":
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        if not isinstance(given, Mapping):
            raise ExpressionError("a form's body must be an object of names and values")
        return str(httpx.QueryParams({name: _word(value) for name, value in given.items()})).encode()
    headers.setdefault("Content-Type", config["content_type"])
    return _word(given).encode()


def _word(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else written(value).decode()
