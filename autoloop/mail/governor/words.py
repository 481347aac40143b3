"""Limits in plain words, as they are kept with the mail that waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autoloop.mail.governor.rules import Limit

__all__ = ["limit_words"]

UNITS = {"per_second": "a second", "per_minute": "a minute", "per_hour": "an hour", "per_day": "a day"}


def limit_words(limit: Limit, period: str, part: str) -> str:
    """ "At most 100 an hour to gmail.com"."""
    if limit.account_id is not None:
        whose = "through this provider account"
    elif limit.sender_id is not None:
        whose = "from this sender"
    elif limit.domain_id is not None:
        whose = "from this sending domain"
    elif limit.recipient_domain is not None:
        whose = f"to {part or limit.recipient_domain}"
    else:
        whose = "from the whole workspace"
    return f"At most {getattr(limit, period)} {UNITS[period]} {whose}"
