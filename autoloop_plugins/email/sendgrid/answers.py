"""What SendGrid answers, as fates."""

from __future__ import annotations

import time
from typing import Any

import httpx

from autoloop.plugins.email import Fate, Reply
from autoloop_plugins.email.answers import LONGEST, of_status, seconds

__all__ = ["of_answer"]

ONE_HOUR = 3600.0


def of_answer(answer: httpx.Response) -> Reply:
    """202 means taken. What is not certain (5xx) is UNKNOWN: an event may still tell."""
    status, said = answer.status_code, _said(answer)
    if 200 <= status < 300:
        return Reply(Fate.ACCEPTED, status, "Queued", provider_id=answer.headers.get("x-message-id"))
    if status == 429:
        return Reply(Fate.TEMPORARY, status, said, of_account=True, retry_after=_reset(answer))
    if status == 401 and "credits" in said.lower():
        return Reply(Fate.TEMPORARY, status, said, of_account=True, retry_after=ONE_HOUR)
    return of_status(answer, said)


def _reset(answer: httpx.Response) -> float:
    """Seconds until the limit is lifted. `X-RateLimit-Reset` is a moment in Unix time."""
    reset = answer.headers.get("x-ratelimit-reset", "")
    left = min(max(float(reset) - time.time(), 1.0), LONGEST) if reset.isascii() and reset.isdigit() else 60.0
    return seconds(answer) or left


def _said(answer: httpx.Response) -> str:
    """The errors in a sentence: {"errors": [{"message", "field", "help"}]}."""
    try:
        errors: Any = answer.json().get("errors", [])
        texts = [
            f"{each.get('field')}: {each['message']}" if each.get("field") else str(each["message"])
            for each in errors
        ]
    except (ValueError, AttributeError, KeyError, TypeError):
        texts = []
    return "; ".join(texts)[:500] or f"SendGrid answered {answer.status_code}"
