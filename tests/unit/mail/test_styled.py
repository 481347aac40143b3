"""MJML and style sheets become what mail readers show; Liquid comes through untouched."""

from __future__ import annotations

import re
from contextlib import suppress
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoloop.base.errors import Invalid
from autoloop.mail.render import render
from autoloop.mail.templates.markup import CannotStyleError
from autoloop.mail.templates.source import compile_draft
from autoloop.mail.templates.styled import inlined

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


def refused(kind: str, source: str) -> str:
    with pytest.raises(Invalid) as caught:
        compile_draft({"kind": kind, "subject": "Hi", "source": source})
    return str(caught.value.details["source"][0])


def mjml(body: str, head: str = "") -> str:
    return f"<mjml><mj-head>{head}</mj-head><mj-body>\n{body}\n</mj-body></mjml>"


def test_liquid_between_the_parts_of_mjml_is_not_lost() -> None:
    section = "<mj-section><mj-column><mj-text>{{ tag }}!</mj-text></mj-column></mj-section>"
    html = made("mjml", mjml(f"{{% for tag in contact.tags %}}{section}{{% endfor %}}"))
    assert html.index("one!") < html.index("two!")


def test_only_the_inline_styles_of_mjml_go_into_its_elements() -> None:
    head = '<mj-style inline="inline">.a b { color: red }</mj-style><mj-style>.a b { margin: 1px }</mj-style>'
    text = '<mj-section><mj-column><mj-text css-class="a"><b>{{ contact.id }}</b></mj-text></mj-column></mj-section>'
    html = made("mjml", mjml(text, head))
    assert '<b style="color: red;">7</b>' in html
    assert ".a b { margin: 1px }" in html
    assert "googleapis" not in html


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (mjml("<mj-section>\n<mj-column></mj-section>"), "Line 3: </mj-section> ends nothing"),
        (mjml("<mj-section>"), "Line 3: </mj-body> ends nothing, but <mj-section> of line 2 is open"),
        (mjml("\n<mj-text>{{ contact.id\n}} 1 < 2</mj-text>"), "Line 4: a “<” that starts no element"),
        (mjml('<mj-include path="/etc/passwd" />'), "Line 2: mj-include"),
        (mjml("<mj-social>\n{{ contact.id }}</mj-social>"), "Line 2: this MJML cannot be read"),
        (mjml("<mj-text><b>" * 300 + "</b></mj-text>" * 300), "200 deep"),
    ],
)
def test_what_is_wrong_with_mjml_is_told_with_its_line(source: str, told: str) -> None:
    assert told in refused("mjml", source)


@pytest.mark.parametrize(
    "body",
    [
        "{% if contact.vip %}<div class=a>{% else %}<div class=b>{% endif %}x</div>",
        "<table><p>x</p>{{ contact.id }}<tr><td>y</td></tr></table>",
        "<svg><text>x</text></svg>",
        "<{{ contact.id }}>x</{{ contact.id }}>",
    ],
)
def test_what_a_parser_would_change_keeps_its_style_sheet(body: str) -> None:
    source = f"<html><head><style>div {{ color: red }}</style></head><body>{body}</body></html>"
    assert compile_draft({"kind": "html", "subject": "Hi", "source": source}).compiled["html"] == source


STYLE = "<style>p { color: red }</style>"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (STYLE + "<div>" * 60_000, "Line 1: elements are more than 200 deep"),
        (STYLE + "<b><p>" * 40_000, "200 deep"),
        (STYLE + "<div><table></div></table>" * 15_000, "200 deep"),
        ("{{ contact.id }}" * 5_000, "1,000"),
        ("{% if contact.vip %}" * 400 + "{% endif %}" * 400, "inside one another"),
    ],
)
def test_what_is_too_much_is_refused(source: str, told: str) -> None:
    assert told in refused("html", source)


@pytest.mark.parametrize("part", ["<!--", "<style", "<style>", "<a '", "<!", "</", '<b a="', "<title>x"])
def test_unended_markup_costs_little(part: str) -> None:
    began = process_time()
    with suppress(Invalid):
        compile_draft({"kind": "html", "subject": "Hi", "source": STYLE + part * (400_000 // len(part))})
    assert process_time() - began < 5


pieces_of_mail = st.sampled_from(
    [
        *(
            "<p>",
            "</p>",
            "<div>",
            "</div>",
            "<table>",
            "<tr><td>",
            "</td></tr>",
            "</table>",
            "<b x='",
            "'>",
            '"',
        ),
        *(
            "{{ contact.id }}",
            "{% if contact.vip %}",
            "{% endif %}",
            "text & ",
            "<!--",
            "-->",
            "<style>",
            "</style>",
        ),
        *(
            "<![if x]>",
            "<a href={{ contact.id }}>",
            "<br {{ contact.id }}>",
            "<",
            "p{color:red}",
            "</b>",
            "<li>",
        ),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(pieces_of_mail, max_size=25))
def test_liquid_comes_through_whole_and_in_order(parts: list[str]) -> None:
    source = STYLE + "".join(parts)
    tags = re.compile(r"\{[{%].*?[%}]\}")
    try:
        html = inlined(source)
    except CannotStyleError:
        return
    if html is not None:
        assert tags.findall(html) == tags.findall(source)
