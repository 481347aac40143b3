"""Who follows a link: a person, or one of the machines that look at mail before people do.

Apple's Mail Privacy Protection and Gmail's proxy fetch pictures for people who may never look; security
scanners open every link. What can be told apart is told apart; the rest counts as people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["HASTE", "WAKE", "machine_sign", "wants_no_record"]

HASTE = ((1, 1), (3, 2), (5, 10))
"""(others, seconds): so many other links of one email within so many seconds are more than a person follows."""

WAKE = 10
"""Seconds after a machine followed one link in which another link of the email is followed by the same machine."""

_AGENT = re.compile(
    r"\AMozilla/5\.0\Z"  # Apple's proxies say no more than this
    r"|GoogleImageProxy|ggpht\.com|YahooMailProxy|YahooCacheSystem"
    r"|Barracuda|Mimecast|Proofpoint|Symantec|Cloudmark|Sophos|FireEye|Cisco|IronPort|Trend ?Micro|BitDefender"
    r"|\bbot\b|[a-z]bot\b|crawl|spider|scanner|preview|slurp|facebookexternalhit|WhatsApp|Google-Read-Aloud"
    r"|HeadlessChrome|PhantomJS|curl/|wget/|python|aiohttp|httpx|okhttp|Go-http-client|Java/|libwww|axios|node-fetch"
    r"|Microsoft Office Existence Discovery",
    re.IGNORECASE,
)
# What it says it is sends Accept-Language always, and over TLS Sec-Fetch-Mode (W3C Fetch Metadata).
_BROWSER = re.compile(r"\bFirefox/(?:9\d|\d{3})|\bChrome/(?:[89]\d|\d{3})")
_AHEAD = re.compile("prefetch|prerender|preview", re.IGNORECASE)
_PURPOSES = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")


def machine_sign(method: str, headers: Mapping[str, str], *, link: bool = False, secure: bool = False) -> str:
    """What shows that no person is behind a request: head, prefetch, agent, or disguise for a `link` that is
    followed by what says it is a browser and is none; empty if nothing does. `secure`: our addresses are https."""
    if method != "GET":
        return "head"
    if any(_AHEAD.search(headers.get(name, "")) for name in _PURPOSES):
        return "prefetch"
    agent = headers.get("User-Agent", "").strip()[:1000]
    if not agent or _AGENT.search(agent):
        return "agent"
    told = headers.get("Accept-Language") and (headers.get("Sec-Fetch-Mode") or not secure)
    return "disguise" if link and not told and _BROWSER.search(agent) else ""


def wants_no_record(headers: Mapping[str, str]) -> bool:
    """The browser asks not to be followed (Global Privacy Control, Do Not Track)."""
    return headers.get("Sec-GPC", "").strip() == "1" or headers.get("DNT", "").strip() == "1"
