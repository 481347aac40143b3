"""Bodies from outside: bounded, read strictly, and looked into by paths."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from autoloop.base.errors import Invalid, UnsupportedMedia
from autoloop.base.i18n import _
from autoloop.web.input import parse_json

__all__ = ["DEEPEST", "KEPT", "LARGEST", "find", "kept", "path_fits", "paths", "read"]

LARGEST = 1_000_000
KEPT = 65_536
DEEPEST = 32
PATH = re.compile(r"[^\x00-\x1f]{1,300}\Z")


def read(content_type: str, raw: bytes) -> dict[str, Any]:
    """A JSON object or a form as a mapping. Raises Invalid or UnsupportedMedia.

    JSON with a key twice, NaN, a lone surrogate, or nested deeper than DEEPEST is refused. Of a form's
    field that comes twice all values are kept, as a list. A JSON list or scalar stands under `body`.
    """
    if content_type == "application/x-www-form-urlencoded":
        return _form(raw)
    if content_type and content_type != "application/json" and not content_type.endswith("+json"):
        raise UnsupportedMedia(_("Send JSON, or a form as application/x-www-form-urlencoded."))
    found = parse_json(raw)
    if raw.count(b"{") + raw.count(b"[") > DEEPEST and _depth(found) > DEEPEST:
        raise Invalid(
            _("The body is nested deeper than ${most} levels.", mapping={"most": DEEPEST}), code="TOO_DEEP"
        )
    return found if isinstance(found, dict) else {"body": found}


def _form(raw: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(
            raw.decode(), keep_blank_values=True, max_num_fields=1000, encoding="utf-8", errors="strict"
        )
    except ValueError:
        raise Invalid(
            _("This form cannot be read: it is no UTF-8, or has over 1,000 fields."), code="BAD_FORM"
        ) from None
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key not in found:
            found[key] = value
        elif isinstance(found[key], list):
            found[key].append(value)
        else:
            found[key] = [found[key], value]
    return found


def _depth(value: Any) -> int:
    """How deep objects and lists stand in each other; stops counting past DEEPEST."""
    level, depth = [value], 0
    while depth <= DEEPEST:
        inner = [
            each
            for outer in level
            if isinstance(outer, dict | list)
            for each in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not any(isinstance(outer, dict | list) for outer in level):
            return depth
        level, depth = inner, depth + 1
    return depth


def path_fits(path: str) -> bool:
    """Is this a JSON pointer (`/customer/email`, RFC 6901) or a dotted path (`customer.email`)?"""
    return PATH.match(path) is not None and path != "/"


def find(body: Any, path: str) -> Any:
    """What stands at a path, or None. Numbers count into lists from 0."""
    if path.startswith("/"):
        keys = [key.replace("~1", "/").replace("~0", "~") for key in path[1:].split("/")]
    else:
        keys = path.split(".")
    for key in keys:
        if isinstance(body, Mapping):
            body = body.get(key)
        elif isinstance(body, list) and key.isascii() and key.isdigit() and len(key) < 6:
            body = body[int(key)] if int(key) < len(body) else None
        else:
            return None
    return body


def paths(body: Any, most: int = 60) -> list[tuple[str, str]]:
    """Paths to the plain values of a sample, with the value as text, to map them by."""
    found = []
    for path, value in _walk(body, ""):
        found.append((path, str(value)[:80]))
        if len(found) >= most:
            break
    return found


def _walk(body: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(body, Mapping):
        inner = [(str(key), value) for key, value in body.items()]
    elif isinstance(body, list):
        inner = [(str(index), value) for index, value in enumerate(body[:3])]
    else:
        yield prefix, body
        return
    for key, value in inner:
        yield from _walk(value, f"{prefix}.{key}" if prefix else key)


def kept(body: dict[str, Any], size: int) -> dict[str, Any]:
    """What of a body goes into its event: all of a small one, else its first keys and a note of the rest."""
    if size <= KEPT:
        return body
    room, found, left = KEPT, {}, []
    for key, value in body.items():
        room -= len(orjson.dumps(value)) + len(key.encode()) + 4
        if room < 0:
            left.append(key[:100])
        else:
            found[key] = value
    return found | {"left_out": left[:50]} if left else found
