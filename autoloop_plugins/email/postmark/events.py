"""Postmark's webhooks: Basic auth with a password that both sides know; one event in each call.

Postmark signs nothing and dates no call, so there is no rule for old ones; a repeated one has the same id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autoloop.plugins.email import EventKind, IncomingCall, ProviderEvent, Unreadable, Unverified
from autoloop.plugins.email_events import read_json
from autoloop_plugins.email.proofs import moment, password_of, same, text_of

__all__ = ["KEY", "events_of"]

KEY = "autoloop_email"
MOMENTS = ("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt")
KINDS = {
    "Delivery": EventKind.DELIVERED,
    "SpamComplaint": EventKind.COMPLAINED,
    "Open": EventKind.OPENED,
    "Click": EventKind.CLICKED,
}
# Types of bounces that are something else, or say nothing of the address.
BOUNCES = {
    "Transient": EventKind.DEFERRED,
    "DnsError": EventKind.DEFERRED,
    "SpamComplaint": EventKind.COMPLAINED,
    "Unsubscribe": EventKind.UNSUBSCRIBED,
    "ManuallyDeactivated": EventKind.REJECTED,
    "TemplateRenderingFailed": EventKind.REJECTED,
    "AutoResponder": None,
    "AddressChange": None,
    "OpenRelayTest": None,
    "Subscribe": None,
    "InboundError": None,
    "ChallengeVerification": None,
}
HARD = ("HardBounce", "BadEmailAddress")


def events_of(password: str, call: IncomingCall) -> Sequence[ProviderEvent]:
    """Raises Unverified, Unreadable."""
    if not same(password_of(call.headers.get("authorization", "")), password):
        raise Unverified("its password is not right")
    body = read_json(call.body)
    if not isinstance(body, Mapping):
        raise Unreadable("The body is no object.")
    kind = _kind(body)
    return [] if kind is None else [_event(kind, body)]


def _kind(body: Mapping[str, Any]) -> EventKind | None:
    record = text_of(body.get("RecordType"))
    if record == "Bounce":
        return BOUNCES.get(text_of(body.get("Type")), EventKind.BOUNCED)
    if record == "SubscriptionChange":
        by_person = body.get("Origin") == "Recipient" and body.get("SuppressSending") is True
        return EventKind.UNSUBSCRIBED if by_person else None
    return KINDS.get(record)


def _event(kind: EventKind, body: Mapping[str, Any]) -> ProviderEvent:
    given = body.get("Metadata")
    metadata: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    at = next((text_of(body[name]) for name in MOMENTS if name in body), "")
    mail = text_of(body.get("MessageID"))
    number = body.get("ID")
    if not mail and not isinstance(number, int):
        raise Unreadable("The event names no message.")
    return ProviderEvent(
        kind,
        id=f"{body.get('RecordType')}:{mail}:{number if isinstance(number, int) else at}",
        key=text_of(metadata.get(KEY)) or None,
        provider_id=mail or None,
        recipient=text_of(body.get("Recipient")) or text_of(body.get("Email")) or None,
        at=moment(at),
        permanent=body.get("Type") in HARD,
        detail=text_of(body.get("Details")) or text_of(body.get("Description")),
        url=text_of(body.get("OriginalLink")) or None,
    )
