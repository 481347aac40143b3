"""Reading an address as strictly as it is used: no user, no odd spelling, no port of another service."""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import IPv4Address, ip_address

import httpx

__all__ = ["Refused", "checked_url", "same_origin"]

LONGEST = 8_000

# Ports of other protocols, as browsers refuse them (WHATWG Fetch, "bad port"): no request may be made to
# look like a mail or a command of theirs.
OTHER_PROTOCOLS = (
    "1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 "
    "115 117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 "
    "556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3306 3659 4045 4190 5060 5061 5432 6000 "
    "6379 6566 6665 6666 6667 6668 6669 6679 6697 10080 11211 27017 "
)
BAD_PORTS = frozenset(map(int, OTHER_PROTOCOLS.split()))
NUMBER = re.compile(r"(\d+|0x[0-9a-f]*)\Z", re.IGNORECASE)
NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z", re.IGNORECASE)


class Refused(httpx.InvalidURL):
    """An address that is not reached, whatever is tried. The message is for the person who wrote it."""


def checked_url(given: str | httpx.URL, ports: Collection[int] = ()) -> httpx.URL:
    """The address as it will be used. Raises Refused with a sentence that says what is wrong.

    `ports` are the only ones allowed; with none, all but those of other protocols are.
    """
    text = str(given)
    if not text or len(text) > LONGEST:
        raise Refused("The address is empty." if not text else "The address is too long.")
    if "\\" in text or any(ord(sign) <= 32 or ord(sign) == 127 for sign in text):
        raise Refused("The address holds a space, a backslash or a control character.")
    try:
        url = httpx.URL(text)
        host = url.raw_host.decode("ascii")
        port = url.port or {"https": 443, "http": 80}.get(url.scheme, 0)
    except (httpx.InvalidURL, UnicodeError, ValueError, TypeError):
        raise Refused(f"“{text[:200]}” is no address.") from None
    if url.scheme not in ("http", "https"):
        raise Refused("Only http and https addresses can be called.")
    if url.userinfo or "@" in url.netloc.decode("ascii", "replace"):
        raise Refused("The address holds a user name or a password; use a credential instead.")
    _check_host(host)
    closed = port not in ports if ports else port in BAD_PORTS or not 0 < port < 65536
    if closed:
        raise Refused(f"Port {port} cannot be called.")
    return url


def _check_host(host: str) -> None:
    if not host:
        raise Refused("The address names no host.")
    try:
        plain = ip_address(host)
    except ValueError:
        _check_name(host)
    else:
        # 127.1, 0x7f.0.0.1 and the like are refused below; this is the way browsers would write it.
        if isinstance(plain, IPv4Address) and str(plain) != host:
            raise Refused(f"“{host}” is an unusual way to write an address.")


def _check_name(host: str) -> None:
    labels = host.removesuffix(".").split(".")
    if NUMBER.match(labels[-1]):
        raise Refused(f"“{host[:100]}” is an unusual way to write an address.")
    if len(host) > 253 or not all(NAME.match(label) for label in labels):
        raise Refused(f"“{host[:100]}” is no host name.")


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Same scheme, host and port."""

    def origin(url: httpx.URL) -> tuple[str, bytes, int]:
        return url.scheme, url.raw_host, url.port or (443 if url.scheme == "https" else 80)

    return origin(one) == origin(other)
