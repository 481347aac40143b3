"""What a person wrote, made ready: compiled once, checked for what Liquid cannot read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from autoloop.base.errors import Invalid
from autoloop.base.liquid import HEADER, HTML, TEXT, Profile, TemplateInvalid, parse
from autoloop.mail.headers import faults_of
from autoloop.mail.templates.files import with_pictures
from autoloop.mail.templates.markdown import document
from autoloop.mail.templates.markup import MAX_DEPTH, CannotStyleError, depth_fault
from autoloop.mail.templates.mjml import html_of_mjml
from autoloop.mail.templates.plaintext import text_of
from autoloop.mail.templates.shield import Shield
from autoloop.mail.templates.styled import inlined
from autoloop.mail.tracking.finding import find_links

__all__ = ["PREHEADER", "Draft", "compile_draft"]

SCHEMA = 1
MAX_MARKDOWN = 100_000  # the parser needs a second for this much of the worst kind
PREHEADER = "<!--preheader-->"
_BODY = re.compile(r"<body\b[^<>]{0,2000}>", re.IGNORECASE)


@dataclass(frozen=True)
class Draft:
    """A version before it has a number. Has all that rendering reads."""

    kind: str
    subject: str
    preheader: str
    source: str
    text_source: str | None
    field_rules: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)
    compiled: dict[str, Any] = field(default_factory=dict)

    @property
    def checksum(self) -> bytes:
        """Of all that was written: equal drafts make no second version."""
        written: list[Any] = [self.kind, self.subject, self.preheader, self.source, self.text_source]
        written.append(self.field_rules)
        if self.headers or self.files:
            written += [self.headers, self.files]
        return hashlib.sha256(orjson.dumps(written, option=orjson.OPT_SORT_KEYS)).digest()


def compile_draft(given: Mapping[str, Any]) -> Draft:
    """A draft ready to be rendered.

    :raises Invalid: with the messages of every part that Liquid cannot read, each with its line.
    """
    draft = Draft(
        given["kind"],
        given["subject"].strip(),
        (given.get("preheader") or "").strip(),
        given["source"],
        given.get("text_source") or None,
        given.get("field_rules") or {},
        given.get("headers") or {},
        given.get("files") or [],
    )
    problems: dict[str, list[str]] = {}
    if faults := faults_of(draft.headers):
        problems["headers"] = faults
    for name, text, profile in (
        ("subject", draft.subject, HEADER),
        ("preheader", draft.preheader, HEADER),
        ("source", draft.source, HTML),
        ("text_source", draft.text_source or "", TEXT),
    ):
        if (problem := _problem(text, profile)) is not None:
            problems[name] = [problem]
    if draft.kind == "markdown" and len(draft.source) > MAX_MARKDOWN:
        problems["source"] = [f"Markdown may have {MAX_MARKDOWN:,} characters at the most."]
    if not problems:
        try:
            compiled = _compile(draft)
        except CannotStyleError as error:
            problems["source"] = [str(error)]
        else:
            if (problem := _problem(compiled["html"], HTML)) is not None:
                problems["source"] = [problem]
    if problems:
        raise Invalid("The template cannot be used as it is.", code="TEMPLATE_INVALID", details=problems)
    return Draft(**{**draft.__dict__, "compiled": compiled})


def _problem(text: str, profile: Profile) -> str | None:
    try:
        parse(text, profile)
    except TemplateInvalid as error:
        return error.message
    return None


def _compile(draft: Draft) -> dict[str, Any]:
    html, inlined_all = _html(draft)
    text = draft.text_source or _text_from(html)
    html, shown = with_pictures(html, draft.files)
    body = _BODY.search(html)
    at = body.end() if body else 0
    html = html[:at] + PREHEADER + html[at:] if draft.preheader else html
    return {
        "schema": SCHEMA,
        "html": html,
        "links": find_links(html),
        "text": text,
        "text_derived": draft.text_source is None,
        **({} if inlined_all else {"inlined": False}),
        **({"shown": shown} if shown else {}),
    }


def _html(draft: Draft) -> tuple[str, bool]:
    """The source as a document with its styles in the elements, and whether they are. Raises CannotStyleError."""
    if draft.kind == "mjml":
        return html_of_mjml(draft.source)
    html = document(draft.source) if draft.kind == "markdown" else draft.source
    if (line := depth_fault(html)) is not None:
        raise CannotStyleError(f"Line {line}: elements are more than {MAX_DEPTH} deep inside one another.")
    styled = inlined(html)
    return (html, False) if styled is None else (styled, True)


def _text_from(html: str) -> str | None:
    """Text with the Liquid of the HTML; None where tags and Liquid are entangled, as in attributes."""
    shield = Shield(html)
    text = shield.restore(text_of(shield.text))
    return text if _problem(text, TEXT) is None else None
