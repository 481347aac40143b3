"""Templates written to hurt: each name says how. `run_corpus` tries them in a process of its own."""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from datetime import UTC, datetime

NOW = datetime(2026, 1, 2, tzinfo=UTC)
NESTED: list = []
for _ in range(900):
    NESTED = [NESTED]
BIG = {
    "contact": {
        "nested": NESTED,
        "deep": {str(n): n for n in range(9_000)},
        "big": "<a, b\n" * 80_000,
        "words": "ab " * 160_000,
        "list": ["x" * 50_000] * 1_000,
        "n": 10**18,
    }
}


def loops(*sizes: int, body: str = "") -> str:
    names = [f"i{number}" for number in range(len(sizes))]
    opened = "".join(f"{{% for {name} in (1..{size}) %}}" for name, size in zip(names, sizes, strict=True))
    return opened + body + "{% endfor %}" * len(sizes)


DOUBLE = "{% assign x = 'abcdefghij' %}" + loops(60, body="{% assign x = x | append: x %}")

HOSTILE: dict[str, str] = {
    "range joined": "{{ (1..30000000) | join }}",
    "range in a loop": "{% for i in (1..30000000) %}{{ i }}{% endfor %}",
    "range reversed": "{% for i in (1..30000000) reversed %}{{ i }}{% endfor %}",
    "range from data": "{% for i in (1..contact.n) %}x{% endfor %}",
    "range of negative width": "{{ (-99999999..99999999) | size }}",
    "range sorted": "{{ (1..9999999) | sort | first }}",
    "nested loops": loops(9999, 9999, 9999),
    "nested loops that write": loops(9999, 9999, body="{{ i0 }}{{ i1 }}"),
    "small nested loops": loops(*[30] * 12, body="x"),
    "loop of captures": loops(9999, body="{% capture c %}{{ c }}{{ c }}x{% endcapture %}"),
    "append doubles": DOUBLE + "{{ x | size }}",
    "append doubles and writes": "{% assign x = '&<>' %}"
    + loops(60, body="{% assign x = x | append: x %}{{ x }}"),
    "prepend doubles": "{% assign x = 'ab' %}" + loops(60, body="{% assign x = x | prepend: x %}"),
    "replace doubles": "{% assign x = 'aa' %}" + loops(60, body="{% assign x = x | replace: 'a', 'aa' %}"),
    "replace with itself": "{% assign x = 'aaaaaaaa' %}"
    + loops(9, body="{% assign x = x | replace: 'a', x %}"),
    "replace nothing": "{% assign x = contact.words %}"
    + loops(30, body="{% assign x = x | replace: '', 'xxxx' %}"),
    "escape grows": "{% assign x = contact.big %}" + loops(30, body="{% assign x = x | escape %}"),
    "url_encode grows": "{% assign x = contact.big %}" + loops(30, body="{% assign x = x | url_encode %}"),
    "base64 grows": "{% assign x = contact.big %}" + loops(60, body="{% assign x = x | base64_encode %}"),
    "json grows": "{% assign x = contact.big %}" + loops(60, body="{% assign x = x | json %}"),
    "breaks grow": "{% assign x = contact.big %}" + loops(30, body="{% assign x = x | newline_to_br %}"),
    "split to letters": "{{ contact.big | split: '' | join: '-----' | size }}",
    "split and join": "{% assign x = contact.words %}"
    + loops(99, body="{% assign x = x | split: ' ' | join: 'xx' %}"),
    "split and sort": loops(99, body="{{ contact.words | split: 'b' | sort_natural | uniq | size }}"),
    "concat doubles": "{% assign x = (1..9) %}"
    + loops(60, body="{% assign x = x | concat: x %}")
    + "{{ x | size }}",
    "many lists": "".join(f"{{% assign a{n} = (1..9999) | reverse %}}" for n in range(450)),
    "many lists of letters": "".join(
        f"{{% assign a{n} = contact.words | slice: {n}, 9999 | split: '' %}}" for n in range(200)
    ),
    "many sorted lists": "{% assign a = (1..9999) | sort %}"
    + "".join(f"{{% assign a{n} = a | sort %}}" for n in range(450)),
    "loops over data": loops(9999, body="{% for pair in contact.deep %}{% endfor %}"),
    "deep data": loops(9999, body="{{ contact.nested }}{{ contact.nested | join }}"),
    "deep data as JSON": "{{ contact.nested | json }}",
    "one text many times": "{{ contact.list | join | size }}",
    "one text sorted": "{{ contact.list | sort | uniq | size }}",
    "whole data written": loops(9999, body="{{ contact }}"),
    "whole data as text": loops(9999, body="{% assign q = contact | append: '' %}"),
    "contains": loops(9999, body="{% if contact.words contains 'aaaaaaaab' %}x{% endif %}"),
    "equality of lists": loops(9999, body="{% if contact.list == contact.list %}x{% endif %}"),
    "numbers grow": "{% assign n = 9 %}" + loops(9999, body="{% assign n = n | times: n %}"),
    "number of many digits": "{{ " + "9" * 1_900 + " | times: 9 }}",
    "float exponent": "{{ '1e999999999' | plus: '1e999999999' | round }}",
    "round to many digits": "{{ 1.5 | round: 999999999 }}",
    "date width": "{{ 'now' | date: '%999999999d' }}",
    "date format": "{{ 'now' | date: '" + "%c" * 900 + "' }}",
    "dates in a loop": loops(9999, body="{{ 'now' | date: '" + "%c" * 90 + "' }}"),
    "time zones": loops(9999, body="{{ 'now' | date: '%c', 'Asia/Tokyo' }}"),
    "time zone path": "{{ 'now' | date: '%c', '../../../etc/passwd' }}",
    "date parser": "{{ '" + "1" * 1_900 + "' | date: '%Y' }}",
    "cycle": loops(9999, body="{% cycle 'a', 'b', contact.big %}"),
    "cycle names": "{% assign b = contact.big %}" + loops(9999, body="{% cycle b: 'a', 'b' %}"),
    "tablerow": "{% tablerow i in (1..30000000) %}{{ i }}{% endtablerow %}",
    "increment": loops(9999, 9999, body="{% increment n %}"),
    "ifchanged": loops(9999, body="{% ifchanged %}{{ contact.big }}{% endifchanged %}"),
    "deep blocks": "{% if true %}" * 5_000 + "{% endif %}" * 5_000,
    "deep brackets": "{{ a" + "[a" * 600 + "]" * 600 + " }}",
    "deep conditions": "{% if " + " and ".join(["a"] * 300) + " %}x{% endif %}",
    "many elsifs": "{% if a %}" + "{% elsif a %}" * 30_000 + "{% endif %}",
    "many outputs": "{{a}}" * 100_000,
    "many filters": "{{ 'a'" + " | upcase" * 10_000 + " }}",
    "many arguments": "{{ 'a' | append: " + ", ".join(["'a'"] * 5_000) + " }}",
    "braces never closed": "{{" * 250_000,
    "tags never closed": "{%" * 250_000,
    "raw never closed": "{% raw %}" * 50_000,
    "comments never closed": "{% comment %}" * 38_000,
    "comments in comments": "{% comment %}" * 19_000 + "{% endcomment %}" * 15_000,
    "white space in a tag": ("{%" + " " * 1_990 + "%}") * 250,
    "white space in an output": ("{{" + " " * 1_900 + "a" + " " * 90 + "}}") * 250,
    "quotes never closed": "{{ " + "\"'" * 900 + " }}",
    "brackets with quotes": "{{ a" + "['" * 900 + " }}",
    "parentheses": "{{ " + "(" * 1_900 + " }}",
    "strip_html": "{{ contact.big | strip_html | size }}{{ '" + "<script" * 200 + "' | strip_html }}",
    "strip_html of comments": loops(99, body="{{ contact.big | replace: '<a', '<!--' | strip_html | size }}"),
    "squish": loops(99, body="{{ contact.words | squish | size }}"),
    "truncatewords": loops(99, body="{{ contact.words | truncatewords: 999999999 | size }}"),
    "slice": loops(9999, body="{{ contact.big | slice: 0, 999999999 | size }}"),
    "includes itself": "{% include 'self' %}",
    "renders itself": "{% render 'self' %}",
    "macro calls itself": "{% macro m %}{% call m %}{% endmacro %}{% call m %}",
    "block of liquid": "{% liquid\nfor i in (1..30000000)\necho i\nendfor %}",
    "larger than allowed": "x" * 3_000_000,
    "attributes of objects": "{{ contact.__class__.__mro__ }}{{ contact['__init__'].__globals__ }}",
}


def attempt(source: str) -> str:
    from autoloop.base.liquid import HTML, TemplateInvalid, parse

    try:
        return f"rendered {len(parse(source, HTML).render(BIG, NOW))}"
    except TemplateInvalid as error:
        return error.message


def run_corpus() -> dict[str, object]:
    """Each alone, then fifty at once in threads: seconds of processor time, and growth of memory in MB."""
    attempt("{{ contact.big | size }} {{ 'now' | date: '%c', 'Asia/Tokyo' }}")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    alone = {}
    for name, source in HOSTILE.items():
        start = time.thread_time()
        outcome = attempt(source)
        alone[name] = (time.thread_time() - start, outcome)
    alone_peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    worst = sorted(HOSTILE, key=lambda name: alone[name][0], reverse=True)[:50]
    gate = threading.Barrier(len(worst) + 1, timeout=30)

    def together(source: str) -> None:
        gate.wait()
        attempt(source)

    threads = [threading.Thread(target=together, args=(HOSTILE[name],)) for name in worst]
    for thread in threads:
        thread.start()
    gate.wait()
    start = time.process_time()
    for thread in threads:
        thread.join()
    return {
        "alone": alone,
        "alone_peak": alone_peak,
        "together": time.process_time() - start,
        "together_peak": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
    }


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    json.dump(run_corpus(), sys.stdout)
