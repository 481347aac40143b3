"""MJML made into HTML, and style sheets written into the elements: once per version, never per person."""

from __future__ import annotations

import re

import css_inline
import mrml

from autoloop.mail.templates.shield import Shield, in_places

__all__ = ["CannotStyleError", "html_of_mjml", "inlined"]

MAX_MJML = 200_000

_INLINER = css_inline.CSSInliner(
    load_remote_stylesheets=False, keep_style_tags=True, keep_at_rules=True, keep_link_tags=True
)
_STYLED = re.compile(r"<style\b", re.IGNORECASE)


class CannotStyleError(ValueError):
    """The source cannot be compiled; the text says why."""


def html_of_mjml(source: str) -> str:
    """The HTML of an MJML document. Nothing is included or fetched. Raises CannotStyleError."""
    if len(source) > MAX_MJML:
        raise CannotStyleError(f"MJML may have {MAX_MJML:,} characters at the most.")
    shield = Shield(source)
    try:
        made = mrml.to_html(shield.text, parser_options=mrml.ParserOptions(include_loader=mrml.noop_loader()))
    except OSError as error:
        raise CannotStyleError(f"This is no MJML: {str(error)[:300]}") from None
    return shield.restore(made.content)


def inlined(html: str) -> str:
    """The HTML with its `<style>` rules in the elements' own `style`; media queries stay where they are.

    Many mail readers drop style sheets. HTML without any stays as it was written. Raises CannotStyleError.
    """
    if not _STYLED.search(html):
        return html
    shield = in_places(html)
    try:
        return shield.restore(_INLINER.inline(shield.text))
    except (css_inline.InlineError, ValueError) as error:
        raise CannotStyleError(f"The style sheet cannot be read: {str(error)[:300]}") from None
