"""Mailgun's webhooks: HMAC-SHA256 over a timestamp and a token; one event in each call."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from autoloop.plugins.email import EventKind, IncomingCall, ProviderEvent, Unreadable, Unverified
from autoloop.plugins.email_events import read_json
from autoloop_plugins.email.proofs import of_unix, recent, same, text_of

__all__ = ["KEY", "MAX_AGE", "events_of"]

KEY = "autoloop-email"
MAX_AGE = timedelta(hours=9)  # Mailgun tries a webhook again for eight hours

KINDS = {
    "accepted": EventKind.ACCEPTED,
    "delivered": EventKind.DELIVERED,
    "complained": EventKind.COMPLAINED,
    "opened": EventKind.OPENED,
    "clicked": EventKind.CLICKED,
    "unsubscribed": EventKind.UNSUBSCRIBED,
    "rejected": EventKind.REJECTED,
}
# It failed because of what Mailgun knows of the address, or was told: nothing was sent.
SUPPRESSED = ("suppress-bounce", "suppress-complaint", "suppress-unsubscribe")


def events_of(key: str, call: IncomingCall) -> Sequence[ProviderEvent]:
    """Raises Unverified, Unreadable. The signature does not cover the event, so its token counts once."""
    body = read_json(call.body)
    signature = body.get("signature") if isinstance(body, Mapping) else None
    if not isinstance(signature, Mapping):
        raise Unverified("it has no signature")
    stamp, token = text_of(signature.get("timestamp")), text_of(signature.get("token"))
    wanted = hmac.new(key.encode(), f"{stamp}{token}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()
    if not token or len(token) > 200 or not same(text_of(signature.get("signature")), wanted):
        raise Unverified("its signature is not right")
    recent(stamp, call.now, MAX_AGE)
    data = body.get("event-data")
    if not isinstance(data, Mapping):
        raise Unreadable("The call has no event-data.")
    kind = _kind(data)
    return [] if kind is None else [_event(kind, data, token)]


def _kind(data: Mapping[str, Any]) -> EventKind | None:
    if data.get("event") == "failed":
        if data.get("severity") == "temporary":
            return EventKind.DEFERRED
        return EventKind.REJECTED if data.get("reason") in SUPPRESSED else EventKind.BOUNCED
    return KINDS.get(text_of(data.get("event")))


def _event(kind: EventKind, data: Mapping[str, Any], token: str) -> ProviderEvent:
    status, variables = _mapping(data, "delivery-status"), _mapping(data, "user-variables")
    headers = _mapping(_mapping(data, "message"), "headers")
    message_id = text_of(headers.get("message-id"))
    return ProviderEvent(
        kind,
        id=text_of(data.get("id")) or token,
        key=text_of(variables.get(KEY)) or None,
        provider_id=message_id.strip("<>") or None,
        message_id=message_id or None,
        recipient=text_of(data.get("recipient")) or None,
        at=of_unix(data.get("timestamp")),
        detail=text_of(status.get("message"))
        or text_of(status.get("description"))
        or text_of(data.get("reason")),
        url=text_of(data.get("url")) or None,
        proof=token,
    )


def _mapping(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, Mapping) else {}
