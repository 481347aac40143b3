"""The macros that all pages are made of, drawn without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from jinja2 import Template
from pyramid import testing
from pyramid.request import Request
from pyramid_jinja2 import get_jinja2_environment

from autoloop.web import layout

EVIL = "\"><script>alert(1)</script>{{ 7 * 7 }}'"
PAGE = """{% import "autoloop.web:layout/templates/ui.jinja2" as ui with context %}
{{ ui.head(evil, evil) }}{{ ui.badge(evil) }}{{ ui.status("bounced") }}{{ ui.link(evil, "/x?a=1&b=2", "plus", "primary") }}
{{ ui.post("/x", evil, "plus", "danger", {"name": evil}, evil) }}
{{ ui.stats([{"title": evil, "value": evil, "note": evil, "href": "/x", "spark": [1, 2, 3]}]) }}
{% call ui.filters("/x", evil, evil) %}{{ ui.choice("status", [(evil, evil)], evil, evil) }}{% endcall %}
{% call ui.table([evil, (evil, "r")], evil) %}<tr><td>{{ evil }}</td></tr>{% endcall %}
{{ ui.empty(evil, evil, "/x", evil) }}{{ ui.field("a", evil, evil, [evil], help=evil, placeholder=evil, required=true) }}
{{ ui.area("b", evil, evil, [evil]) }}{{ ui.select("c", evil, [(evil, evil)], evil, [evil]) }}
{{ ui.checkbox("d", evil, true, evil) }}{{ ui.file("e", evil, ".csv", evil, [evil]) }}{{ ui.errors({"a": [evil]}) }}
{{ ui.facts([(evil, evil), ("none", none)]) }}{{ ui.tabs([(evil, "/x", true)]) }}{{ ui.code(evil) }}
{{ ui.progress(1, 3, evil) }}{{ ui.timeline([{"at": now, "title": evil, "text": evil, "icon": "send", "tone": "ok", "href": "/x"}]) }}
{{ ui.confirm("/x", evil, evil, evil, evil) }}{{ ui.notice(evil, "bad") }}{{ ui.copy("a") }}{{ ui.when(now) }}
{{ ui.chart(evil, [(evil, 3), ("b", 0)]) }}{{ ui.chart(evil, [(evil, 3), ("b", 0)], "line") }}{{ ui.chart("none", []) }}
{{ ui.funnel(evil, [(evil, 10), ("replied", 4)]) }}{{ ui.funnel("none", []) }}
{{ ui.pager({"next": "n", "total": 12345}, 50, request) }}"""


@pytest.fixture(scope="module")
def drawn() -> BeautifulSoup:
    request = Request.blank("/x?" + urlencode({"q": EVIL, "cursor": "c"}))
    request.session = testing.DummySession()
    with testing.testConfig(request=request) as config:
        config.registry.registrations = SimpleNamespace(navigation=[])
        config.include(layout)
        config.commit()
        request.registry = config.registry
        template: Template = get_jinja2_environment(config).from_string(PAGE)
        values = {"request": request, "evil": EVIL, "now": datetime(2026, 1, 2, 3, 4, tzinfo=UTC)}
        event = layout.globals_for(request)
        return BeautifulSoup(template.render(values | event), "html.parser")


def test_whatever_a_page_shows_is_text(drawn: BeautifulSoup):
    assert drawn.find("script") is None
    assert "49" not in drawn.text
    assert drawn.text.count("alert(1)") > 30
    assert drawn.find("input", {"name": "a"})["value"] == EVIL


def test_nothing_needs_a_style_or_handler_the_policy_refuses(drawn: BeautifulSoup):
    for element in drawn.find_all(True):
        assert not [name for name in element.attrs if name == "style" or name.startswith(("on", "hx-on"))]


def test_every_field_has_a_label_and_names_its_help_and_error(drawn: BeautifulSoup):
    labels = {label["for"] for label in drawn.find_all("label") if label.get("for")}
    for name in "abce":
        assert name in labels
        noted = drawn.find(id=name)["aria-describedby"].split()
        assert noted
        assert all(drawn.find(id=each) for each in noted)
        assert drawn.find(id=name)["aria-invalid"] == "true"


def test_what_changes_something_carries_a_token(drawn: BeautifulSoup):
    posts = [form for form in drawn.find_all("form") if form.get("method") == "post"]
    assert posts
    assert all(form.find("input", {"name": "csrf_token"}) for form in posts)


def test_a_chart_says_its_numbers_in_a_table_too(drawn: BeautifulSoup):
    twin = drawn.select_one("figure.chart table")
    assert [cell.text for cell in twin.find_all("td")] == ["3", "0"]
    assert drawn.select_one("figure.chart svg")["role"] == "img"


def test_the_next_page_keeps_the_filters(drawn: BeautifulSoup):
    href = drawn.find("a", rel="next")["href"]
    assert href.startswith("/x?q=%22%3E%3Cscript")
    assert href.endswith("cursor=n")
    assert "12,345" in drawn.select_one(".foot").text
