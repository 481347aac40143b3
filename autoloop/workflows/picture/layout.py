"""A layered layout: ranks by longest way, order by barycentres, places by least squares.

After Sugiyama, Tagawa, Toda: "Methods for visual understanding of hierarchical system structures"
(1981); places within a rank are an isotonic regression, so that neighbours line up and never overlap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Layout", "lay_out"]

Point = tuple[int, float]
SWEEPS = 6
MOST_BENDS = 4000
BEND = 0.25  # what a passing edge takes of the room of a node


@dataclass(frozen=True)
class Layout:
    """`places`: node → (rank from 0, place across in units of one node). `routes`: for each edge, in
    the order given, the points it passes, its ends included. `width` is in the same units."""

    places: Mapping[str, Point]
    routes: Sequence[Sequence[Point]]
    ranks: int
    width: float


def lay_out(nodes: Sequence[str], edges: Sequence[tuple[str, str]], start: str | None = None) -> Layout:
    """Any graph, with loops and parts that hang together with nothing. Takes O(sweeps · edges)."""
    if not nodes:
        return Layout({}, [()] * len(edges), 0, 0)
    numbers = {node: number for number, node in enumerate(nodes)}
    pairs = [(numbers[source], numbers[target]) for source, target in edges]
    first = numbers.get(start, 0) if start else 0
    depth_first, backward = _walk(len(nodes), pairs, first)
    forward = [(t, s) if (s, t) in backward else (s, t) for s, t in pairs]
    ranks = _ranks(len(nodes), forward)
    chains = _chains(ranks, forward, len(nodes))
    for chain in chains:
        ranks.extend(ranks[chain[0]] + step for step in range(1, len(chain) - 1))
    above, below = _neighbours(len(ranks), chains)
    rows = _rows(ranks, [*depth_first, *range(len(nodes), len(ranks))])
    _order(rows, above, below)
    sizes = [1.0] * len(nodes) + [BEND] * (len(ranks) - len(nodes))
    across = _across(rows, above, below, sizes)
    left = min(place - size / 2 for place, size in zip(across, sizes, strict=True)) + 0.5
    points = [(rank, place - left) for rank, place in zip(ranks, across, strict=True)]
    routes = []
    for (source, target), chain in zip(pairs, chains, strict=True):
        way = [points[each] for each in chain]
        routes.append(way[::-1] if (source, target) in backward else way)
    width = max(place + size / 2 for place, size in zip(across, sizes, strict=True)) - left + 0.5
    return Layout({node: points[number] for node, number in numbers.items()}, routes, len(rows), width)


def _walk(count: int, pairs: Sequence[tuple[int, int]], first: int) -> tuple[list[int], set[tuple[int, int]]]:
    """The nodes in depth-first order, and the edges that lead back into a node still open."""
    ways: list[list[int]] = [[] for _ in range(count)]
    for source, target in pairs:
        ways[source].append(target)
    order, backward = [], set()
    state = [0] * count  # 0 unseen, 1 open, 2 done
    for root in (first, *range(count)):
        if state[root]:
            continue
        state[root] = 1
        order.append(root)
        path = [(root, iter(ways[root]))]
        while path:
            node, left = path[-1]
            for target in left:
                if state[target] == 0:
                    state[target] = 1
                    order.append(target)
                    path.append((target, iter(ways[target])))
                    break
                if state[target] == 1 and target != node:
                    backward.add((node, target))
            else:
                state[node] = 2
                path.pop()
    return order, backward


def _ranks(count: int, forward: Sequence[tuple[int, int]]) -> list[int]:
    ways: list[list[int]] = [[] for _ in range(count)]
    led = [0] * count
    for source, target in forward:
        if source != target:
            ways[source].append(target)
            led[target] += 1
    ranks, free = [0] * count, [node for node in range(count) if not led[node]]
    while free:
        node = free.pop()
        for target in ways[node]:
            ranks[target] = max(ranks[target], ranks[node] + 1)
            led[target] -= 1
            if not led[target]:
                free.append(target)
    return ranks


def _chains(ranks: Sequence[int], forward: Sequence[tuple[int, int]], count: int) -> list[list[int]]:
    """Each edge as a chain of points one rank apart; the points between its ends get new numbers."""
    bends = sum(max(0, ranks[t] - ranks[s] - 1) for s, t in forward)
    chains, number = [], count
    for source, target in forward:
        between = max(0, ranks[target] - ranks[source] - 1) if bends <= MOST_BENDS else 0
        chains.append([source, *range(number, number + between), target])
        number += between
    return chains


def _neighbours(count: int, chains: Sequence[Sequence[int]]) -> tuple[list[list[int]], list[list[int]]]:
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for chain in chains:
        for upper, lower in pairwise(chain):
            if upper != lower:
                above[lower].append(upper)
                below[upper].append(lower)
    return above, below


def _rows(ranks: Sequence[int], order: Sequence[int]) -> list[list[int]]:
    rows: list[list[int]] = [[] for _ in range(max(ranks) + 1)]
    for number in order:
        rows[ranks[number]].append(number)
    return rows


def _order(rows: list[list[int]], above: list[list[int]], below: list[list[int]]) -> None:
    at = [0.0] * len(above)
    for row in rows:
        for index, number in enumerate(row):
            at[number] = float(index)
    for sweep in range(SWEEPS):
        near = above if sweep % 2 == 0 else below
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = {
                number: sum(at[each] for each in near[number]) / len(near[number])
                if near[number]
                else at[number]
                for number in row
            }
            row.sort(key=wanted.__getitem__)
            for index, number in enumerate(row):
                at[number] = float(index)


def _across(
    rows: Sequence[Sequence[int]],
    above: Sequence[Sequence[int]],
    below: Sequence[Sequence[int]],
    sizes: Sequence[float],
) -> list[float]:
    at = [0.0] * len(above)
    for row in rows:
        for number, place in zip(row, _apart([0.0] * len(row), [sizes[each] for each in row]), strict=True):
            at[number] = place
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = []
            for number in row:
                near = [*above[number], *below[number]]
                wanted.append(sum(at[each] for each in near) / len(near) if near else at[number])
            for number, place in zip(row, _apart(wanted, [sizes[each] for each in row]), strict=True):
                at[number] = place
    return at


def _apart(wanted: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """The places nearest to those wanted that keep the order and do not overlap.

    With y = x − (the room taken so far) this is isotonic regression, solved by pooling adjacent violators.
    """
    taken, room = [], 0.0
    for index, size in enumerate(sizes):
        room += (sizes[index - 1] + size) / 2 if index else 0.0
        taken.append(room)
    pools: list[list[float]] = []  # [mean, how many]
    for place, offset in zip(wanted, taken, strict=True):
        pools.append([place - offset, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, count = pools.pop()
            before = pools[-1]
            before[0] = (before[0] * before[1] + mean * count) / (before[1] + count)
            before[1] += count
    means = [mean for mean, count in pools for _ in range(int(count))]
    return [mean + offset for mean, offset in zip(means, taken, strict=True)]
