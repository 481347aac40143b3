"""The end of marketing mail: who sent it from where, and the way out."""

from __future__ import annotations

import re
from html import escape

__all__ = ["with_footer"]

_CLOSING = re.compile(r"</body\s*>", re.IGNORECASE)


def with_footer(
    html: str | None, text: str, *, postal_address: str, unsubscribe_url: str
) -> tuple[str | None, str]:
    """Both bodies with postal address and unsubscribe link, unless the template placed them already."""
    lines = [line.strip() for line in postal_address.splitlines() if line.strip()]
    address = ", ".join(lines)
    wants_address = bool(address) and address not in text
    wants_link = unsubscribe_url not in text
    if wants_address or wants_link:
        parts = [address] if wants_address else []
        parts += [f"Unsubscribe: {unsubscribe_url}"] if wants_link else []
        text = f"{text.rstrip()}\n\n-- \n" + "\n".join(parts) + "\n"
    if html is None:
        return None, text
    return _with_html_footer(html, lines, unsubscribe_url), text


def _with_html_footer(html: str, lines: list[str], unsubscribe_url: str) -> str:
    parts = []
    if lines and escape(lines[0]) not in html:
        parts.append("<br>".join(escape(line) for line in lines))
    if escape(unsubscribe_url) not in html:
        parts.append(f'<a href="{escape(unsubscribe_url)}" style="color:inherit">Unsubscribe</a>')
    if not parts:
        return html
    footer = (
        '<div style="margin:32px 0 0;padding:16px 0 0;border-top:1px solid #ddd;'
        'font:12px/1.5 sans-serif;color:#777">' + "<br>".join(parts) + "</div>"
    )
    ends = list(_CLOSING.finditer(html))
    at = ends[-1].start() if ends else len(html)
    return html[:at] + footer + html[at:]
