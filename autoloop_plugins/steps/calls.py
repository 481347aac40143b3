"""What steps that call other systems share: credentials laid on a request, answers read, tries repeated."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote_plus

import colander
import httpx
import orjson

from autoloop.plugins import ActionContext, ExpressionError, Fail, Retry

__all__ = [
    "PASSING",
    "again",
    "authorized",
    "concealed",
    "credential_node",
    "granted",
    "read_body",
    "retry_after",
    "shown",
    "url_fits",
    "written",
]

PASSING = (408, 425, 429, 500, 502, 503, 504)
LONGEST_WAIT = timedelta(days=1)
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
URL = re.compile(r"https?://[^\s/?#@\\]+([/?#][^\s\\]*)?\Z", re.IGNORECASE)


def url_fits(url: str) -> bool:
    """Is this an address as far as one can see before it is called: http, a host, no user, no space?"""
    return URL.match(url) is not None


def written(value: Any) -> bytes:
    """The value as JSON. Raises ExpressionError."""
    try:
        return orjson.dumps(value)
    except TypeError as error:
        raise ExpressionError(f"the body cannot be written as JSON: {error}") from None


def credential_node(title: str = "Credential", **options: Any) -> colander.SchemaNode:
    """A setting that names a credential; only those that a step's settings name are granted to it."""
    check = colander.Regex(ID, msg="is no id")
    options = {"missing": None} | options
    return colander.SchemaNode(
        colander.String(), validator=check, title=title, ui={"widget": "credential"}, **options
    )


def granted(ctx: ActionContext, id: str | None, *kinds: str) -> Mapping[str, Any] | Fail:
    """The credential's data ({} without an id), or why there is none."""
    if id is None:
        return {}
    found = ctx.credentials.get(id)
    if found is None:
        return Fail("its credential is gone")
    if kinds and found.get("kind") not in kinds:
        return Fail(
            f"its credential is of the kind “{found.get('kind')}”, and {' or '.join(kinds)} is needed"
        )
    return found


def authorized(
    credential: Mapping[str, Any], headers: MutableMapping[str, str], query: list[tuple[str, Any]]
) -> str | None:
    """Lay the credential on a request's headers and query; a sentence if this kind cannot be."""
    match credential.get("kind"):
        case None:
            return None
        case "bearer":
            headers["Authorization"] = f"Bearer {credential['token']}"
        case "basic":
            headers["Authorization"] = f"Basic {_pair(credential)}"
        case "header":
            headers[credential["header"]] = credential["value"]
        case "query":
            query.append((credential["parameter"], credential["value"]))
        case kind:
            return f"a credential of the kind “{kind}” cannot sign a request in"
    return None


def concealed(text: str, credential: Mapping[str, Any]) -> str:
    """The text without the credential, should the other side have repeated it."""
    for secret in _secrets(credential):
        if len(secret) > 5:
            text = text.replace(secret, "•••")
    return text


def _secrets(credential: Mapping[str, Any]) -> Iterator[str]:
    """What must not be shown, in each way in which it is sent."""
    if credential.get("kind") == "basic":
        yield _pair(credential)
    for name in ("token", "password", "value", "secret", "access_token"):
        if isinstance(secret := credential.get(name), str):
            yield secret
            yield quote_plus(secret)


def _pair(credential: Mapping[str, Any]) -> str:
    return base64.b64encode(f"{credential['username']}:{credential['password']}".encode()).decode()


def retry_after(answer: httpx.Response, now: datetime) -> timedelta | None:
    """What the answer's Retry-After says: seconds or a date; at most a day."""
    given = answer.headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit() and len(given) < 10:
        found = timedelta(seconds=int(given))
    else:
        try:
            found = parsedate_to_datetime(given) - now
        except (ValueError, TypeError):
            return None
    return min(max(found, timedelta(seconds=1)), LONGEST_WAIT)


def again(ctx: ActionContext, why: str, *, attempts: int = 5, after: timedelta | None = None) -> Retry | Fail:
    """Try again after 5, 10, 20 … seconds, at most 15 minutes, or when the other side said; or give up."""
    if ctx.attempt >= attempts:
        return Fail(f"gave up after {ctx.attempt} {'attempt' if ctx.attempt == 1 else 'attempts'}: {why}")
    return Retry(after or timedelta(seconds=min(5 * 2 ** (ctx.attempt - 1), 900)), why)


def read_body(answer: httpx.Response, credential: Mapping[str, Any], most: int) -> tuple[Any, bool]:
    """The body as JSON if it is some, else as text; and whether it was cut to `most` bytes of JSON."""
    text = concealed(answer.text, credential)
    if not answer.extensions.get("truncated") and len(text) <= most:
        try:
            found = orjson.loads(text)
        except ValueError:
            found = text
        if len(orjson.dumps(found)) <= most:
            return found, False
    text = text[:most]
    while (size := len(orjson.dumps(text))) > most:
        text = text[: len(text) * most // size]
    return text, True


def shown(names: Iterable[str], answer: httpx.Response, credential: Mapping[str, Any]) -> dict[str, str]:
    """Those headers of the answer, cut."""
    return {
        name: concealed(answer.headers[name], credential)[:500] for name in names if name in answer.headers
    }
