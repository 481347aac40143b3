"""Email addresses and domains: what may be kept, and the form in which two of them are compared."""

from __future__ import annotations

import re

import idna

__all__ = ["BadAddress", "domain_of", "normal_domain", "normal_email"]

# The dot-atom form of RFC 5321 §4.1.2. Quoted local parts and address literals are legal and, in lists
# of people, always mistakes.
LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
LABELS = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])")
USUAL = re.compile(rf"(?=.{{3,254}}\Z)(?=.{{1,64}}@){LOCAL.pattern}@{LABELS.pattern}\Z")
WEBSITE = re.compile(rf"(?:https?://)?(?:www\.)?(?!www\.)({LABELS.pattern})/?")
NAMED = re.compile(r"[^<>]*<([^<>]+)>\s*\Z")
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class BadAddress(ValueError):
    """What was given is no address; the message says what is wrong with it, for people."""


def normal_email(given: str) -> tuple[str, str]:
    """The address as given without its wrapping ("Ada <ada@acme.com>", "mailto:"), and its normal form.

    The normal form is in lower case, with the domain in its ASCII form (RFC 5890). Raises BadAddress.
    """
    address = given.strip()
    normal = address.lower()
    if USUAL.match(normal):
        return address, normal
    named = NAMED.match(address)
    if named:
        address = named[1].strip()
    if address[:7].lower() == "mailto:":
        address = address[7:]
    local, at, domain = address.rpartition("@")
    if not at or not local:
        raise BadAddress(f"“{_short(given)}” is no email address")
    if not local.isascii():
        raise BadAddress(f"“{_short(given)}” has letters before the @ that mail servers do not take")
    try:
        normal = f"{local.lower()}@{_ascii(domain)}"
    except BadAddress:
        raise BadAddress(f"“{_short(given)}” has a domain that cannot exist") from None
    if not USUAL.match(normal):
        raise BadAddress(f"“{_short(given)}” is no email address")
    return address, normal


def normal_domain(given: str) -> str:
    """The domain of "https://www.Acme.com/about", "acme.com" or "Acme.com.": `acme.com`. Raises BadAddress."""
    usual = WEBSITE.fullmatch(given)
    if usual and len(usual[1]) <= 253:
        return usual[1]
    host = SCHEME.sub("", given.strip(), count=1)
    host = re.split(r"[/?#\s]", host, maxsplit=1)[0].rpartition("@")[2]
    host = host.split(":", 1)[0].rstrip(".").lower().removeprefix("www.")
    try:
        domain = _ascii(host)
    except BadAddress:
        raise BadAddress(f"“{_short(given)}” is no domain") from None
    if len(domain) > 253 or not LABELS.fullmatch(domain):
        raise BadAddress(f"“{_short(given)}” is no domain")
    return domain


def domain_of(email_normal: str) -> str:
    return email_normal.rpartition("@")[2]


def _ascii(domain: str) -> str:
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except idna.IDNAError:
        raise BadAddress(domain) from None


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else text[:79] + "…"
