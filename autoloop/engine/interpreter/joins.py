"""Merges: branches that wait for each other, and go on as one."""

from __future__ import annotations

from collections.abc import Collection

from autoloop.engine.graph import CompiledNode
from autoloop.engine.interpreter.walk import Walk
from autoloop.engine.turns import Position
from autoloop.plugins.context import Resumed

__all__ = ["Joins"]

NOBODY: frozenset[str] = frozenset()


class Joins(Walk):
    """Looks after a turn whether a merge still has somebody to wait for.

    A merge waits for every position that can still get to it. One that has ended cannot; one that is held
    at another merge can, unless the two wait for each other: then the one that was come to first goes on.
    """

    __slots__ = ()

    def gather(self) -> bool:
        """Let one merge go on, if one can. True if so."""
        held: dict[str, list[Position]] = {}
        going: list[Position] = []
        for position in self.positions:
            wait = position.get("wait")
            if wait is not None and wait["kind"] == "merge":
                if position["node"] not in self.graph.joins:  # another version now
                    del position["wait"]
                    return True
                held.setdefault(position["node"], []).append(position)
            else:
                going.append(position)
        ready = {key for key in held if not any(self.can_reach(each, key) for each in going)}
        while blocked := {
            key
            for key in ready
            if any(self.can_reach(held[other][0], key) for other in held.keys() - ready - {key})
        }:
            ready -= blocked
        if not ready:
            return False
        node = self.graph.nodes[self.first_of(ready, held)]
        group = held[node.id]
        survivor = max(group, key=lambda each: len(each.get("loops", ())))
        why = {"branches": len(group)}
        self.release(survivor, node, Resumed("merge", self.now, data=why))
        return True

    def first_of(self, ready: Collection[str], held: dict[str, list[Position]]) -> str:
        """One that waits for none of the others; else, as they wait for each other, the first come to."""
        order = [key for key in held if key in ready]
        for key in order:
            if not any(self.can_reach(held[other][0], key) for other in order if other != key):
                return key
        return order[0]

    def can_reach(self, position: Position, merge: str) -> bool:
        leading = self.graph.joins.get(merge, NOBODY)
        return position["node"] in leading or any(
            key.rpartition(":")[0] in leading for key, _ in position.get("loops", ())
        )

    def release(self, position: Position, node: CompiledNode, resumed: Resumed) -> None:
        """Go on from a merge with one of those that wait there."""
        position.pop("wait", None)
        self.absorb(position, node)
        self.walk(position, resumed)

    def absorb(self, position: Position, node: CompiledNode) -> None:
        """Take the others that wait at this merge in; those still under way to it will end there."""
        for each in list(self.positions):
            if each is position:
                continue
            if each["node"] == node.id and each.get("wait", {}).get("kind") == "merge":
                del each["wait"]
                if "past" in position:  # what one of them may still pass, all of them may
                    position["past"] = [key for key in position["past"] if key in each.get("past", ())]
                self.record(each, node, "merged", None, {"position": position["id"]})
                self.retire(each)
            elif self.can_reach(each, node.id) and node.id not in each.get("past", ()):
                each["past"] = [*each.get("past", ()), node.id]
