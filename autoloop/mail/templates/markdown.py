"""Markdown as a whole, plain, readable mail."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from autoloop.mail.templates.shield import Shield

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

__all__ = ["document"]

_STYLE = """
body{margin:0;padding:0;background:#fff;color:#1c1f23}
.mail{max-width:600px;margin:0 auto;padding:24px;font:16px/1.55 -apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}
.mail h1{font-size:24px;line-height:1.25}.mail h2{font-size:20px}.mail h3{font-size:17px}
.mail a{color:#0b6b57}.mail img{max-width:100%;height:auto}.mail hr{border:0;border-top:1px solid #ddd;margin:24px 0}
.mail blockquote{margin:0;padding-left:16px;border-left:3px solid #ddd;color:#555}
.mail table{border-collapse:collapse}.mail th,.mail td{padding:6px 12px;border-bottom:1px solid #ddd;text-align:left}
.mail pre{padding:12px;background:#f5f5f3;overflow:auto}
@media (prefers-color-scheme:dark){body{background:#16191d!important;color:#e8e6e1!important}.mail a{color:#6fd3bb!important}
.mail blockquote{color:#b5b2ac!important}.mail pre{background:#22262b!important}}
""".strip()

_FRAME = """<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>
{style}
</style>
</head>
<body>
<div class="mail">
{body}</div>
</body>
</html>
"""


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt  # here, because workers never need it and would start a tenth later

    return MarkdownIt("commonmark", {"html": True, "maxNesting": 20}).enable(["table", "strikethrough"])


def document(source: str) -> str:
    """The HTML document of a Markdown source. Liquid in it stays as it is."""
    shield = Shield(source)
    body = shield.restore_html(_markdown().render(shield.text))
    return _FRAME.replace("{style}", _STYLE).replace("{body}", body)
