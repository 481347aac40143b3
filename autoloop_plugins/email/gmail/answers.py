"""What the Gmail API answers, as fates."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import httpx

from autoloop.plugins.email import Fate, Reply
from autoloop_plugins.email.answers import LONGEST, of_status, seconds

__all__ = ["of_answer"]

RATE = frozenset(
    {"ratelimitexceeded", "userratelimitexceeded", "rate_limit_exceeded", "concurrentlimitexceeded"}
)
QUOTA = frozenset({"quotaexceeded", "dailylimitexceeded", "dailysendinglimitexceeded"})
OF_ACCOUNT = frozenset({"failedprecondition", "domainpolicy", "delegationdenied"})
ONE_MINUTE, ONE_HOUR = 60.0, 3600.0
UNTIL = re.compile(r"[Rr]etry after (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)")


def of_answer(answer: httpx.Response) -> Reply:
    """2xx means sent. 401 is left to who can renew the token. 5xx may have been sent: a look-up tells."""
    status = answer.status_code
    body = _body(answer)
    if 200 <= status < 300:
        id = body.get("id")
        return Reply(Fate.ACCEPTED, status, "Sent", provider_id=id if isinstance(id, str) else None)
    reasons, said = _error(body, status)
    if reasons & QUOTA:
        wait = _wait(answer, said) or ONE_HOUR
        return Reply(Fate.TEMPORARY, status, said, of_account=True, retry_after=wait)
    if status == 429 or reasons & RATE:
        wait = _wait(answer, said) or ONE_MINUTE
        return Reply(Fate.TEMPORARY, status, said, of_account=True, retry_after=wait)
    if reasons & OF_ACCOUNT:
        return Reply(Fate.TEMPORARY, status, said, of_account=True)
    return of_status(answer, said)


def _body(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _error(body: dict[str, Any], status: int) -> tuple[set[str], str]:
    """Reasons in lower case, and the sentence. {"error": {"message", "errors": [{"reason"}], "status"}}"""
    error = body.get("error")
    if not isinstance(error, dict):
        return set(), f"Gmail answered {status}"
    listed = error.get("errors")
    each = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    reasons = {str(one.get("reason", "")).lower() for one in each}
    return reasons, str(error.get("message", ""))[:500] or f"Gmail answered {status}"


def _wait(answer: httpx.Response, said: str) -> float | None:
    """Seconds from `Retry-After`, or from the moment that Gmail writes into its sentence."""
    found = UNTIL.search(said)
    try:
        left = (datetime.fromisoformat(found[1]) - datetime.now(UTC)).total_seconds() if found else None
    except ValueError:
        left = None
    return seconds(answer, None if left is None else min(max(left, 1.0), LONGEST))
