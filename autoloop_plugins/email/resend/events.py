"""Resend's webhooks, signed as Svix does: HMAC-SHA256 over id, timestamp and body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from autoloop.plugins.email import EventKind, IncomingCall, ProviderEvent, Unreadable, Unverified
from autoloop.plugins.email_events import read_json
from autoloop_plugins.email.proofs import moment, recent, same, text_of

__all__ = ["KEY", "MAX_AGE", "events_of"]

KEY = "autoloop_email"
MAX_AGE = timedelta(minutes=5)  # as Svix's own libraries have it; each try is signed anew
MOST_SIGNATURES = 10

KINDS = {
    "email.sent": EventKind.ACCEPTED,
    "email.delivered": EventKind.DELIVERED,
    "email.delivery_delayed": EventKind.DEFERRED,
    "email.bounced": EventKind.BOUNCED,
    "email.complained": EventKind.COMPLAINED,
    "email.opened": EventKind.OPENED,
    "email.clicked": EventKind.CLICKED,
    "email.failed": EventKind.REJECTED,
    "email.suppressed": EventKind.REJECTED,
}


def events_of(secret: str, call: IncomingCall) -> Sequence[ProviderEvent]:
    """Raises Unverified, Unreadable."""
    id, stamp = call.headers.get("svix-id", ""), call.headers.get("svix-timestamp", "")
    _verify(secret, id, stamp, call)
    body = read_json(call.body)
    data = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(data, Mapping):
        raise Unreadable("The call has no data.")
    kind = KINDS.get(text_of(body.get("type")))
    return [] if kind is None else [_event(kind, id, body, data)]


def _verify(secret: str, id: str, stamp: str, call: IncomingCall) -> None:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise Unverified("the secret of the account cannot be read") from None
    signed = f"{id}.{stamp}.".encode("utf-8", "replace") + call.body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = call.headers.get("svix-signature", "").split(" ")[:MOST_SIGNATURES]
    if not id or not any(each.startswith("v1,") and same(each[3:], wanted) for each in given):
        raise Unverified("its signature is not right")
    recent(stamp, call.now, MAX_AGE)


def _event(kind: EventKind, id: str, body: Mapping[str, Any], data: Mapping[str, Any]) -> ProviderEvent:
    bounce, click, failed = (_mapping(data, name) for name in ("bounce", "click", "failed"))
    to = data.get("to")
    return ProviderEvent(
        kind,
        id=id,
        key=_tag(data.get("tags")),
        provider_id=text_of(data.get("email_id")) or None,
        recipient=text_of(to[0]) or None if isinstance(to, list) and to else None,
        at=moment(body.get("created_at")),
        permanent=bounce.get("type") == "Permanent",
        detail=text_of(bounce.get("message")) or text_of(failed.get("reason")),
        url=text_of(click.get("link")) or None,
    )


def _tag(tags: Any) -> str | None:
    """Our key, from tags as an object or as the list they were sent as."""
    if isinstance(tags, list):
        tags = {each.get("name"): each.get("value") for each in tags if isinstance(each, Mapping)}
    return text_of(tags.get(KEY)) or None if isinstance(tags, Mapping) else None


def _mapping(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, Mapping) else {}
