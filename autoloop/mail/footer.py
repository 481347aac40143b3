"""The end of marketing mail: who sent it from where, the way to one's choices, and the way out."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape

from autoloop.base.i18n import _, language_of, words

__all__ = ["with_footer"]

_CLOSING = re.compile(r"</body\s*>", re.IGNORECASE)
UNSUBSCRIBE, CHOOSE = _("Unsubscribe"), _("Choose what you get")


@lru_cache(maxsize=256)
def _texts(locale: str) -> tuple[str, str]:
    language = language_of(locale)
    return words(language, UNSUBSCRIBE), words(language, CHOOSE)


def with_footer(
    html: str | None,
    text: str,
    *,
    postal_address: str,
    unsubscribe_url: str,
    preferences_url: str = "",
    locale: str = "en",
) -> tuple[str | None, str]:
    """Both bodies with postal address and links in the recipient's language, unless the template placed
    them already."""
    lines = [line.strip() for line in postal_address.splitlines() if line.strip()]
    address = ", ".join(lines)
    unsubscribe, choose = _texts(locale)
    links = [
        (title, url) for title, url in ((unsubscribe, unsubscribe_url), (choose, preferences_url)) if url
    ]
    parts = [address] if address and address not in text else []
    parts += [f"{title}: {url}" for title, url in links if url not in text]
    if parts:
        text = f"{text.rstrip()}\n\n-- \n" + "\n".join(parts) + "\n"
    return None if html is None else _with_html_footer(html, lines, links), text


def _with_html_footer(html: str, lines: list[str], links: list[tuple[str, str]]) -> str:
    parts = []
    if lines and escape(lines[0]) not in html:
        parts.append("<br>".join(escape(line) for line in lines))
    anchors = [
        f'<a href="{escape(url)}" style="color:inherit">{escape(title)}</a>'
        for title, url in links
        if escape(url) not in html
    ]
    if anchors:
        parts.append(" · ".join(anchors))
    if not parts:
        return html
    footer = (
        '<div style="margin:32px 0 0;padding:16px 0 0;border-top:1px solid #ddd;'
        'font:12px/1.5 sans-serif;color:#777">' + "<br>".join(parts) + "</div>"
    )
    ends = list(_CLOSING.finditer(html))
    at = ends[-1].start() if ends else len(html)
    return html[:at] + footer + html[at:]
