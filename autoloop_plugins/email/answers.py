"""What HTTP answers mean where a vendor says nothing of its own; and how long to wait."""

from __future__ import annotations

import httpx

from autoloop.plugins.email import Fate, Reply

__all__ = ["of_status", "seconds"]

LONGEST = 86_400.0


def seconds(answer: httpx.Response, otherwise: float | None = None) -> float | None:
    """`Retry-After` in seconds, at most a day."""
    given = answer.headers.get("retry-after", "").strip()
    return min(float(given), LONGEST) if given.isascii() and given.isdigit() else otherwise


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
