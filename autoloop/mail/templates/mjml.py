"""MJML compiled to HTML, with the Liquid in it untouched. Includes are never loaded."""

from __future__ import annotations

import re

import mrml

from autoloop.mail.templates.markup import MAX_DEPTH, VOID, CannotStyleError, depth_fault, line_of, pieces
from autoloop.mail.templates.shield import Shield
from autoloop.mail.templates.styled import inlined

__all__ = ["html_of_mjml"]

# Between the children of these, Liquid stands in an mj-raw of its own.
_HOLDING = frozenset(
    {"mjml", "mj-head", "mj-body", "mj-wrapper", "mj-section", "mj-group", "mj-column", "mj-hero"}
)
_INLINE = re.compile(
    r"""<mj-style\b[^<>]{0,200}?\sinline\s*=\s*(?:"inline"|'inline')[^<>]{0,200}>([^<]*)</mj-style\s*>""",
    re.IGNORECASE,
)
MAX_MJML = 200_000
_PLACE = re.compile(r" in root template(?: at position (\d+):\d+)?")


def html_of_mjml(source: str) -> tuple[str, bool]:
    """The HTML document of an MJML source, and whether its styles stand in the elements. Raises
    CannotStyleError.

    As MJML has it, only what stands in `<mj-style inline="inline">` goes into the elements.
    """
    if len(source) > MAX_MJML:
        raise CannotStyleError(f"MJML may have {MAX_MJML:,} characters at the most.")
    shield = Shield(source)
    _check_form(shield)
    marked = _marked(shield)
    css = "\n".join(_INLINE.findall(marked))
    if shield.found.search(css):
        raise CannotStyleError("Liquid cannot stand in an mj-style that is inlined.")
    marked = _INLINE.sub("", marked)
    try:
        # No fonts of other people's servers unless the source names one.
        options = mrml.RenderOptions(fonts={})
        made = mrml.to_html(marked, mrml.ParserOptions(include_loader=mrml.noop_loader()), options).content
    except (OSError, ValueError) as error:
        raise CannotStyleError(_told(str(error), marked, shield)) from None
    written, kept = set(shield.found.findall(marked)), set(shield.found.findall(made))
    for number in sorted(written - kept, key=int):
        at = source.find(shield.held[int(number)])
        raise CannotStyleError(f"Line {line_of(source, max(at, 0))}: Liquid cannot stand here in MJML.")
    html = shield.restore(made)
    styled = inlined(html, css) if css else html
    return (html, False) if styled is None else (styled, True)


def _check_form(shield: Shield) -> None:
    """What the compiler says poorly or not at all: ends that do not fit, a lone “<”, depth."""
    source, open_ = shield.text, []
    for kind, start, end, name in pieces(source):
        if kind == "text" and source[end - 1] == "<":
            raise CannotStyleError(
                f"Line {_line(shield, end)}: a “<” that starts no element. Write &lt; instead."
            )
        if kind == "open" and name not in VOID:
            open_.append((name, start))
        elif kind == "close" and name not in VOID:
            if not open_ or open_[-1][0] != name:
                wanted = (
                    f", but <{open_[-1][0]}> of line {_line(shield, open_[-1][1])} is open" if open_ else ""
                )
                raise CannotStyleError(f"Line {_line(shield, start)}: </{name}> ends nothing{wanted}.")
            open_.pop()
        elif kind in ("open", "alone") and name == "mj-include":
            raise CannotStyleError(
                f"Line {_line(shield, start)}: mj-include is not available: write it here."
            )
    if open_:
        raise CannotStyleError(f"Line {_line(shield, open_[-1][1])}: <{open_[-1][0]}> is never ended.")
    if depth_fault(source, optional=frozenset()) is not None:
        raise CannotStyleError(f"Elements are more than {MAX_DEPTH} deep inside one another.")


def _marked(shield: Shield) -> str:
    source, out, open_ = shield.text, [], []
    for kind, start, end, name in pieces(source):
        part = source[start:end]
        if kind == "open" and name not in VOID:
            open_.append(name)
        elif kind == "close" and open_:
            open_.pop()
        elif kind == "text" and open_ and open_[-1] in _HOLDING:
            part = shield.found.sub(lambda match: f"<mj-raw>{match[0]}</mj-raw>", part)
        out.append(part)
    return "".join(out)


def _line(shield: Shield, at: int) -> int:
    """The line in what was written: tags of Liquid may have several."""
    return line_of(restored := shield.restore(shield.text[:at]), len(restored))


def _told(message: str, marked: str, shield: Shield) -> str:
    found = _PLACE.search(message)
    what = _PLACE.sub("", message)
    if found is None or found[1] is None:
        return f"This MJML cannot be read: {what}."
    before = shield.restore(marked.encode()[: int(found[1])].decode(errors="replace"))
    return f"Line {before.count(chr(10)) + 1}: this MJML cannot be read: {what}."
