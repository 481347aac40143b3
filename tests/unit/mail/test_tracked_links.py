"""Links found in whatever people write, and signed ones in their places."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from base64 import urlsafe_b64decode
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoloop.base.crypto import Keyring
from autoloop.base.liquid import HTML, TemplateInvalid, parse
from autoloop.mail.render import render
from autoloop.mail.templates.source import compile_draft
from autoloop.mail.tracking.filling import prepared, render_tracked, target_at
from autoloop.mail.tracking.finding import find_links, target_of, unescaped
from autoloop.mail.tracking.following import location_of
from autoloop.mail.tracking.tokens import Tokens, packed

KEYS = ("a" * 40, "b" * 40)
TOKENS = Tokens("https://m.example", Keyring(KEYS))
WORKSPACE, EMAIL = UUID(int=7 << 100), UUID(int=9 << 100)


class Version:
    """A template version as delivery holds it."""

    prepared: Any = None

    def __init__(self, source: str) -> None:
        draft = compile_draft({"kind": "html", "subject": "x", "source": source, "text_source": "text"})
        self.subject, self.preheader, self.compiled = draft.subject, draft.preheader, draft.compiled
        self.field_rules: dict[str, Any] = {}


class Reader(HTMLParser):
    """What a mail reader would follow and fetch."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.pictures: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(reversed(attrs))
        if tag == "a" and known.get("href") is not None:
            self.links.append(str(known["href"]))
        if tag == "img":
            self.pictures.append(str(known.get("src")))


def addresses(source: str) -> list[str]:
    return [source[start:end] for start, end in find_links(source)]


def followed(version: Version, context: dict[str, Any], source: str) -> list[str | None]:
    """Where each link of a tracked mail leads; those that are not tracked as they are."""
    found = []
    for link in Reader(source).links:
        touch = TOKENS.read(link.removeprefix(TOKENS.base))
        found.append(link if touch is None else target_at(version, lambda: context, (touch.link, touch.turn)))
    return found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('<a href="https://x.example/a">', ["https://x.example/a"]),
        ("<A CLASS=b HREF='HTTP://x.example/a'>", ["HTTP://x.example/a"]),
        ("<a href=https://x.example/a>", ["https://x.example/a"]),
        ("<a href=https://x.example/a/>", ["https://x.example/a/"]),
        ('<a\n  href = "https://x.example/?a=1&amp;b=2"\n>', ["https://x.example/?a=1&amp;b=2"]),
        ('<a href="&#104;ttps://x.example/">', ["&#104;ttps://x.example/"]),
        ('<a title="href=\'https://no.example\'" href="https://x.example">', ["https://x.example"]),
        ('<a data-href="https://no.example">', []),
        ('<area shape=rect href="https://x.example">', ["https://x.example"]),
        ('<!-- <a href="https://no.example"> -->', []),
        (
            '<!--[if mso]><v:roundrect href="https://x.example"><![endif]--><!--[if !mso]><!-->'  # noqa: ISC004
            '<a href="https://y.example"><!--<![endif]-->',
            ["https://x.example", "https://y.example"],
        ),
        ('<img src="https://no.example" srcset="https://no.example 2x"><link href="https://no.example">', []),
        ('<base href="https://no.example"><form action="https://no.example">', []),
        ('<a href="mailto:a@x.example"><a href="tel:+1"><a href="#top"><a href="/a"><a href="//x.example">', []),
        ('<a href="javascript:alert(1)"><a href=""><a href><a href="https://">', []),
        ('<a data-no-track href="https://no.example"><a href="https://no.example" DATA-NO-TRACK="">', []),
        ('<a href="https://x.example" data-no-tracking>', ["https://x.example"]),
        ('<style>a[href="https://no.example"]{}</style><title><a href="https://no.example"></title>', []),
        ('<a href="https://x.example/{{ contact.id }}?a">', ["https://x.example/{{ contact.id }}?a"]),
        ('<a href="{{ contact.fields["site"] }}">', ['{{ contact.fields["site"] }}']),
        ('<a href="mailto:{{ contact.email }}">', []),
        ('<a {% if a %}href="https://x.example"{% else %}href="https://y.example"{% endif %}>',
         ["https://x.example", "https://y.example"]),
        ('<a href={% if a %}"https://no.example"{% else %}"https://no.example"{% endif %}>', []),
        ("<a href=https://x.example/{{ contact.id }}>", []),
        ('<a href="https://no.example/{% if a %}" title="{% endif %}">', []),
        ('{% comment %}<a href="https://no.example">{% endcomment %}', []),
        ('{% capture b %}<a href="https://no.example">{% endcapture %}<a href="https://x.example">',
         ["https://x.example"]),
        ('{% raw %}<a href="https://x.example/{{ y }}">{{{ {% endraw %}', ["https://x.example/{{ y }}"]),
        ('{{ "<a href=https://no.example>" }}', []),
    ],
)  # fmt: skip
def test_links_are_what_a_reader_follows_into_the_web(source: str, found: list[str]) -> None:
    assert addresses(source) == found


LOOP = """<html><body>{% for each in contact.offers %}<p>
<a href="https://x.example/{{ each }}">one</a> <a href="https://y.example/all">all</a></p>{% endfor %}
<a href="{{ contact.site }}">own</a> <a href='https://z.example/?a=1&amp;b=%20 2'>z</a>
<a href="mailto:a@x.example">write</a></body></html>"""


def test_every_link_leads_where_it_led_before() -> None:
    version = Version(LOOP)
    for site in ("https://own.example/?q=\"'<>&", "javascript:alert(1)", "", "me@x.example", "\x02own\x03"):
        context = {"contact": {"offers": ["a&b", "c d"], "site": site}}
        plain = render(version, context)
        made = render_tracked(version, context, TOKENS, WORKSPACE, EMAIL)
        assert made == render_tracked(Version(LOOP), context, TOKENS, WORKSPACE, EMAIL), "a retry is the same"
        links = [each.strip() for each in Reader(plain.html).links]
        assert followed(version, context, made.html) == links
        tracked = [each for each in Reader(made.html).links if each.startswith(TOKENS.base)]
        assert len(tracked) == len(set(tracked)) == (6 if site.startswith("https") else 5)
        assert made.text == plain.text
        assert len(Reader(made.html).pictures) == 1
        assert made.html.index("<img") > made.html.index("write")


PARTS = (
    '<a href="', "<A HREF='", "<a href=", '"', "'", ">", "</a>", "<!--", "-->", "<!--[if mso]>", "<![endif]-->", "<v:rect ",
    "https://x.example/", "HTTP://y.example?a&amp;b", "mailto:a@b.c", "{{ contact.site }}", "{{ contact.name }}",
    "{% if contact.on %}", "{% else %}", "{% endif %}", "{% for o in contact.offers %}", "{% endfor %}", "{{ o }}",
    "{% capture c %}", "{% endcapture %}", "{{ c | upcase }}", "{% break %}", "{% raw %}", "{% endraw %}",
    "{% comment %}", "{% endcomment %}", " data-no-track ", "</body>", "<body>", " ", "\n", "text", "<style>", "</style>",
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=30), st.booleans())
def test_whatever_is_written_only_addresses_change(parts: list[str], on: bool) -> None:
    source = "".join(parts)
    try:
        parse(source, HTML)
    except TemplateInvalid:
        return
    version = Version("x")
    version.compiled = version.compiled | {"html": source, "links": find_links(source)}
    known = {"site": "https://own.example/", "name": "Ada", "on": on, "offers": ["a", "https://o.example"]}
    context = {"contact": known}
    plain = render(version, context).html
    marks = prepared(version)
    assert marks is not None
    assert marks.plain(render(version, context, marks=marks).html) == plain
    made = render_tracked(version, context, TOKENS, WORKSPACE, EMAIL).html
    assert not set(made) & set("\x02\x03\x04")
    for token in re.findall(r"(?<=m\.example/t/)[\w-]{72}", made):
        touch = TOKENS.read(token)
        assert touch is not None
        if touch.link:
            target = target_at(version, lambda: context, (touch.link, touch.turn))
            assert target is not None and target in re.sub(r"[\t\r\n]", "", unescaped(plain))


def test_text_that_is_made_of_the_html_keeps_its_links() -> None:
    version = Version(LOOP)
    version.compiled = version.compiled | {"text": None}
    context = {"contact": {"offers": ["a"], "site": "https://own.example"}}
    made = render_tracked(version, context, TOKENS, WORKSPACE, EMAIL)
    assert made.text == render(version, context).text
    assert TOKENS.base not in made.text


@pytest.mark.parametrize(
    ("address", "target", "location"),
    [
        ("https://x.example/?a=1&copy=2&amp;b=&reg;&lt", "https://x.example/?a=1&copy=2&b=®<", "https://x.example/?a=1&copy=2&b=%C2%AE%3C"),
        (" \n https://x.example/a\n b&#x2F;c&notit;", "https://x.example/a b/c&notit;", "https://x.example/a%20b/c&notit;"),
        ("https://bücher.example:80/ü?q=ü#ü", "https://bücher.example:80/ü?q=ü#ü", "https://xn--bcher-kva.example:80/%C3%BC?q=%C3%BC#%C3%BC"),
        ("HTTPS://x.example/%20?", "HTTPS://x.example/%20?", "HTTPS://x.example/%20?"),
        ("http://[bad/", "http://[bad/", "http://[bad/"),
        ("https://💩.example/", "https://💩.example/", "https://%F0%9F%92%A9.example/"),
        ("https://x.example/\r\nSet-Cookie: a=b", "https://x.example/Set-Cookie: a=b", "https://x.example/Set-Cookie:%20a=b"),
        ("https:///x", None, ""), ("ftp://x.example", None, ""), ("https://x.example/" + "a" * 8_000, None, ""),
    ],
)  # fmt: skip
def test_addresses_are_read_as_browsers_read_them(address: str, target: str | None, location: str) -> None:
    assert target_of(address) == target
    if target is not None:
        assert location_of(target) == location


def test_data_cannot_make_a_link() -> None:
    """Marks of another process, and of this one as a person might guess them, are text like any other."""
    version = Version(
        '<body><p>{{ contact.name }}</p><a href="https://x.example/{{ contact.name }}">x</a></body>'
    )
    for name in ("\x0200\x031\x04https://evil.example\x0200\x03", '"><a href="https://evil.example">'):
        context = {"contact": {"name": name}}
        made = render_tracked(version, context, TOKENS, WORKSPACE, EMAIL)
        (target,) = followed(version, context, made.html)
        assert str(target).startswith("https://x.example/")
    assert target_at(version, lambda: {"contact": {}}, (2, 0)) is None
    assert target_at(version, lambda: {"contact": {}}, (1, 1)) is None
    assert target_at(version, lambda: {"contact": {}}, (0, 0)) is None


def test_a_version_without_room_for_marks_goes_out_untracked() -> None:
    filler = "x" * (512_000 - 60)
    version = Version(f'<a href="https://x.example">x</a>{filler}')
    assert prepared(version) is None
    assert render_tracked(version, {}, TOKENS, WORKSPACE, EMAIL) == render(version, {})


def test_versions_from_before_have_their_links_found_when_they_are_used() -> None:
    new, old = Version(LOOP), Version(LOOP)
    del old.compiled["links"]
    context = {"contact": {"offers": ["a"], "site": "https://own.example"}}
    made = [render_tracked(each, context, TOKENS, WORKSPACE, EMAIL) for each in (new, old)]
    assert made[0] == made[1]


def test_a_token_is_an_hmac_and_says_its_place() -> None:
    (url,) = TOKENS.urls(WORKSPACE, EMAIL, [packed((300, 2))])
    touch = TOKENS.read(url.removeprefix(TOKENS.base))
    assert touch is not None
    assert (touch.workspace_id, touch.email_id, touch.link, touch.turn) == (WORKSPACE, EMAIL, 300, 2)
    key = Keyring(KEYS).derive("sign:touch")
    said = b"\x01" + WORKSPACE.bytes + EMAIL.bytes + packed((300, 2))
    mac = hmac.digest(key, said, hashlib.sha256)[:16]
    again = Tokens("https://m.example", Keyring(("new" * 20, *KEYS)))
    assert again.read(url.removeprefix(TOKENS.base)) == touch, "an older key is still read"
    assert urlsafe_b64decode(url.removeprefix(TOKENS.base)) == said + mac


@given(st.integers(0, 71), st.sampled_from("ABCxyz019-_.é\x00 "))
def test_an_altered_token_is_none_of_ours(at: int, sign: str) -> None:
    (url,) = TOKENS.urls(WORKSPACE, EMAIL, [packed((1, 0))])
    token = url.removeprefix(TOKENS.base)
    altered = token[:at] + sign + token[at + 1 :]
    assert (TOKENS.read(altered) is None) == (altered != token)
    assert TOKENS.read(token[:at]) is None


def test_twenty_links_cost_little() -> None:
    """Against as many plain signatures in the same moment, so that a busy machine changes nothing."""
    places = [packed((n, 0)) for n in range(1, 21)]
    bare = min(
        timed(lambda: [hmac.digest(b"k" * 32, b"%d" % n, "sha256") for n in range(20)]) for _ in range(20)
    )
    ours = min(timed(lambda: TOKENS.urls(WORKSPACE, EMAIL, places)) for _ in range(20))
    assert ours < 3 * bare, (ours, bare)


def timed(work: Any) -> float:
    before = time.process_time()
    for _ in range(50):
        work()
    return time.process_time() - before


@pytest.mark.parametrize(
    "source",
    [
        "<a href=" * 60_000,
        '<a href="' * 50_000,
        "{% raw %}" + "{{" * 200_000 + "{% endraw %}",
        "<!--[if mso]>" * 30_000,
        "<a " + "x " * 200_000 + ">",
        "<a " + 'a="' * 100_000,
        "<" * 400_000,
        "<a x" + " " * 400_000 + ">",
    ],
)  # fmt: skip
def test_no_source_keeps_the_finder_busy(source: str) -> None:
    before = time.process_time()
    find_links(source)
    assert time.process_time() - before < 3
