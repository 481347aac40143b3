"""Which headers people may add to a mail: by name from a list, and never one that we or a vendor write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import colander

from autoloop.base.i18n import _
from autoloop.mail.compose import is_unsafe

__all__ = ["NAMES", "Headers", "fault_of", "faults_of", "headers_of", "headers_text", "joined"]

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
MAX_LINES = 500


class Headers(colander.SchemaType):  # type: ignore[misc]
    """{"X-Campaign": "spring"}, or one to a line as forms send it. Names and values are not checked here."""

    def serialize(self, node: Any, appstruct: Any) -> Any:
        return appstruct

    def deserialize(self, node: Any, cstruct: Any) -> Any:
        if cstruct is colander.null:
            return colander.null
        if isinstance(cstruct, str):
            return headers_of(cstruct)
        if not isinstance(cstruct, dict) or not all(isinstance(value, str) for value in cstruct.values()):
            raise colander.Invalid(node, _("Send an object of header to text."))
        return cstruct

    def cstruct_children(self, node: Any, cstruct: Any) -> list[Any]:
        return []


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
    """All that is wrong with headers of a template or sender, given by name."""
    if len(headers) > MAX_HEADERS:
        return [f"At most {MAX_HEADERS} headers can be added."]
    found = [fault_of(name, value) for name, value in headers.items()]
    if len({name.lower() for name in headers}) < len(headers):
        found.append("The same header stands there twice.")
    return [fault for fault in found if fault is not None]


def headers_of(text: str) -> dict[str, str]:
    """One header to a line, `Name: value`. What is none stays a name, for the check to refuse."""
    found: dict[str, str] = {}
    for line in text.replace("\r\n", "\n").split("\n")[:MAX_LINES]:
        name, _colon, value = line.partition(":")
        if line.strip():
            found[line.strip() if name.strip() in found else name.strip()] = value.strip()
    return found


def headers_text(headers: Mapping[str, str] | str | None) -> str:
    """Headers as forms have them, one to a line; what was posted stays as it is."""
    if isinstance(headers, str):
        return headers
    return "\n".join(f"{name}: {value}" for name, value in (headers or {}).items())


def joined(of_sender: Mapping[str, str], of_template: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Those of both, in the writing of the template where both have one."""
    names = {name.lower() for name in of_template}
    kept = [(name, value) for name, value in of_sender.items() if name.lower() not in names]
    return (*kept, *of_template.items())
