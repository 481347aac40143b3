"""A version filled for one person: places, rules for empty fields, and the text of HTML."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from autoloop.base.errors import Invalid
from autoloop.mail.render import Problem, check, context_for, fields_read, missing, render
from autoloop.mail.templates.plaintext import text_of
from autoloop.mail.templates.source import Draft, compile_draft

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def draft(**given: Any) -> Draft:
    return compile_draft({"kind": "html", "subject": "s", "source": "<p>b</p>"} | given)


def test_each_place_escapes_in_its_own_way() -> None:
    made = render(
        draft(
            subject="Hi {{ contact.name }}",
            preheader="For {{ contact.name }}",
            source="<html><body class='a'><p>{{ contact.name }}</p></body></html>",
        ),
        {"contact": {"name": 'A & <B>\r\nBcc: x@y.z {{ "s" }}'}},
    )
    assert made.subject == 'Hi A & <B> Bcc: x@y.z {{ "s" }}'
    assert "<p>A &amp; &lt;B&gt;\r\nBcc: x@y.z {{ &#34;s&#34; }}</p>" in made.html
    assert made.html.startswith("<html><body class='a'><div style=\"display:none")
    assert "For A &amp; &lt;B&gt; Bcc:" in made.html
    assert made.text == 'A & <B>\nBcc: x@y.z {{ "s" }}\n'


def test_same_version_context_and_moment_give_the_same_bytes() -> None:
    version = draft(source="{{ contact.a }} {{ now | date: '%F' }}", subject="{{ contact.b.c }}")
    data = {"contact": {"a": 1, "b": {"c": 2, "d": 3}, "z": "secret"}, "business": {"name": "x"}}
    kept = context_for(version, data, NOW)
    assert kept == {"now": NOW.isoformat(), "contact": {"a": 1, "b": {"c": 2}}}
    assert render(version, kept) == render(version, data, NOW)
    assert render(version, kept).html == "1 2026-05-04"


def test_markdown_keeps_liquid_and_links() -> None:
    source = """# Hello {{ contact.name | default: "you" }}

{% if contact.vip %}

You are **dear** & rare.

{% endif %}

* one
* [two]({{ workspace.url }}?a=1&b={{ contact.id | url_encode }})
"""
    made = render(
        draft(kind="markdown", source=source),
        {"contact": {"vip": True, "id": "x y"}, "workspace": {"url": "https://w.example"}},
    )
    assert ">Hello you</h1>" in made.html
    assert "<p>You are <strong>dear</strong> &amp; rare.</p>" in made.html
    assert '<a href="https://w.example?a=1&amp;b=x+y"' in made.html
    assert made.text == "Hello you\n\nYou are dear & rare.\n\n- one\n- two (https://w.example?a=1&b=x+y)\n"


def test_text_is_made_from_the_result_where_liquid_and_tags_are_entangled() -> None:
    version = draft(
        source="<ul>{% for i in event.items %}<li {% if i == 'b' %}>{% else %}class='x'>{% endif %}{{ i }}</li>{% endfor %}</ul>"
    )
    assert render(version, {"event": {"items": ["a", "b & c"]}}).text == "- a\n- b & c\n"


def test_the_rule_of_a_field_decides_when_it_is_empty() -> None:
    version = draft(
        subject="{{ contact.a }}",
        source="{{ contact.b }}{{ contact.c }}{{ contact.d | default: 'x' }}{% if contact.e %}{{ contact.e }}{% endif %}",
        field_rules={"contact.b": {"rule": "fallback", "value": "<B>"}, "contact.c": {"rule": "send"}},
    )
    assert render(version, {"contact": {"a": "A"}}).html == "&lt;B&gt;x"
    assert missing(version, {"contact": {"a": "A"}}) == (False, ["contact.c"])
    assert missing(version, {"contact": {"a": "", "c": 1}}) == (True, ["contact.a"])
    assert missing(version, {"contact": {"a": 0, "c": False}}) == (False, [])


def test_check_tells_unknown_from_empty_and_from_later() -> None:
    version = draft(
        subject="{{ contact.frist_name }} {{ contact.last_name }} {{ event.order }} {{ nobody }} {{ business.name }}"
    )
    person = {"contact": {"first_name": "A", "last_name": ""}, "business": None}
    assert [(problem.kind, problem.field, problem.rule) for problem in check(version, person)] == [
        ("unknown", "contact.frist_name", "skip"),
        ("later", "event.order", "skip"),
        ("unknown", "nobody", "skip"),
        ("empty", "contact.last_name", "skip"),
        ("empty", "business.name", "skip"),
    ]
    broken = draft(source="{{ 1 | divided_by: contact.n }}")
    assert check(broken, {"contact": {"n": 0}}) == [Problem("broken", "", "", "Line 1: “divided_by” by zero")]
    assert [(each.path, each.shown, each.default, each.places) for each in fields_read(broken)] == [
        ("contact.n", True, False, ("html", "text"))
    ]


def test_what_liquid_cannot_read_is_refused_with_its_part_and_line() -> None:
    with pytest.raises(Invalid) as caught:
        draft(subject="{{ a", source="<p>\n{% include 'x' %}", text_source="{{ a | nope }}")
    assert caught.value.details == {
        "subject": ["Line 1: “{{” is not closed by “}}” within 2,000 characters"],
        "source": ["Line 2: unexpected tag 'include'"],
        "text_source": ["Line 1: there is no filter “nope”"],
    }


def test_html_becomes_readable_text() -> None:
    page = """<!doctype html><html><head><title>no</title><style>p > a {}</style></head><body>
    <div style="display: none">hidden <div>too</div></div>
    <h1>Title &amp; more</h1><p>One<br>two <b>three</b>&nbsp;<a href="https://a.example/x?y=1&amp;z=2">go</a>
    <a href='mailto:me@a.example'>me@a.example</a> <a href="#top">up</a> <img src="x" alt="A > picture"> 3 < 4</p>
    <ul><li>a</li><li>b</li></ul><table><tr><td>c</td><td>d</td></tr></table><hr><pre>x
  y</pre><script>if (a < b) {}</script><!-- no > --></body></html>"""
    assert text_of(page) == (
        "Title & more\n\nOne\ntwo three go (https://a.example/x?y=1&z=2) me@a.example up A > picture 3 < 4\n\n"
        "- a\n- b\n\nc d\n\n---\n\nx\ny\n"
    )


@pytest.mark.parametrize(
    "piece", ["<", "<a ", "<a '", "<!--", "<div style='display:none'>", "<style>", "<a href=x>", "&#"]
)
def test_hostile_html_is_read_in_one_pass(piece: str) -> None:
    start = time.process_time()
    text_of(piece * (400_000 // len(piece)))
    assert time.process_time() - start < 2
