"""What the DNS says of a sending domain: keys, SPF, DMARC, each with a verdict a person can act on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["Txt", "judge", "resolver"]

Txt = Callable[[str], list[str] | None]
"""The TXT records of a name; an empty list if there are none, None if the DNS did not answer."""

TIMEOUT = 5.0


def resolver(servers: Iterable[str] = ()) -> Txt:
    """Ask these name servers (`address` or `address#port`), or those of the system."""
    import dns.exception  # here, because few processes ask and each would carry 5 MB for it
    import dns.resolver

    given = [each.partition("#") for each in servers]
    asked = dns.resolver.Resolver(configure=not given)
    if given:
        asked.nameservers = [address for address, _, _ in given]
        asked.nameserver_ports = {address: int(port) for address, _, port in given if port}
    asked.lifetime = TIMEOUT

    def txt(name: str) -> list[str] | None:
        try:
            answer = asked.resolve(name, "TXT", raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return []
        except dns.exception.DNSException:
            return None
        return [b"".join(each.strings).decode("utf-8", "replace") for each in (answer.rrset or ())]

    return txt


def judge(domain: str, keys: Iterable[tuple[str, str]], txt: Txt) -> dict[str, Any]:
    """{"dkim": {selector: verdict}, "spf": verdict, "dmarc": verdict}; `keys` as (selector, record).

    A verdict is {"state": ok|missing|wrong|unanswered, "found": [records]}.
    """
    return {
        "dkim": {
            selector: _verdict(txt(f"{selector}._domainkey.{domain}"), "v=dkim1", _same(record))
            for selector, record in keys
        },
        "spf": _verdict(txt(domain), "v=spf1", lambda found: len(found) == 1),
        "dmarc": _verdict(txt(f"_dmarc.{domain}"), "v=dmarc1", lambda found: len(found) == 1),
    }


def _verdict(records: list[str] | None, mark: str, holds: Callable[[list[str]], bool]) -> dict[str, Any]:
    if records is None:
        return {"state": "unanswered", "found": []}
    found = [each for each in records if _plain(each).startswith(mark)]
    state = "missing" if not found else "ok" if holds(found) else "wrong"
    return {"state": state, "found": [each[:1000] for each in found[:5]]}


def _same(record: str) -> Callable[[list[str]], bool]:
    """Tags may be spaced as one likes; the key itself must be the same."""
    wanted = record.replace(" ", "")
    return lambda found: any(each.replace(" ", "").rstrip(";") == wanted for each in found)


def _plain(record: str) -> str:
    return record.replace(" ", "").lower()
