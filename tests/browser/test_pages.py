"""Every page of a workspace that has something in it: no error, no violation, usable by everyone, at any width."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest

AXE = Path(__file__).parents[2] / "autoloop/web/frontend/node_modules/axe-core/axe.min.js"
PLACES = re.compile(r"/(w/[a-z0-9-]+|me)(/.*)?$")
# One page of each kind is enough: ids and numbers are taken as the same place.
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)\d+(?=/|$)")
FILES = ("csv", "export", "raw", "source", "download")
MOST = 90

pytestmark = pytest.mark.browser


class Watch:
    """Whatever a page complains about."""

    def __init__(self, page) -> None:
        self.complaints: list[str] = []
        page.on(
            "console",
            lambda message: message.type in ("error", "warning") and self.complaints.append(message.text),
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))


@pytest.fixture(scope="module")
def visited() -> dict[str, str]:
    return {}


def crawl(page, start: str) -> dict[str, str]:
    """One address of each kind of page that links lead to."""
    found, waiting = {}, [start]
    while waiting and len(found) < MOST:
        url = urldefrag(waiting.pop(0))[0]
        parts = urlsplit(url)
        kind = ID.sub("*", parts.path).rstrip("/")
        if (
            kind in found
            or not PLACES.match(parts.path)
            or any(word in parts.path.rsplit("/", 1)[-1] for word in FILES)
        ):
            continue
        answer = page.goto(url)
        assert answer.status == 200, f"{url}: {answer.status}"
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        found[kind] = url
        links = page.eval_on_selector_all("a[href]", "all => all.map(one => one.getAttribute('href'))")
        waiting += [
            urljoin(page.url, link)
            for link in links
            if urlsplit(urljoin(page.url, link)).netloc == parts.netloc
        ]
    return found


def test_every_page_answers_without_a_complaint(signed_in, owner, address, visited) -> None:
    page = signed_in.new_page()
    watch = Watch(page)
    visited.update(crawl(page, f"{address}/w/{owner.slug}"))
    assert watch.complaints == []
    kinds = {kind.replace(owner.slug, "x") for kind in visited}
    for place in (
        "",
        "/businesses",
        "/contacts",
        "/templates",
        "/workflows",
        "/runs",
        "/emails",
        "/mailbox",
        "/imports",
        "/api-keys",
        "/credentials",
        "/notifications",
        "/senders",
        "/sending",
    ):
        assert f"/w/x{place}" in kinds, f"no link leads to {place}; found {sorted(kinds)}"
    for place in (
        "/businesses/*",
        "/contacts/*",
        "/templates/*",
        "/workflows/*",
        "/runs/*",
        "/emails/*",
        "/mailbox/*",
    ):
        assert f"/w/x{place}" in kinds, f"no link leads to {place}; found {sorted(kinds)}"


LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# The other theme differs in its colours only.
RULES = {"light": {"type": "tag", "values": LEVELS}, "dark": {"type": "rule", "values": ["color-contrast"]}}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_is_accessible(signed_in, visited, theme, address) -> None:
    signed_in.add_cookies([{"name": "theme", "value": theme, "url": address}])
    page = signed_in.new_page()
    source = AXE.read_text()
    wrong = {}
    for url in visited.values():
        page.goto(url)
        page.evaluate(source)
        result = page.evaluate(
            "rules => axe.run({runOnly: rules, resultTypes: ['violations']})", RULES[theme]
        )
        for violation in result["violations"]:
            target = violation["nodes"][0]
            wrong.setdefault(
                violation["id"],
                f"{url}: {violation['help']}: {target['html'][:200]} {target['failureSummary'][:200]}",
            )
    assert visited
    assert not wrong, "\n".join(wrong.values())


def test_no_page_is_wider_than_a_phone(signed_in, visited) -> None:
    page = signed_in.new_page()
    page.set_viewport_size({"width": 360, "height": 780})
    wide = []
    for url in visited.values():
        page.goto(url)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 360:
            wide.append(f"{url}: {width} px")
    assert visited
    assert not wide, "\n".join(wide)


def test_script_from_text_is_refused(signed_in, owner) -> None:
    page = signed_in.new_page()
    page.goto(f"/w/{owner.slug}")
    name = page.evaluate(
        "(() => { try { document.createElement('div').innerHTML = '<b>x</b>'; return 'taken' } catch (error) { return error.name } })()"
    )
    assert name == "TypeError"


def test_the_palette_goes_anywhere_by_keyboard(signed_in, owner) -> None:
    page = signed_in.new_page()
    page.goto(f"/w/{owner.slug}")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Command").fill("contac")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/w/{owner.slug}/contacts")
    page.keyboard.press("g")
    page.keyboard.press("w")
    page.wait_for_url(f"**/w/{owner.slug}/workflows")


def test_the_theme_is_remembered(signed_in, owner) -> None:
    page = signed_in.new_page()
    page.goto(f"/w/{owner.slug}")
    page.get_by_role("button", name="Change theme").click()
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "light"
