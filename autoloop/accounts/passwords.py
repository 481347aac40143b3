"""Passwords: what is accepted, how it is kept, how it is checked."""

from __future__ import annotations

import base64
import hashlib
import unicodedata

import bcrypt

from autoloop.accounts.worst_passwords import WORST
from autoloop.base.i18n import _

__all__ = ["MINIMUM", "check", "faults", "hashed", "pretend"]

MINIMUM = 10
MAXIMUM = 1000
ROUNDS = 12
BCRYPT_OCTETS = 72  # bcrypt looks at no more than this


def faults(password: str, *, email: str = "", name: str = "") -> list[str]:
    """Why this password is not accepted; empty if it is. NIST SP 800-63B §5.1.1.2: length and a list, no rules."""
    plain = password.casefold()
    if len(password) < MINIMUM:
        return [_("A password has at least ${n} characters.", mapping={"n": MINIMUM})]
    if len(password) > MAXIMUM:
        return [_("A password has at most ${n} characters.", mapping={"n": MAXIMUM})]
    own = {part for part in (email.casefold(), email.casefold().partition("@")[0], name.casefold()) if part}
    if plain in WORST or plain in own or len(set(plain)) < 4:
        return [_("This password is among the first that are tried. Choose another.")]
    return []


def hashed(password: str) -> str:
    """bcrypt of the password; long ones go through SHA-256 first, so that every character counts."""
    return bcrypt.hashpw(_octets(password), bcrypt.gensalt(ROUNDS)).decode()


def check(password: str, kept: str) -> bool:
    """Does the password belong to the hash? Constant time for hashes of one cost."""
    try:
        return bcrypt.checkpw(_octets(password), kept.encode())
    except ValueError:
        return False


def pretend(password: str) -> None:
    """Take as long as a check, where there is nothing to check against."""
    check(password, f"$2b${ROUNDS:02d}${'.' * 22}{'.' * 31}")


def _octets(password: str) -> bytes:
    # NFKC: the same key press gives the same password on every system (RFC 8265 asks for as much).
    raw = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
    if len(raw) > BCRYPT_OCTETS:
        return base64.b64encode(hashlib.sha256(raw).digest())
    return raw
