"""Chance without randomness: the same contact meets the same choice every time."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

__all__ = ["fraction", "pick"]


def fraction(*parts: object) -> float:
    """A number in [0, 1) that depends on the parts alone, evenly spread over their values."""
    digest = blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)


def pick(weights: Sequence[float], at: float) -> int:
    """The index whose share of the weights holds `at` (in [0, 1)). Weights are ≥ 0 and not all 0."""
    total = sum(weights)
    if total <= 0:
        raise ValueError("weights must not all be 0")
    edge = 0.0
    last = 0
    for index, weight in enumerate(weights):
        if weight > 0:
            last = index
            edge += weight / total
            if at < edge:
                return index
    return last
