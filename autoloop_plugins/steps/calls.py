"""What steps that call other systems share: credentials laid on a request, answers read, tries repeated."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import colander
import httpx
import orjson

from autoloop.plugins import ActionContext, Fail, Retry

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
]

PASSING = (408, 425, 429, 500, 502, 503, 504)
LONGEST_WAIT = timedelta(days=1)
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


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
    credential: Mapping[str, Any], headers: dict[str, str], query: list[tuple[str, Any]]
) -> str | None:
    """Lay the credential on a request's headers and query; a sentence if this kind cannot be."""
    match credential.get("kind"):
        case None:
            return None
        case "bearer":
            headers["Authorization"] = f"Bearer {credential['token']}"
        case "basic":
            pair = f"{credential['username']}:{credential['password']}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        case "header":
            headers[credential["header"]] = credential["value"]
        case "query":
            query.append((credential["parameter"], credential["value"]))
        case kind:
            return f"a credential of the kind “{kind}” cannot sign a request in"
    return None


def concealed(text: str, credential: Mapping[str, Any]) -> str:
    """The text without the credential, should the other side have repeated it."""
    for name in ("token", "password", "value", "secret", "access_token"):
        secret = credential.get(name)
        if isinstance(secret, str) and len(secret) > 5:
            text = text.replace(secret, "•••")
    return text


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
    """The body as JSON if it is some, else as text; and whether it was cut to `most` characters."""
    cut = bool(answer.extensions.get("truncated"))
    text = concealed(answer.text, credential)
    if not cut and len(text) <= most:
        try:
            return orjson.loads(text), False
        except ValueError:
            return text, False
    return text[:most], True


def shown(names: Iterable[str], answer: httpx.Response, credential: Mapping[str, Any]) -> dict[str, str]:
    """Those headers of the answer, cut."""
    return {
        name: concealed(answer.headers[name], credential)[:500] for name in names if name in answer.headers
    }
