"""Loops over lists, and how a branch ends: in a loop it makes room for the next item."""

from __future__ import annotations

from typing import Any, Final

import orjson

from autoloop.engine.graph import CompiledNode
from autoloop.engine.interpreter.ledger import Ledger
from autoloop.engine.turns import Position
from autoloop.plugins.outcomes import Fail, Loop, Next

__all__ = ["GONE", "Loops"]

GONE: Final = object()
"""In place of an outcome: this branch has ended already."""


class Loops(Ledger):
    """A position's `loops` say in which lists it is; a list's next item begins once no position is in this one."""

    __slots__ = ()

    def retire(self, position: Position) -> bool:
        """End a branch. True if it goes on all the same: as the last of its item it goes back to its loop."""
        loops = position.get("loops")
        if loops and not self.shared(position, loops[-1][0]):
            node = self.graph.nodes.get(loops[-1][0].rpartition(":")[0])
            if node is not None:
                self.enter(position, node)
                return True
        self.positions.remove(position)
        return False

    def shared(self, position: Position, key: str) -> bool:
        """Is another position in this list too?"""
        return any(
            each is not position and any(key == held for held, _ in each.get("loops", ()))
            for each in self.positions
        )

    def next_item(self, position: Position, node: CompiledNode) -> Any:
        """An outcome if the position comes back to its loop; None if it comes for the first time."""
        loops = position.get("loops", ())
        level = next((i for i, (key, _) in enumerate(loops) if key.rpartition(":")[0] == node.id), None)
        if level is None:
            return None
        key, index = loops[level]
        items = self.variables.get("lists", {}).get(key, ())
        position["loops"] = loops[: level + 1]
        if self.shared(position, key):
            self.record(position, node, "merged", None, "another branch of this item is still under way")
            self.positions.remove(position)
            return GONE
        if index + 1 < len(items):
            position["loops"] = [*loops[:level], [key, index + 1]]
            return Next("item", why={"item": index + 2, "of": len(items)})
        self.out_of(position, level)
        return Next("done", output={"count": len(items)})

    def out_of(self, position: Position, level: int) -> None:
        left = position.pop("loops")[:level]
        if left:
            position["loops"] = left

    def begin(self, position: Position, node: CompiledNode, outcome: Loop) -> Next | Fail:
        """Take a list into the run."""
        if not node.step.loops or not isinstance(outcome.items, list | tuple):
            return Fail("answered a loop over what is no list")
        most = self.limits.items
        items, why = list(outcome.items[:most]), outcome.why
        if not items:
            return Next("done", output={"count": 0}, why=why)
        key = f"{node.id}:{position['visit']}"
        lists = {**self.variables.get("lists", {}), key: items}
        try:
            if len(written := orjson.dumps(lists)) > self.limits.outputs:
                return Fail(f"is given a list of more than {self.limits.outputs} bytes")
        except (TypeError, RecursionError) as error:
            return Fail(f"is given a list that is not plain data: {error}"[:500])
        self.variables = {**self.variables, "lists": orjson.loads(written)}
        self.changed = True
        position["loops"] = [*position.get("loops", ()), [key, 0]]
        if len(outcome.items) > most:
            why = {"why": why, "left_out": len(outcome.items) - most}
        return Next("item", why=why or {"item": 1, "of": len(items)})

    def enter(self, position: Position, node: CompiledNode) -> Position:
        visit = self.visits.get(node.id, 0) + 1
        self.visits[node.id] = visit
        position["node"], position["visit"], position["since"] = node.id, visit, self.stamp
        position.pop("attempt", None)
        position.pop("meant", None)
        position.pop("heard", None)
        return position
