"""What is wrong with a template: in plain words, with its line."""

from __future__ import annotations

from liquid.exceptions import LiquidError

from autoloop.base.errors import Invalid

__all__ = ["Fault", "TemplateInvalid", "explain"]


class TemplateInvalid(Invalid):
    """A template that cannot be read, or that would cost more than is allowed. `line` counts from 1."""

    default_code = "TEMPLATE_INVALID"

    def __init__(self, reason: str, line: int) -> None:
        self.line = line
        self.reason = reason
        message = f"Line {line}: {reason}"
        super().__init__(message, details={"source": [message]})


class Fault(Exception):
    """Raised inside the dialect; `at` is an index into the source, found on the way up if it is -1."""

    def __init__(self, reason: str, at: int = -1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.at = at

    def invalid(self, source: str) -> TemplateInvalid:
        return TemplateInvalid(self.reason, source.count("\n", 0, max(self.at, 0)) + 1)


def explain(error: LiquidError) -> Fault:
    """The library's words turned into plainer ones, where they need it."""
    at = error.token.start_index if error.token is not None else -1
    text = str(error.message or "this cannot be read")
    for raw, plain in _PLAIN.items():
        if raw in text:
            text = plain
            break
    if text.startswith("expected tag end") and "found" in text:
        name = text.split()[2].removesuffix(",")
        text = f"“{name.removeprefix('end')}” is not closed by “{{% {name} %}}”"
    return Fault(text.replace(" end of expression", " the end"), at)


_PLAIN = {
    "block nesting limit": "too many tags inside one another",
    "disallowed parentheses": "parentheses are not part of this dialect; use nested “if” tags",
    "disallowed ternary": "“if” inside an output is not part of this dialect; use an “if” tag",
    "disallowed not": "“not” is not part of this dialect; use “unless”",
    "unexpected liquid parsing error": "this cannot be read",
    "missing expression": "this tag needs something to work with",
}
