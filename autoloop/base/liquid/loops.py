"""The `for` tag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liquid.builtin.expressions import StringLiteral
from liquid.builtin.tags.for_tag import ForNode

from autoloop.base.liquid.faults import Fault
from autoloop.base.liquid.filters import whole
from autoloop.base.liquid.frame import Frame, plain

if TYPE_CHECKING:
    from autoloop.base.liquid.statements import Run, Statements

__all__ = ["compile_loop"]


def compile_loop(statements: Statements, node: ForNode) -> Run:
    loop = node.expression
    name = str(loop.identifier)
    if loop.cols is not None:
        raise Fault("“cols” is not part of “for”", node.token.start_index)
    resumes = isinstance(loop.offset, StringLiteral) and loop.offset.value == "continue"
    (iterable, limit, offset), cost = statements.charged(
        loop.iterable,
        loop.limit or StringLiteral(node.token, ""),
        loop.offset or StringLiteral(node.token, ""),
    )
    has_limit = loop.limit is not None
    key = f"{name}-{loop.iterable}"
    used = [False]
    statements.expressions.loops.append((name, used))
    block = statements.block(node.block)
    statements.expressions.loops.pop()
    default = statements.block(node.default) if node.default else None
    wants_position = used[0]

    def run(frame: Frame, out: list[str]) -> int:
        frame.spend(cost + 4)
        entries = _entries(frame, iterable(frame))
        start = frame.stops.get(key, 0) if resumes else max(whole(offset(frame), 0), 0)
        stop = start + max(whole(limit(frame), 0), 0) if has_limit else len(entries)
        entries = entries[start:stop]
        frame.stops[key] = start + len(entries)
        if not entries:
            return default(frame, out) if default else 0
        scope: dict[str, Any] = {}
        position: dict[str, Any] | None = None
        if wants_position:
            parent = frame.loops[-1].get("forloop") if frame.loops else None
            position = scope["forloop"] = {"name": key, "length": len(entries), "parentloop": parent}
        frame.loops.append(scope)
        try:
            for index, entry in enumerate(reversed(entries) if loop.reversed else entries):
                frame.spend(2 if position is None else 6)
                scope[name] = plain(entry)
                if position is not None:
                    _place(position, index, len(entries))
                if block(frame, out) == 1:
                    break
        finally:
            frame.loops.pop()
        return 0

    return run


def _entries(frame: Frame, value: Any) -> list[Any] | range:
    if isinstance(value, range):
        return value
    if isinstance(value, dict):
        frame.entries(value)
        frame.hold_list(len(value), 100)
        return [list(pair) for pair in value.items()]
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, list):
        frame.entries(value)
        frame.spend(len(value) >> 4)
        return value
    return []


def _place(position: dict[str, Any], index: int, length: int) -> None:
    position["index0"], position["index"] = index, index + 1
    position["rindex0"], position["rindex"] = length - index - 1, length - index
    position["first"], position["last"] = index == 0, index == length - 1
