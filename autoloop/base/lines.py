"""Text as it may be shown and written into headers: nothing in it ends a line, turns text around or hides.

What people give is refused with a message; what comes from elsewhere, such as names of contacts, is tidied.
"""

from __future__ import annotations

import re
from typing import Any

import colander

from autoloop.base.i18n import _

__all__ = ["few_lines", "one_line", "strip", "tidy"]

# Controls, line separators of Unicode, and marks that turn text around ("moc.knab" read as "bank.com").
# Joiners stay: emoji and some scripts need them.
_CONTROLS = "\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff"
_NOT_IN_A_LINE = re.compile(f"[\x00-\x1f{_CONTROLS}]+")
_NOT_IN_LINES = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f{_CONTROLS}]")


def tidy(value: str) -> str:
    """One line of it: a space stands where something else was that does not belong in a line."""
    return value.strip() if value.isprintable() else _NOT_IN_A_LINE.sub(" ", value).strip()


def strip(value: Any) -> Any:
    """A preparer: no white space around a text; anything else as it is."""
    return value.strip() if isinstance(value, str) else value


def one_line(node: colander.SchemaNode, value: str) -> None:
    """A validator: text of one line that can be seen."""
    if _NOT_IN_A_LINE.search(value):
        raise colander.Invalid(
            node, _("Must be one line, without control characters or marks that turn text around.")
        )


def few_lines(node: colander.SchemaNode, value: str) -> None:
    """A validator: lines of text that can be seen."""
    if _NOT_IN_LINES.search(value):
        raise colander.Invalid(node, _("Must not hold control characters or marks that turn text around."))
