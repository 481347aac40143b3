"""Small proofs that webhooks carry: HMACs, shared secrets, timestamps. Compared in constant time."""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

from autoloop.plugins.email import Unreadable, Unverified

__all__ = ["moment", "of_unix", "password_of", "recent", "same", "text_of"]


def same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode("utf-8", "replace"))


def recent(stamp: Any, now: datetime, most: timedelta) -> None:
    """Raises Unverified unless `stamp`, seconds in Unix time, is at most that far from now."""
    text = str(stamp)
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise Unverified("the timestamp cannot be read")
    if abs(now.timestamp() - int(text)) > most.total_seconds():
        raise Unverified("the timestamp is too old, or of the future")


def password_of(authorization: str) -> str:
    """The password of Basic authentication, empty if there is none."""
    scheme, _, given = authorization.partition(" ")
    try:
        pair = base64.b64decode(given.strip(), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
    return pair.partition(":")[2] if scheme.lower() == "basic" else ""


def text_of(value: Any) -> str:
    """A text as it is, anything else as none."""
    return value if isinstance(value, str) else ""


def moment(value: Any) -> datetime | None:
    """An ISO 8601 time with its zone, or None."""
    try:
        found = datetime.fromisoformat(text_of(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def of_unix(value: Any) -> datetime | None:
    """A time from seconds in Unix time. Raises Unreadable for no number."""
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Unreadable("a timestamp is no number")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None
