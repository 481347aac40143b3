"""What shows that no person follows a link."""

from __future__ import annotations

import pytest

from autoloop.mail.tracking.machines import machine_sign

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0"
LANGUAGE, MODE = {"Accept-Language": "de"}, {"Sec-Fetch-Mode": "navigate"}


@pytest.mark.parametrize(
    ("agent", "headers", "link", "secure", "sign"),
    [
        (CHROME, LANGUAGE | MODE, True, True, ""),
        (CHROME, LANGUAGE, True, False, ""),  # over plain http no browser sends Sec-Fetch-Mode
        (CHROME, LANGUAGE, True, True, "disguise"),
        (CHROME, {}, True, False, "disguise"),
        (FIREFOX, MODE, True, True, "disguise"),
        (FIREFOX, LANGUAGE | MODE, True, True, ""),
        (FIREFOX.replace("131", "78"), LANGUAGE, True, True, ""),  # did not send it yet
        (SAFARI, {}, True, True, ""),  # says not enough of itself to be caught lying
        (CHROME, {}, False, True, ""),  # pictures are fetched by programs for mail, which differ
        (CHROME, LANGUAGE | MODE | {"Sec-Purpose": "prefetch"}, True, True, "prefetch"),
        ("python-requests/2.32", LANGUAGE | MODE, True, True, "agent"),
        ("", LANGUAGE | MODE, True, True, "agent"),
    ],
)
def test_what_says_it_is_a_browser_behaves_like_one(
    agent: str, headers: dict[str, str], link: bool, secure: bool, sign: str
) -> None:
    assert machine_sign("GET", {"User-Agent": agent} | headers, link=link, secure=secure) == sign
    assert machine_sign("HEAD", {"User-Agent": agent} | headers, link=link, secure=secure) == "head"
