"""Expressions of the library's tree, compiled to functions of a frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from liquid.builtin.expressions import BooleanExpression, FilteredExpression, Path, StringLiteral
from liquid.builtin.expressions import logical as lg
from liquid.builtin.expressions import primitive as pr
from liquid.builtin.expressions.arguments import KeywordArgument
from liquid.expression import Expression
from markupsafe import Markup

from autoloop.base.liquid.compare import contains, equal, less, truthy
from autoloop.base.liquid.faults import Fault
from autoloop.base.liquid.filters import FILTERS, whole
from autoloop.base.liquid.frame import BLANK, EMPTY, Frame, is_empty, plain

__all__ = ["Compute", "Expressions", "dotted"]

Compute = Callable[[Frame], Any]


def dotted(path: Path) -> str | None:
    """`contact.address.city`; None where a part is only known when rendered."""
    parts = [str(part) for part in path.path if not isinstance(part, Path)]
    return ".".join(parts) if len(parts) == len(path.path) else None


class Expressions:
    """Compiles expressions. Knows which loops are around, so that names resolve without a search.

    `cost` grows with each part compiled; statements charge what their expressions added.
    """

    def __init__(self, html: bool) -> None:
        self.html = html
        self.cost = 0
        self.loops: list[tuple[str, list[bool]]] = []
        self._compilers: dict[type[Expression], Callable[[Any], Compute]] = {
            BooleanExpression: self._boolean,
            FilteredExpression: self._filtered,
            Path: self.path,
            pr.RangeLiteral: self._range,
            StringLiteral: self._string,
            pr.Nil: lambda _: lambda _frame: None,
            pr.Empty: lambda _: lambda _frame: EMPTY,
            pr.Blank: lambda _: lambda _frame: BLANK,
            pr.TrueLiteral: lambda _: lambda _frame: True,
            pr.FalseLiteral: lambda _: lambda _frame: False,
            pr.IntegerLiteral: self._number,
            pr.FloatLiteral: self._number,
            lg.LogicalAndExpression: self._and,
            lg.LogicalOrExpression: self._or,
            lg.EqExpression: lambda e: self._pair(e, equal),
            lg.NeExpression: lambda e: self._pair(e, lambda frame, a, b: not equal(frame, a, b)),
            lg.LtExpression: lambda e: self._pair(e, less),
            lg.GtExpression: lambda e: self._pair(e, lambda frame, a, b: less(frame, b, a)),
            lg.LeExpression: lambda e: self._pair(
                e, lambda f, a, b: less(f, a, b) or (_ordered(a, b) and a == b)
            ),
            lg.GeExpression: lambda e: self._pair(
                e, lambda f, a, b: less(f, b, a) or (_ordered(a, b) and a == b)
            ),
            lg.ContainsExpression: lambda e: self._pair(e, contains),
        }

    def compile(self, expression: Expression) -> Compute:
        """A function that gives the expression's value.

        :raises Fault: for what is not in this dialect.
        """
        self.cost += 1
        compiler = self._compilers.get(type(expression))
        if compiler is None:
            raise Fault("this is not part of this dialect", expression.token.start_index)
        return compiler(expression)

    def path(self, path: Path) -> Compute:
        root = path.path[0]
        if not isinstance(root, str):
            raise Fault("a value starts with a name, like contact.email", path.token.start_index)
        read = self._root(root)
        segments = path.path[1:]
        self.cost += len(segments)
        if not segments:
            return read
        if all(isinstance(part, (str, int)) for part in segments):
            return lambda frame: _walk(read(frame), segments)
        parts = [self.path(part) if isinstance(part, Path) else _constant(part) for part in segments]
        return lambda frame: _walk(read(frame), [part(frame) for part in parts])

    def _root(self, name: str) -> Compute:
        if name == "forloop" and self.loops:
            for _, used in self.loops:
                used[0] = True
            return lambda frame: frame.loops[-1].get("forloop")
        for depth, (variable, _) in enumerate(reversed(self.loops), start=1):
            if variable == name:
                return lambda frame: frame.loops[-depth].get(name)
        return lambda frame: frame.look_up(name)

    def operand(self, expression: Expression, filters: list[Any]) -> Compute:
        """What filters start from. A field of the data that is empty is noted, unless `default` looks after it."""
        compute = self.compile(expression)
        if not isinstance(expression, Path) or any(filter_.name == "default" for filter_ in filters):
            return compute
        name = dotted(expression)
        if name is None or any(expression.path[0] == variable for variable, _ in self.loops):
            return compute
        root = str(expression.path[0])
        if root in ("now", "today"):
            return compute

        def noted(frame: Frame) -> Any:
            value = compute(frame)
            if is_empty(value) and value is not False and root not in frame.locals:
                return frame.found_empty(name)
            return value

        return noted

    def _filtered(self, expression: FilteredExpression) -> Compute:
        filters = expression.filters or []
        compute = self.operand(expression.left, filters)
        for filter_ in filters:
            compute = self._filter(filter_, compute)
        return compute

    def _filter(self, filter_: Any, left: Compute) -> Compute:
        at = filter_.token.start_index
        known = FILTERS.get(filter_.name)
        if known is None:
            raise Fault(f"there is no filter “{filter_.name}”", at)
        named = {
            arg.name: self.operand(arg.value, []) for arg in filter_.args if isinstance(arg, KeywordArgument)
        }
        listed = [self.operand(arg.value, []) for arg in filter_.args if not isinstance(arg, KeywordArgument)]
        if not known.least <= len(listed) <= known.most:
            raise Fault(f"the filter “{filter_.name}” takes {known.takes}", at)
        if unknown := set(named) - known.named:
            raise Fault(f"the filter “{filter_.name}” knows no “{min(unknown)}”", at)
        self.cost += 2
        work = known.work
        if not listed and not named:
            return lambda frame: work(frame, left(frame))
        return lambda frame: work(
            frame,
            left(frame),
            *[arg(frame) for arg in listed],
            **{name: arg(frame) for name, arg in named.items()},
        )

    def _string(self, expression: StringLiteral) -> Compute:
        return _constant(Markup(expression.value) if self.html else expression.value)  # noqa: S704

    def _number(self, expression: Any) -> Compute:
        if abs(expression.value) >= 1 << 63:
            raise Fault("this number is too large", expression.token.start_index)
        return _constant(expression.value)

    def _range(self, expression: pr.RangeLiteral) -> Compute:
        start, stop = self.compile(expression.start), self.compile(expression.stop)

        def make(frame: Frame) -> range:
            first, last = whole(start(frame), 0), whole(stop(frame), 0)
            span = range(first, max(first, last + 1))
            frame.entries(span)
            return span

        return make

    def _boolean(self, expression: BooleanExpression) -> Compute:
        compute = self.compile(expression.expression)
        return lambda frame: truthy(compute(frame))

    def _and(self, expression: lg.LogicalAndExpression) -> Compute:
        left, right = self.compile(expression.left), self.compile(expression.right)
        return lambda frame: truthy(left(frame)) and truthy(right(frame))

    def _or(self, expression: lg.LogicalOrExpression) -> Compute:
        left, right = self.compile(expression.left), self.compile(expression.right)
        return lambda frame: truthy(left(frame)) or truthy(right(frame))

    def _pair(self, expression: Any, test: Callable[[Frame, Any, Any], bool]) -> Compute:
        left, right = self.compile(expression.left), self.compile(expression.right)
        return lambda frame: test(frame, left(frame), right(frame))


def _ordered(left: Any, right: Any) -> bool:
    return (
        not isinstance(left, bool) and not isinstance(right, bool) and left is not None and right is not None
    )


def _constant(value: Any) -> Compute:
    return lambda _frame: value


def _walk(value: Any, segments: list[Any]) -> Any:
    for part in segments:
        if isinstance(value, dict):
            if part in value if isinstance(part, (str, int)) else False:
                value = plain(value[part])
            elif part == "size":
                value = len(value)
            elif part == "first" and value:
                value = [*next(iter(value.items()))]
            else:
                return None
        elif isinstance(value, (list, range)):
            value = _entry(value, part)
        elif part == "size" and isinstance(value, str):
            value = len(value)
        else:
            return None
        if value is None:
            return None
    return value


def _entry(value: list[Any] | range, part: Any) -> Any:
    if part == "size":
        return len(value)
    index = {"first": 0, "last": -1}.get(part, part) if isinstance(part, str) else part
    if isinstance(index, int) and not isinstance(index, bool) and -len(value) <= index < len(value):
        return plain(value[index])
    return None
