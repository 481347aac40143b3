"""What a new template starts with."""

from __future__ import annotations

from typing import Any

from autoloop.base.i18n import _

__all__ = ["STARTERS", "starter"]

_EMPTY: dict[str, Any] = {"name": "", "preheader": "", "text_source": None, "field_rules": {}}

_LETTER = """\
Hello {{ contact.first_name | default: "there" }},

write what you want to say here. **Bold**, [links](https://example.com) and lists work.

Kind regards\x20\x20
{{ sender.name }}
"""

_NEWSLETTER = """\
<mjml>
  <mj-head>
    <mj-attributes>
      <mj-all font-family="Helvetica, Arial, sans-serif" />
      <mj-text font-size="16px" line-height="1.5" color="#1c1f23" padding="8px 24px" />
      <mj-button background-color="#0b6b57" border-radius="8px" font-size="16px" padding="16px 24px" align="left" />
    </mj-attributes>
    <mj-style>
      @media (prefers-color-scheme: dark) {
        .paper, .paper td { background-color: #22262b !important; }
        .paper div, .paper p { color: #e8e6e1 !important; }
      }
    </mj-style>
  </mj-head>
  <mj-body background-color="#f5f5f3">
    <mj-section css-class="paper" background-color="#ffffff" padding="24px 0">
      <mj-column>
        <mj-text font-size="24px" line-height="1.25">News for {{ contact.first_name | default: "you" }}</mj-text>
        <mj-text>Say in two sentences why it is worth reading on.</mj-text>
        <mj-button href="https://example.com">Read more</mj-button>
      </mj-column>
    </mj-section>
    <mj-section css-class="paper" background-color="#ffffff" padding="0 0 24px">
      <mj-column>
        <mj-text><b>One thing</b><br />These two stand side by side, on a phone below one another.</mj-text>
      </mj-column>
      <mj-column>
        <mj-text><b>Another</b><br />{% if business.name %}Made for {{ business.name }}.{% else %}Made for you.{% endif %}</mj-text>
      </mj-column>
    </mj-section>
    <mj-section>
      <mj-column>
        <mj-text font-size="13px" color="#555555">Sent by {{ sender.name }}</mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
"""

_PAGE = """\
<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
  body { margin: 0; background: #ffffff; color: #1c1f23; font: 16px/1.5 Helvetica, Arial, sans-serif; }
  .mail { max-width: 600px; margin: 0 auto; padding: 24px; }
  .mail a { color: #0b6b57; }
  @media (prefers-color-scheme: dark) {
    body { background: #16191d !important; color: #e8e6e1 !important; }
    .mail a { color: #6fd3bb !important; }
  }
</style>
</head>
<body>
<div class="mail">
  <p>Hello {{ contact.first_name | default: "there" }},</p>
  <p>write what you want to say here, with <a href="https://example.com">links</a>.</p>
  <p>Kind regards<br>{{ sender.name }}</p>
</div>
</body>
</html>
"""

_QUESTION = 'A question about {{ business.name | default: "your company" }}'

STARTERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "letter": (_("Letter"), {"kind": "markdown", "subject": _QUESTION, "source": _LETTER}),
    "newsletter": (
        _("Newsletter in MJML"),
        {"kind": "mjml", "subject": "News of this month", "source": _NEWSLETTER},
    ),
    "page": (_("HTML of your own"), {"kind": "html", "subject": _QUESTION, "source": _PAGE}),
}


def starter(name: str) -> dict[str, Any]:
    """The fields of a new template; those of the letter if there is none of this name."""
    return _EMPTY | STARTERS.get(name, STARTERS["letter"])[1]
