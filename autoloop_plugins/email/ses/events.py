"""What Amazon SES tells of mail it took: event publishing and identity notifications, in one shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from autoloop.plugins.email_events import EventKind, ProviderEvent

__all__ = ["TAG", "events_of"]

TAG = "autoloop-email"
HEADER = "x-autoloop-email"

# SES's name of the event, where its particulars stand, and what it means.
KINDS: dict[str, tuple[str, EventKind]] = {
    "Send": ("send", EventKind.ACCEPTED),
    "Delivery": ("delivery", EventKind.DELIVERED),
    "DeliveryDelay": ("deliveryDelay", EventKind.DEFERRED),
    "Bounce": ("bounce", EventKind.BOUNCED),
    "Reject": ("reject", EventKind.REJECTED),
    "Complaint": ("complaint", EventKind.COMPLAINED),
    "Open": ("open", EventKind.OPENED),
    "Click": ("click", EventKind.CLICKED),
}
# Bounces of our own account's list are as permanent as those of a server.
SAID = ("diagnosticCode", "smtpResponse", "complaintFeedbackType", "reason", "delayType", "bounceSubType")


def events_of(told: object, message_id: str) -> Iterator[ProviderEvent]:
    """The event in an SNS message, if it is one that matters. `message_id` is the notification's."""
    if not isinstance(told, Mapping):
        return
    name = told.get("eventType", told.get("notificationType"))
    place, kind = KINDS.get(name, ("", None)) if isinstance(name, str) else ("", None)
    mail = told.get("mail")
    if kind is None or not isinstance(mail, Mapping):
        return
    part = _mapping(told.get(place))
    people = [
        _mapping(each) for each in _list(part.get("bouncedRecipients", part.get("complainedRecipients")))
    ]
    first = people[0] if people else {}
    yield ProviderEvent(
        kind,
        id=message_id,
        key=_key(mail),
        provider_id=_text(mail.get("messageId")),
        recipient=_text(first.get("emailAddress")) or next(map(_text, _list(mail.get("destination"))), None),
        at=_moment(part.get("timestamp")) or _moment(mail.get("timestamp")),
        permanent=kind is not EventKind.BOUNCED or part.get("bounceType") == "Permanent",
        detail=next((str(of[key])[:500] for of in (first, part) for key in SAID if of.get(key)), ""),
        url=_text(part.get("link")),
    )


def _key(mail: Mapping[str, Any]) -> str | None:
    """Our key: from the tag, or from the header where the topic is given headers but no tags."""
    tags = _list(_mapping(mail.get("tags")).get(TAG))
    if tags and isinstance(tags[0], str):
        return tags[0]
    for header in map(_mapping, _list(mail.get("headers"))):
        if str(header.get("name", "")).lower() == HEADER:
            return _text(header.get("value"))
    return None


def _mapping(given: Any) -> Mapping[str, Any]:
    return given if isinstance(given, Mapping) else {}


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else []


def _text(given: Any) -> str | None:
    return given if isinstance(given, str) and given else None


def _moment(given: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
