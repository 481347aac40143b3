"""Which headers people may add to a mail: by name from a list, and never one that we or a vendor write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from autoloop.mail.compose import is_unsafe

__all__ = ["MAX_HEADERS", "MAX_VALUE", "NAMES", "fault_of", "faults_of"]

NAMES = (
    *("Comments", "Importance", "Keywords", "Organization", "Priority", "Sensitivity"),
    *("List-Archive", "List-Help", "List-Owner", "List-Post"),
)
_KNOWN = frozenset(name.lower() for name in NAMES)
_OWN = re.compile(r"x-[a-z0-9][a-z0-9-]{0,57}\Z", re.IGNORECASE)
# What AutoLoop, vendors and filters read: with these a template could steer them.
_TAKEN = (
    *("x-autoloop", "x-pm-", "x-ses-", "x-sg-", "x-smtpapi", "x-mailgun-", "x-msg-", "x-resend", "x-mj-", "x-mc-"),
    *("x-google-", "x-gm-", "x-spam", "x-ms-", "x-microsoft", "x-forefront", "x-original", "x-forwarded"),
    *("x-sender", "x-authenticat", "x-received", "x-envelope", "x-rspamd", "x-virus", "x-dkim", "x-entity-ref"),
)  # fmt: skip
MAX_HEADERS = 10
MAX_VALUE = 500


def fault_of(name: str, value: str) -> str | None:
    """Why mail cannot have this header, or None. Values are text in any script, on one line."""
    if name.lower() not in _KNOWN and (not _OWN.match(name) or name.lower().startswith(_TAKEN)):
        shown = "" if is_unsafe(name) else f"“{name[:60]}”: "
        return f"{shown}This header cannot be set. Those that can are {', '.join(NAMES)}, and own ones that start with X-."
    if is_unsafe(value):
        return f"“{name}”: the value holds a line break, or signs that nobody sees."
    if not value.strip() or len(value) > MAX_VALUE:
        return f"“{name}”: the value needs 1 to {MAX_VALUE} characters."
    return None


def faults_of(headers: Mapping[str, Any]) -> list[str]:
    """All that is wrong with a template's headers, given by name."""
    if len(headers) > MAX_HEADERS:
        return [f"A template has at most {MAX_HEADERS} headers of its own."]
    found = [fault_of(name, value) for name, value in headers.items()]
    if len({name.lower() for name in headers}) < len(headers):
        found.append("The same header stands there twice.")
    return [fault for fault in found if fault is not None]
