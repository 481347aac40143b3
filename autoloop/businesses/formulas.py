"""Text that a spreadsheet would run as a formula: made harmless going out, restored coming in.

A cell that starts with = + - @, a tab or a carriage return gets an apostrophe before it (OWASP, "CSV
Injection"). So does one that already looks like a guarded cell; thus reading back gives the same text.
"""

from __future__ import annotations

import re

__all__ = ["guard", "unguard"]

RISKY = re.compile(r"'*[=+\-@\t\r\n]")
GUARDED = re.compile(r"'+[=+\-@\t\r\n]")
FIRST = frozenset("'=+-@\t\r\n")


def guard(text: str) -> str:
    return f"'{text}" if text and text[0] in FIRST and RISKY.match(text) else text


def unguard(text: str) -> str:
    return text[1:] if text and text[0] == "'" and GUARDED.match(text) else text
