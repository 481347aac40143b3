"""What SendGrid tells of mail it took: the events of its Event Webhook, in one shape."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from autoloop.plugins.email_events import EventKind, ProviderEvent
from autoloop_plugins.email.sendgrid.letter import KEY

__all__ = ["events_of"]

KINDS: dict[str, EventKind] = {
    "processed": EventKind.ACCEPTED,
    "delivered": EventKind.DELIVERED,
    "deferred": EventKind.DEFERRED,
    "bounce": EventKind.BOUNCED,
    "blocked": EventKind.BOUNCED,
    "dropped": EventKind.REJECTED,
    "spamreport": EventKind.COMPLAINED,
    "open": EventKind.OPENED,
    "click": EventKind.CLICKED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
    "group_unsubscribe": EventKind.UNSUBSCRIBED,
}
# Why SendGrid drops what it took, where the reason speaks against the address.
DROPPED: dict[str, EventKind] = {
    "bounced address": EventKind.BOUNCED,
    "invalid": EventKind.BOUNCED,
    "spam reporting address": EventKind.COMPLAINED,
    "unsubscribed address": EventKind.UNSUBSCRIBED,
}


def events_of(given: Sequence[Any]) -> Iterator[ProviderEvent]:
    """The events that matter; what is no event is passed over."""
    for each in given:
        kind = KINDS.get(each["event"]) if isinstance(each, Mapping) and _text(each.get("event")) else None
        if kind is not None:
            yield _event(each, kind)


def _event(given: Mapping[str, Any], kind: EventKind) -> ProviderEvent:
    reason = _text(given.get("reason")) or _text(given.get("response")) or ""
    if kind is EventKind.REJECTED:
        kind = DROPPED.get(reason.lower(), kind)
    # "blocked" comes as an event of its own or as a bounce of that type: the server's mood, not the address.
    soft = given["event"] == "blocked" or given.get("type") == "blocked"
    return ProviderEvent(
        kind,
        id=_text(given.get("sg_event_id")) or _digest(given),
        key=_text(given.get(KEY)),
        # What follows the first dot is SendGrid's own routing; `X-Message-Id` was what stands before it.
        provider_id=(_text(given.get("sg_message_id")) or "").partition(".")[0] or None,
        message_id=_text(given.get("smtp-id")),
        recipient=_text(given.get("email")),
        at=_moment(given.get("timestamp")),
        permanent=not soft,
        detail=reason[:500],
        url=_text(given.get("url")),
    )


def _text(given: Any) -> str | None:
    return given if isinstance(given, str) and given else None


def _digest(given: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(given, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _moment(given: Any) -> datetime | None:
    whole = isinstance(given, int) and not isinstance(given, bool) and 0 < given < 32_503_680_000
    return datetime.fromtimestamp(given, UTC) if whole else None
