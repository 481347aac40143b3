"""MJML and style sheets become what mail readers show; Liquid comes through untouched."""

from __future__ import annotations

import pytest

from autoloop.base.errors import Invalid
from autoloop.mail.render import render
from autoloop.mail.templates.source import compile_draft

MJML = """<mjml><mj-head><mj-style>.warm { color: red }</mj-style></mj-head><mj-body>
  <mj-section><mj-column>
    <mj-text css-class="warm">Hello {{ contact.first_name }}, {% if contact.vip %}dear{% endif %} friend</mj-text>
    <mj-button href="https://x.example/{{ contact.id }}?a=1&amp;b=2">Look</mj-button>
    <mj-raw>{% for tag in contact.tags %}<p>{{ tag }}</p>{% endfor %}</mj-raw>
  </mj-column></mj-section></mj-body></mjml>"""

HTML = """<!doctype html><html><head><style>
  td { padding: 4px } .big { font-size: {{ contact.size }}px } @media (max-width: 600px) { td { padding: 1px } }
</style><link rel="stylesheet" href="http://127.0.0.1:9/never.css"></head><body>
<table>{% for tag in contact.tags %}<tr><td class="big">{{ tag }}</td></tr>{% endfor %}</table>
<a href="https://x.example/?q={{ contact.id }}">{{ contact.first_name }}</a></body></html>"""

ADA = {"contact": {"first_name": "Ada <b>", "id": "7", "tags": ["one", "two"], "vip": True, "size": 12}}


def made(kind: str, source: str) -> str:
    draft = compile_draft({"kind": kind, "subject": "Hi", "source": source})
    return render(draft, ADA).html


def test_mjml_becomes_tables_with_its_liquid() -> None:
    html = made("mjml", MJML)
    assert "<table" in html
    assert "<mj-" not in html
    assert "Hello Ada &lt;b&gt;, dear friend" in html
    assert html.count("<p>one</p><p>two</p>") == 1
    assert "https://x.example/7?a=1&amp;b=2" in html


def test_style_sheets_go_into_the_elements_and_loops_stay_in_their_tables() -> None:
    html = made("html", HTML)
    table = html[html.index("<table") : html.index("</table>")]
    assert table.count("<tr>") == 2
    assert table.index("one") < table.index("two")
    assert table.count("padding: 4px") == 2
    assert "font-size: 12px" in table
    assert "@media (max-width: 600px)" in html
    assert 'href="https://x.example/?q=7"' in html


def test_html_without_a_style_sheet_stays_as_it_was_written() -> None:
    source = "<p CLASS=x>{{ contact.first_name }}<br></P>"
    assert made("html", source) == "<p CLASS=x>Ada &lt;b&gt;<br></P>"


@pytest.mark.parametrize(
    "source",
    [
        "no mjml at all",
        "<mjml><mj-body></mjml>",
        "<mjml><mj-include path='/etc/passwd'/></mjml>",
        "<html></html>",
    ],
)
def test_what_is_no_mjml_is_refused_with_a_reason(source: str) -> None:
    with pytest.raises(Invalid) as caught:
        compile_draft({"kind": "mjml", "subject": "Hi", "source": source})
    assert caught.value.details["source"][0]
