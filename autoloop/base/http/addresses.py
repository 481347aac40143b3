"""Which addresses may be reached: only those of the public Internet, and what an operator allows besides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

__all__ = ["Address", "Allowed", "refusal"]

Address = IPv4Address | IPv6Address

# IANA's special-purpose registries, and one cloud's internal service that hides among public addresses.
# Python's `is_private` and `is_global` are not asked: 3.11 and 3.13 answer differently.
V4 = {
    IPv4Network(net): kind
    for net, kind in {
        "0.0.0.0/8": "unspecified",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "shared by carriers",
        "127.0.0.0/8": "loopback",
        "168.63.129.16/32": "a cloud's internal service",
        "169.254.0.0/16": "link-local",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "reserved",
        "192.0.2.0/24": "for documentation",
        "192.88.99.0/24": "a 6to4 relay",
        "192.168.0.0/16": "private",
        "198.18.0.0/15": "for benchmarks",
        "198.51.100.0/24": "for documentation",
        "203.0.113.0/24": "for documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved",
    }.items()
}
V6 = {
    IPv6Network(net): kind
    for net, kind in {
        "::/128": "unspecified",
        "::1/128": "loopback",
        "::ffff:0:0/96": "an IPv4 address in disguise",
        "::ffff:0:0:0/96": "an IPv4 address in disguise",
        "::/96": "an IPv4 address in disguise",
        "64:ff9b:1::/48": "a local translation",
        "2001::/32": "a Teredo tunnel",
        "2001:2::/48": "for benchmarks",
        "2001::/23": "reserved",
        "2001:db8::/32": "for documentation",
        "2002::/16": "a 6to4 tunnel",
        "3fff::/20": "for documentation",
        "fc00::/7": "private",
        "fe80::/10": "link-local",
        "fec0::/10": "private",
        "ff00::/8": "multicast",
    }.items()
}
GLOBAL_UNICAST = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Allowed:
    """What an operator lets steps reach although it is not public: networks, and hosts by name."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def read(cls, entries: Iterable[str]) -> Allowed:
        """From "10.1.0.0/16", "192.168.1.7", "intranet.example.com". Raises ValueError."""
        networks: list[IPv4Network | IPv6Network] = []
        hosts: set[str] = set()
        for entry in entries:
            try:
                networks.append(ip_network(entry))
            except ValueError:
                if "/" in entry or ":" in entry or entry.replace(".", "").isdigit():
                    raise ValueError(f"“{entry}” is neither a network, an address nor a host name") from None
                hosts.add(entry.lower().rstrip("."))
        return cls(tuple(networks), frozenset(hosts))

    def address(self, address: Address) -> bool:
        return any(address in network for network in self.networks if network.version == address.version)

    def host(self, name: str) -> bool:
        return name.lower().rstrip(".") in self.hosts


def refusal(address: str | Address, allowed: Allowed | None = None) -> str | None:
    """Why this address is not reached, in two or three words ("private", "link-local"); None if it may be.

    Translated addresses (NAT64) count as the IPv4 address within, as an IPv6-only network needs them.
    """
    try:
        given = ip_address(address) if isinstance(address, str) else address
    except ValueError:
        return "no address"
    if isinstance(given, IPv6Address) and given.scope_id is not None:
        return "link-local"
    if allowed is not None and allowed.address(given):
        return None
    if isinstance(given, IPv4Address):
        return next((kind for net, kind in V4.items() if given in net), None)
    if given in NAT64:
        return refusal(IPv4Address(int(given) & 0xFFFFFFFF), allowed)
    kind = next((kind for net, kind in V6.items() if given in net), None)
    return kind or (None if given in GLOBAL_UNICAST else "reserved")
