"""Mail that tells of mail: delivery reports (RFC 3464) and complaints (RFC 5965), read in one pass.

What lands in a bounce mailbox is anything: cut off, nested, in any charset, with a huge original, or no
report at all. Nothing here recurses into what it was given, and of all parts only a few octets are decoded.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import quopri
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autoloop.plugins.email import EventKind, ProviderEvent, Unreadable

__all__ = ["read_report"]

MOST_PARTS = 50
MOST_DEEP = 3  # a report may come forwarded, in another multipart
MOST_RECIPIENTS = 50
LONGEST_HEAD = 100_000
LONGEST_FIELDS = 200_000

FIELD = re.compile(r"([!-9;-~]{1,100}):[ \t]*(.*)\Z", re.DOTALL)
BOUNDARY = re.compile(r"""boundary[ \t]*=[ \t]*(?:"([^"]{1,200})"|([^\s;"]{1,200}))""", re.IGNORECASE)
MESSAGE_ID = re.compile(r"<[^<>\s@]{1,200}@[^<>\s@]{1,253}>")
STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})")

# What says nothing against the address (RFC 3463): a full mailbox, the far system, our text, their policy.
NOT_THE_ADDRESS = re.compile(r"5\.(?:2\.[234]|3\.|6\.|7\.)")
ACTIONS = {
    "delivered": EventKind.DELIVERED,
    "relayed": EventKind.ACCEPTED,
    "expanded": EventKind.ACCEPTED,
    "delayed": EventKind.DEFERRED,
}
FEEDBACK = {
    "abuse": EventKind.COMPLAINED,
    "fraud": EventKind.COMPLAINED,
    "opt-out": EventKind.UNSUBSCRIBED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
}

Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a message: its header fields, the first of each name, and its octets."""

    fields: Fields
    body: bytes

    @property
    def kind(self) -> str:
        return self.fields.get("content-type", "text/plain").partition(";")[0].strip().lower()


def read_report(raw: bytes) -> list[ProviderEvent]:
    """What a mail tells of ours, an event for each recipient it names; none if it is no report.

    The mail is known by the Message-ID in what the report returns, else by what the report answers; a report
    of a report names none of ours.
    Raises Unreadable for what is no mail.
    """
    whole = _part(raw)
    if not whole.fields or not ({"from", "to", "subject", "date", "content-type"} & whole.fields.keys()):
        raise Unreadable("This is no mail: it has no header.")
    parts = list(_parts(whole, 0))
    returned = next((found for part in parts if (found := _returned(part)) is not None), None)
    answered = MESSAGE_ID.search(whole.fields.get("in-reply-to", ""))
    message_id = returned if returned is not None else answered[0] if answered else ""
    if not message_id:
        return []
    for part in parts:
        if part.kind in ("message/delivery-status", "message/global-delivery-status"):
            return _delivery(part, message_id)
        if part.kind == "message/feedback-report":
            return _feedback(part, message_id)
    return []


def _parts(whole: Part, deep: int) -> Iterator[Part]:
    """The leaves of a message, from left to right; what was returned is one, whatever it holds."""
    if not whole.kind.startswith("multipart/"):
        yield whole
        return
    found = BOUNDARY.search(whole.fields.get("content-type", ""))
    if found is None or deep >= MOST_DEEP:
        return
    mark = b"--" + (found[1] or found[2]).encode("utf-8", "surrogateescape")
    for piece in _pieces(whole.body, mark):
        yield from _parts(_part(piece), deep + 1)


def _pieces(body: bytes, mark: bytes) -> Iterator[bytes]:
    """What stands between lines that begin with the mark; the last one may be cut off."""
    start: int | None = None
    at = 0 if body.startswith(mark) else body.find(b"\n" + mark) + 1
    if not at and not body.startswith(mark):
        return
    for _ in range(MOST_PARTS):
        if start is not None:
            yield body[start:at]
        if body[at + len(mark) : at + len(mark) + 2] == b"--":
            return
        line = body.find(b"\n", at)
        if line < 0:
            return
        start = line + 1
        following = body.find(b"\n" + mark, line)
        if following < 0:
            yield body[start:]
            return
        at = following + 1


def _part(raw: bytes) -> Part:
    head = re.search(rb"\r?\n\r?\n", raw[:LONGEST_HEAD])
    if raw[:1] == b"\n" or raw[:2] == b"\r\n":  # a part without header fields
        return Part({}, raw)
    end, begin = (head.start(), head.end()) if head else (min(len(raw), LONGEST_HEAD), len(raw))
    return Part(_fields(raw[:end]), raw[begin:])


def _fields(block: bytes) -> Fields:
    """Header fields by name in lower case, unfolded; of those that come twice the first counts."""
    text = block.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    found: Fields = {}
    for line in re.sub(r"\n[ \t]+", " ", text).split("\n"):
        if match := FIELD.match(line):
            found.setdefault(match[1].lower(), match[2].strip()[:5000])
    return found


def _returned(part: Part) -> str | None:
    """The Message-ID of what is returned, whole or its header; empty if it has none, None if nothing is."""
    if part.kind in ("message/rfc822", "message/global"):
        original = _part(_decoded(part)).fields
    elif part.kind in ("text/rfc822-headers", "message/global-headers"):
        original = _fields(_decoded(part))
    else:
        return None
    match = MESSAGE_ID.search(original.get("message-id", ""))
    return match[0] if match else ""


def _decoded(part: Part) -> bytes:
    """The beginning of a part's octets. Encodings are forbidden there (RFC 3464 §2), and come nevertheless."""
    body = part.body[:LONGEST_FIELDS]
    how = part.fields.get("content-transfer-encoding", "").lower()
    if how == "base64":
        clean = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
        try:
            return base64.b64decode(clean[: len(clean) // 4 * 4])
        except binascii.Error:
            return b""
    return quopri.decodestring(body) if how == "quoted-printable" else body


def _groups(part: Part) -> list[Fields]:
    """The blocks of fields that empty lines part: of the message, then of each recipient."""
    text = _decoded(part).replace(b"\r\n", b"\n")
    blocks = [_fields(block) for block in re.split(rb"\n[ \t]*\n", text.strip())[: MOST_RECIPIENTS + 1]]
    return [block for block in blocks if block]


def _delivery(part: Part, message_id: str) -> list[ProviderEvent]:
    groups = [group for group in _groups(part) if "action" in group or "status" in group]
    events = {event.id: event for group in groups if (event := _of_recipient(group, message_id))}
    return list(events.values())


def _of_recipient(group: Fields, message_id: str) -> ProviderEvent | None:
    said = STATUS.search(group.get("status", "")) or STATUS.search(group.get("diagnostic-code", ""))
    status = said[0] if said else ""
    words = group.get("action", "").split()
    action = words[0].lower() if words else "failed" if status.startswith("5") else ""
    if action == "failed":
        of_address = (not status or status.startswith("5")) and not NOT_THE_ADDRESS.match(status)
        kind = EventKind.BOUNCED if of_address else EventKind.REJECTED
    elif action in ACTIONS:
        kind = ACTIONS[action]
    else:
        return None
    return _event(kind, message_id, _recipient(group), " ".join((status, _said(group))).strip())


def _feedback(part: Part, message_id: str) -> list[ProviderEvent]:
    fields = next(iter(_groups(part)), {})
    kind = FEEDBACK.get(fields.get("feedback-type", "").lower())
    if kind is None:
        return []
    recipient = _address(fields.get("original-rcpt-to", ""))
    return [_event(kind, message_id, recipient, fields.get("user-agent", "")[:300])]


def _recipient(group: Fields) -> str | None:
    for name in ("final-recipient", "original-recipient"):
        _, _, address = group.get(name, "").rpartition(";")
        if found := _address(address):
            return found
    return None


def _address(given: str) -> str | None:
    found = given.strip().strip("<>")
    return found[:320] if "@" in found else None


def _said(group: Fields) -> str:
    kind, separator, said = group.get("diagnostic-code", "").partition(";")
    return " ".join((said if separator else kind).split())[:500]


def _event(kind: EventKind, message_id: str, recipient: str | None, detail: str) -> ProviderEvent:
    """The same report told again has the same id; so has one that another server repeats."""
    told: Sequence[str] = (message_id, kind.value, recipient or "")
    id = hashlib.sha256("\n".join(told).encode("utf-8", "replace")).hexdigest()[:40]
    return ProviderEvent(kind, f"report:{id}", message_id=message_id, recipient=recipient, detail=detail)
