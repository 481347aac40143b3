"""The text of an HTML mail, for readers without HTML. Links keep their addresses.

One pass with `find`: the standard library's parser can be made to take seconds by a few unclosed tags.
"""

from __future__ import annotations

import html
import re

__all__ = ["tag_end", "text_of", "tidy"]

_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9]*)")
_SPACES = re.compile(r"\s+")
_BLANK_LINES = re.compile(r"\n{3,}")
_SKIPPED = frozenset({"style", "script", "title", "template"})
_PARAGRAPHS = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre", "hr"}
)
_LINES = frozenset({"div", "tr", "li", "section", "article", "header", "footer", "center", "body"})
MAX_TAG = 10_000


def text_of(source: str) -> str:
    """Readable text of this HTML: headings, paragraphs, lists, and links as “label (address)”."""
    writer = _Writer()
    lower = source.lower()
    at = 0
    while (start := source.find("<", at)) >= 0:
        writer.text(source[at:start])
        if source.startswith("<!--", start):
            end = source.find("-->", start)
            at = end + 3 if end >= 0 else len(source)
            continue
        name = _NAME.match(source, start + 1)
        if name is None and not source.startswith(("<!", "<?"), start):
            writer.text("<")
            at = start + 1
            continue
        end = tag_end(source, start)
        tag, at = source[start + 1 : end], end + 1
        if name is None:
            continue
        kind = name[1].lower()
        if kind in _SKIPPED and not tag.startswith("/"):
            closing = lower.find(f"</{kind}", at)
            at = closing if closing >= 0 else len(source)
        elif not tag.startswith("/") and _is_hidden(tag):
            at = _after_element(lower, kind, at)
        else:
            writer.tag(kind, tag)
    writer.text(source[at:])
    return writer.finish()


def tidy(text: str) -> str:
    """Without white space at the ends of lines and without more than one empty line in a row."""
    text = "\n".join([line.strip() for line in text.split("\n")])
    if "\n\n\n" in text:  # as a look costs a tenth of the substitution, and each mail is tidied
        text = _BLANK_LINES.sub("\n\n", text)
    return text.strip() + "\n"


def tag_end(source: str, start: int) -> int:
    """Where a tag ends; a “>” inside quotes does not count, unless the quote never ends."""
    window = source[start : start + MAX_TAG]
    at, quote = 1, ""
    while at < len(window):
        sign = window[at]
        if quote:
            closing = window.find(quote, at)
            if closing < 0:
                break
            at, quote = closing + 1, ""
            continue
        if sign in "\"'" and window[at - 1] in "= ":
            quote = sign
        elif sign == ">":
            return start + at
        at += 1
    end = source.find(">", start)
    return end if end >= 0 else len(source)


def _is_hidden(tag: str) -> bool:
    style = _attribute(tag, "style")
    return bool(style) and "display:none" in _SPACES.sub("", style).lower()


def _after_element(lower: str, kind: str, at: int) -> int:
    """Behind the end of an element whose start tag was just read; the end of all if it is never closed."""
    depth = 1
    for found in re.compile(rf"<(/?){kind}\b").finditer(lower, at):
        depth += -1 if found[1] else 1
        if not depth:
            end = lower.find(">", found.end())
            return end + 1 if end >= 0 else len(lower)
    return len(lower)


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf"""\b{name}\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", tag, re.IGNORECASE)
    if found is None:
        return ""
    return html.unescape(next(part for part in found.groups() if part is not None)).strip()


class _Writer:
    def __init__(self) -> None:
        self.out: list[str] = []
        self.links: list[tuple[str, int]] = []
        self.exact = 0

    def text(self, raw: str) -> None:
        if not raw:
            return
        plain = html.unescape(raw).replace("\xa0", " ").replace("\u200c", "").replace("\u200b", "")
        if not self.exact:
            plain = _SPACES.sub(" ", plain)
            if not self.out or self.out[-1].endswith(("\n", " ")):
                plain = plain.lstrip(" ")
        if plain:
            self.out.append(plain)

    def line(self, count: int) -> None:
        """End the line, and leave `count` - 1 empty ones, unless they are there already."""
        while self.out and self.out[-1] == " ":
            self.out.pop()
        tail = "".join(self.out[-3:])
        if tail:
            self.out.append("\n" * (count - len(tail) + len(tail.rstrip("\n"))))

    def tag(self, kind: str, tag: str) -> None:
        closing = tag.startswith("/")
        if kind == "br":
            self.out.append("\n")
        elif kind in _PARAGRAPHS:
            self.line(2)
            if kind == "hr":
                self.out.append("---\n\n")
            if kind == "pre":
                self.exact += -1 if closing else 1
        elif kind in _LINES:
            self.line(1)
            if kind == "li" and not closing:
                self.out.append("- ")
        elif kind in ("td", "th") and closing:
            self.text(" ")
        elif kind == "img":
            self.text(_attribute(tag, "alt"))
        elif kind == "a" and not closing:
            self.links.append((_attribute(tag, "href"), len(self.out)))
        elif kind == "a" and self.links:
            self._close_link(*self.links.pop())

    def _close_link(self, address: str, start: int) -> None:
        label = "".join(self.out[start:]).strip()
        bare = address.removeprefix("mailto:")
        if not bare or address.startswith("#") or bare.rstrip("/") == label.rstrip("/"):
            return
        self.out.append(f" ({bare})" if label else bare)

    def finish(self) -> str:
        return tidy("".join(self.out))
