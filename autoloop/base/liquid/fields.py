"""The merge fields of a template: which of the caller's data it reads, and how."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from liquid.ast import ConditionalBlockNode, Node
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.case_tag import MultiExpressionBlockNode
from liquid.builtin.tags.cycle_tag import CycleNode
from liquid.builtin.tags.decrement_tag import DecrementNode
from liquid.builtin.tags.increment_tag import IncrementNode
from liquid.expression import Expression

from autoloop.base.liquid.expressions import dotted

__all__ = ["Field", "fields_of", "fields_of_expression"]


@dataclass(frozen=True, slots=True)
class Field:
    """One place of the data. `shown` if it is written out somewhere, `default` if everywhere with a default."""

    path: str
    shown: bool
    default: bool
    line: int


def fields_of(nodes: Iterable[Node], source: str) -> list[Field]:
    """In the order they first appear; one entry per path."""
    reader = _Reader(source)
    for node in nodes:
        reader.visit(node, frozenset())
    return reader.fields()


def fields_of_expression(expression: Expression, source: str) -> list[Field]:
    reader = _Reader(source)
    reader.read(expression, frozenset(), shown=isinstance(expression, FilteredExpression))
    return reader.fields()


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.own: set[str] = set()
        self.found: dict[str, Field] = {}

    def fields(self) -> list[Field]:
        return list(self.found.values())

    def visit(self, node: Node, scope: frozenset[str]) -> None:
        shown = isinstance(node, (OutputNode, AssignNode, CycleNode))
        for expression in _expressions(node):
            self.read(expression, scope, shown=shown)
        if isinstance(node, (IncrementNode, DecrementNode)):
            self.own.add(str(node.name))
        self.own.update(str(name) for name in node.template_scope())
        inner = scope | {str(name) for name in node.block_scope()}
        for child in node.children(None):  # type: ignore[arg-type]  # no tag of ours loads partials
            self.visit(child, inner)

    def read(
        self, expression: Expression, scope: frozenset[str], *, shown: bool, default: bool = False
    ) -> None:
        if isinstance(expression, Path):
            self._add(expression, scope, shown, default)
        if isinstance(expression, FilteredExpression):
            filters = expression.filters or []
            has_default = any(filter_.name == "default" for filter_ in filters)
            self.read(expression.left, scope, shown=shown, default=has_default)
            for filter_ in filters:
                for argument in filter_.children():
                    self.read(argument, scope, shown=shown)
            return
        for child in expression.children():
            self.read(child, scope, shown=shown and not isinstance(expression, Path))

    def _add(self, path: Path, scope: frozenset[str], shown: bool, default: bool) -> None:
        root = str(path.path[0])
        if root in scope or root in self.own or root in ("now", "today"):
            return
        name = dotted(path) or ".".join(_fixed(path))
        before = self.found.get(name)
        if before is None:
            line = self.source.count("\n", 0, max(path.token.start_index, 0)) + 1
            self.found[name] = Field(name, shown, default or not shown, line)
        else:
            safe = before.default and (default or not shown)
            self.found[name] = Field(name, before.shown or shown, safe, before.line)


def _expressions(node: Node) -> Iterator[Expression]:
    if isinstance(node, MultiExpressionBlockNode):
        yield from node.expression.expressions
    elif isinstance(node, ConditionalBlockNode):
        yield node.expression
    else:
        yield from node.expressions()


def _fixed(path: Path) -> Iterator[str]:
    for part in path.path:
        if isinstance(part, Path):
            return
        yield str(part)
