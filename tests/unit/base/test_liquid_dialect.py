"""The dialect gives what python-liquid itself gives, escapes by place, and knows what it reads."""

from __future__ import annotations

from datetime import UTC, datetime

import liquid
import pytest

from autoloop.base.liquid import (
    HEADER,
    HTML,
    TEXT,
    Field,
    TemplateInvalid,
    parse,
    parse_condition,
    parse_value,
)

NOW = datetime(2026, 3, 9, 8, 5, tzinfo=UTC)
DATA = {
    "contact": {
        "first_name": "Ann <b>",
        "age": 41,
        "score": 2.5,
        "tags": ["vip", "new", "vip"],
        "maybe": ["b", None, "a"],
        "city": "  São  Paulo\nBR ",
        "joined": "2026-01-31T10:00:00+00:00",
        "nickname": "",
        "no": False,
    },
    "event": {"items": [{"name": "pen", "price": 3}, {"name": "Ink", "price": 1.5}, {"name": "apple"}]},
    "word": "first_name",
}

SAME_AS_THE_LIBRARY = [
    "Hello {{ contact.first_name }}, {{contact['age']}} {{ contact[word] }} {{ nothing.at.all }}!",
    "{{ contact.tags }} {{ contact.tags.size }} {{ contact.tags.first }} {{ contact.tags[1] }} {{ contact.tags[-2] }}",
    "{{ contact.no }} {{ contact.score }} {{ true }} {{ nil }} {{ (1..4) }}",
    "{% if contact.age > 40 and contact.tags contains 'vip' or false %}a{% elsif x %}b{% else %}c{% endif %}",
    "{% unless contact.nickname == blank %}a{% else %}b{% endunless %}{% if contact.nickname == empty %}c{% endif %}",
    "{% case contact.age %}{% when 1, 2 %}a{% when 41 or 42 %}b{% else %}c{% endcase %}",
    "{% for i in event.items %}{{ forloop.index }}/{{ forloop.length }} {{ i.name }}{% unless forloop.last %},{% endunless %}{% endfor %}",
    "{% for i in (1..9) limit: 3 offset: 2 %}{{ i }}{% endfor %}{% for i in (1..9) offset: continue limit: 2 %}{{ i }}{% endfor %}",
    "{% for i in (1..9) reversed %}{% if i == 3 %}{% break %}{% endif %}{% if i == 5 %}{% continue %}{% endif %}{{ i }}{% endfor %}",
    "{% for i in (1..2) %}{% for j in (1..2) %}{{ forloop.parentloop.index }}{{ forloop.index0 }} {% endfor %}{% endfor %}",
    "{% for p in contact.nothing %}x{% else %}none{% endfor %}{% for c in 'word' %}{{ c }}{% endfor %}",
    "{% assign a = contact.tags | join: '+' %}{{ a }}{% capture b %}<i>{{ a | upcase }}</i>{% endcapture %}{{ b }}{{ b | size }}",
    "{% cycle 'a', 'b' %}{% cycle 'a', 'b' %}{% cycle 'a', 'b' %}{% increment n %}{% increment n %}{% decrement n %}{{ n }}",
    "a {%- if true -%} b {%- endif -%} c {{- ' d ' -}} e {% raw %}{{ x }}{% endraw %}{% comment %}{% if %}{% endcomment %}{% # x %}",
    "{% if true %}  {% assign q = 1 %} {% endif %}|{{ q }}",
    "{{ contact.city | strip | squish | upcase }} {{ contact.city | strip_newlines }} {{ 'a b' | url_encode | url_decode }}",
    "{{ 'aXbXc' | split: 'X' | reverse | join: '-' }} {{ 'abc' | split: '' | last }} {{ 'a b  c' | split: ' ' | size }}",
    "{{ 'hello' | slice: 1, 3 }} {{ 'hello' | slice: -3, 2 }} {{ 'hello world' | truncate: 8 }} {{ 'a b c' | truncatewords: 2, '…' }}",
    "{{ 'a.b.a' | replace: 'a', 'x' }} {{ 'a.b.a' | replace_first: 'a', 'x' }} {{ 'a.b.a' | replace_last: 'a', 'x' }} {{ 'aba' | remove: 'a' }}",
    "{{ 5 | plus: 2 | times: 3 | minus: 1 | divided_by: 4 | modulo: 3 }} {{ 0.1 | plus: 0.2 }} {{ 7 | divided_by: 2.0 }}",
    "{{ 2.6 | round }} {{ 2.345 | round: 2 }} {{ 2.1 | ceil }} {{ 2.9 | floor }} {{ -3 | abs }} {{ 3 | at_least: 5 }} {{ '7' | at_most: 5 }}",
    "{{ event.items | map: 'name' | join: ', ' }} {{ event.items | sort_natural: 'name' | map: 'name' | join }} {{ event.items | sum: 'price' }}",
    "{{ event.items | where: 'name', 'pen' | size }} {{ event.items | where: 'price' | size }} {{ contact.tags | uniq | join }}{{ contact.maybe | compact | sort | join }}",
    "{{ (1..3) | concat: contact.tags | size }} {{ contact.nickname | default: 'none' }} {{ contact.no | default: 'x', allow_false: true }}",
    "{{ contact.joined | date: '%d %B %Y %H:%M %%' }} {{ contact.first_name | append: '!' | prepend: '<' | capitalize }}",
    "{{ '<p>Hi <b>you</b></p>' | strip_html }} {{ contact.first_name | escape }} {{ 'a\nb' | newline_to_br }} {{ 'aGk=' | base64_decode }}",
]


@pytest.mark.parametrize("source", SAME_AS_THE_LIBRARY)
def test_renders_as_the_library_does(source: str) -> None:
    assert parse(source, TEXT).render(DATA) == liquid.Environment().from_string(source).render(**DATA)
    assert parse(source, HTML).render(DATA) == liquid.Environment(autoescape=True).from_string(source).render(
        **DATA
    )


def test_escaping_fits_the_place() -> None:
    data = {"name": 'A & "B"\r\nBcc: x@y\u2028z'}
    source = "<i>{{ name }}</i>\n"
    assert parse(source, HTML).render(data) == "<i>A &amp; &#34;B&#34;\r\nBcc: x@y\u2028z</i>\n"
    assert parse(source, HEADER).render(data) == '<i>A & "B" Bcc: x@y z</i>'
    assert parse(source, TEXT).render(data) == '<i>A & "B"\r\nBcc: x@y\u2028z</i>\n'


def test_data_is_never_a_template() -> None:
    data = {"a": "{{ secret }}{% if true %}", "secret": "s"}
    assert parse("{{ a }}{% assign b = a | append: '' %}{{ b }}", TEXT).render(data) == data["a"] * 2


def test_now_is_the_given_one_or_none() -> None:
    source = "{{ now | date: '%Y-%-m-%-d' }} {{ 'now' | date: '%H', 'Asia/Tokyo' }} {{ today }}"
    assert parse(source, TEXT).render({}, NOW) == "2026-3-9 17 2026-03-09"
    assert parse("{{ now }}", TEXT).render({}) == ""


def test_fields_are_what_the_caller_must_give() -> None:
    source = """{{ contact.first_name | default: "you" }} {{ contact.last_name }}
{% assign c = contact.city | upcase %}{{ c }}{% for i in event.items %}{{ i.name }}{% endfor %}
{% if contact.vip %}{{ contact.first_name }}{% endif %}{{ now }}"""
    assert parse(source, HTML).fields() == [
        Field("contact.first_name", shown=True, default=False, line=1),
        Field("contact.last_name", shown=True, default=False, line=1),
        Field("contact.city", shown=True, default=False, line=2),
        Field("event.items", shown=False, default=True, line=2),
        Field("contact.vip", shown=False, default=True, line=3),
    ]


def test_missing_is_what_was_to_be_shown_for_this_person() -> None:
    template = parse(
        "{{ contact.a }}{{ contact.b | default: 'x' }}{% if contact.c %}{{ contact.c }}{% endif %}"
        "{% assign d = contact.d | append: contact.e %}{{ contact.f }}",
        TEXT,
    )
    rendering = template.run({"contact": {"e": "E", "f": False}}, fallbacks={"contact.d": "D"})
    assert rendering.text == "xfalse"
    assert rendering.missing == ("contact.a",)


def test_conditions_and_values_stand_alone() -> None:
    assert parse_condition("contact.age >= 41 and contact.joined < '2026-02-01T00:00:00+00:00'").holds(DATA)
    assert not parse_condition("contact.first_name > 3 or contact.tags < nil").holds(DATA)
    assert parse_value("contact.tags | compact | uniq").of(DATA) == ["vip", "new"]
    assert [field.path for field in parse_condition("contact.age == event.n").fields()] == [
        "contact.age",
        "event.n",
    ]
    with pytest.raises(TemplateInvalid):
        parse_value("contact.age |")
