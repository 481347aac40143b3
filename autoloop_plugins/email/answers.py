"""What HTTP answers mean where a vendor says nothing of its own; and how long to wait."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from autoloop.plugins.email import Fate, Reply

__all__ = ["LONGEST", "of_status", "read_wait", "seconds"]

LONGEST = 86_400.0


def read_wait(given: str) -> float | None:
    """What a Retry-After says, a number of seconds or an HTTP date (RFC 9110 §10.2.3): seconds, at most a day."""
    given = given.strip()
    if given.isascii() and given.isdigit():
        return min(float(given[:12]), LONGEST)
    try:
        at = parsedate_to_datetime(given)
    except (TypeError, ValueError, OverflowError):
        return None
    left = at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)
    return min(max(left.total_seconds(), 0.0), LONGEST)


def seconds(answer: httpx.Response, otherwise: float | None = None) -> float | None:
    """The answer's Retry-After in seconds; `otherwise` where it has none that can be read."""
    found = read_wait(answer.headers.get("retry-after", ""))
    return otherwise if found is None else found


def of_status(answer: httpx.Response, said: str, provider_id: str | None = None) -> Reply:
    """2xx was taken; 429 and 408 were not; a 5xx may have been. What is about the account says so."""
    status = answer.status_code
    if 200 <= status < 300:
        return Reply(Fate.ACCEPTED, status, said or "Taken", provider_id=provider_id)
    if status == 429:
        return Reply(Fate.TEMPORARY, status, said, of_account=True, retry_after=seconds(answer, 60.0))
    if status in (401, 402, 403, 404, 405) or 300 <= status < 400:
        return Reply(Fate.TEMPORARY, status, said, of_account=True)
    if status == 408:
        return Reply(Fate.TEMPORARY, status, said)
    if 400 <= status < 500:
        return Reply(Fate.PERMANENT, status, said)
    return Reply(Fate.UNKNOWN, status, said)
