"""Tags and text of the library's tree, compiled to functions that write into a list of pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from liquid.ast import BlockNode, Node
from liquid.builtin.content import ContentNode
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.builtin.tags.case_tag import CaseNode, MultiExpressionBlockNode
from liquid.builtin.tags.cycle_tag import CycleNode
from liquid.builtin.tags.decrement_tag import DecrementNode
from liquid.builtin.tags.echo_tag import EchoNode
from liquid.builtin.tags.for_tag import BreakNode, ContinueNode, ForNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.increment_tag import IncrementNode
from liquid.builtin.tags.unless_tag import UnlessNode
from markupsafe import Markup

from autoloop.base.liquid.compare import equal
from autoloop.base.liquid.expressions import Expressions
from autoloop.base.liquid.faults import Fault
from autoloop.base.liquid.frame import Frame
from autoloop.base.liquid.loops import compile_loop

__all__ = ["BREAK", "CONTINUE", "Run", "Statements"]

BREAK, CONTINUE = 1, 2
Run = Callable[[Frame, list[str]], int]
"""Writes; returns 0, or BREAK or CONTINUE for the loop around it."""


class Statements:
    """Compiles statements, in the order they are written."""

    def __init__(self, html: bool) -> None:
        self.html = html
        self.expressions = Expressions(html)
        self._compilers: dict[type[Node], Callable[[Any], Run]] = {
            ContentNode: self._content,
            OutputNode: self._output,
            EchoNode: self._output,
            AssignNode: self._assign,
            CaptureNode: self._capture,
            IfNode: self._if,
            UnlessNode: self._if,
            CaseNode: self._case,
            ForNode: lambda node: compile_loop(self, node),
            BreakNode: lambda _: lambda _frame, _out: BREAK,
            ContinueNode: lambda _: lambda _frame, _out: CONTINUE,
            CycleNode: self._cycle,
            IncrementNode: self._increment,
            DecrementNode: self._decrement,
        }

    def sequence(self, nodes: Iterable[Node]) -> Run:
        """One function that runs these in turn. A fault on the way gets the place it happened at."""
        steps = [(node.token.start_index, self._statement(node)) for node in nodes]

        def run(frame: Frame, out: list[str]) -> int:
            for at, step in steps:
                try:
                    signal = step(frame, out)
                except Fault as fault:
                    if fault.at < 0:
                        fault.at = at
                    raise
                if signal:
                    return signal
            return 0

        return run

    def block(self, block: BlockNode) -> Run:
        """As `sequence`; a block of nothing but white space and assignments writes nothing, as in all Liquids."""
        run = self.sequence(block.nodes)
        return (lambda frame, _out: run(frame, [])) if block.blank else run

    def _statement(self, node: Node) -> Run:
        compiler = self._compilers.get(type(node))
        if compiler is None:
            raise Fault("this is not part of this dialect", node.token.start_index)
        return compiler(node)

    def charged(self, *expressions: Any) -> tuple[list[Callable[[Frame], Any]], int]:
        """These expressions compiled, and what one evaluation of all of them costs."""
        before = self.expressions.cost
        computes = [self.expressions.compile(expression) for expression in expressions]
        return computes, 2 + self.expressions.cost - before

    def _content(self, node: ContentNode) -> Run:
        text = node.text

        def run(frame: Frame, out: list[str]) -> int:
            frame.spend(1)
            frame.emit(out, text)
            return 0

        return run

    def _output(self, node: OutputNode) -> Run:
        (value,), cost = self.charged(node.expression)

        def run(frame: Frame, out: list[str]) -> int:
            frame.spend(cost)
            frame.emit(out, frame.escaped(value(frame)))
            return 0

        return run

    def _assign(self, node: AssignNode) -> Run:
        name = str(node.name)
        (value,), cost = self.charged(node.expression)

        def run(frame: Frame, out: list[str]) -> int:
            frame.spend(cost)
            frame.locals[name] = value(frame)
            return 0

        return run

    def _capture(self, node: CaptureNode) -> Run:
        name, inner, html = str(node.name), self.block(node.block), self.html

        def run(frame: Frame, out: list[str]) -> int:
            frame.spend(2)
            pieces: list[str] = []
            signal = inner(frame, pieces)
            frame.room(sum(map(len, pieces)))
            text = frame.hold("".join(pieces))
            frame.locals[name] = Markup(text) if html else text  # noqa: S704 (its values were escaped)
            return signal

        return run

    def _if(self, node: IfNode | UnlessNode) -> Run:
        wanted = isinstance(node, IfNode)
        (first,), cost = self.charged(node.condition)
        branches = [(first, cost, self.block(node.consequence), wanted)]
        for alternative in node.alternatives:
            (test,), cost = self.charged(alternative.expression)
            branches.append((test, cost, self.block(alternative.block), True))
        otherwise = self.block(node.default) if node.default else None

        def run(frame: Frame, out: list[str]) -> int:
            for test, cost, block, wanted in branches:
                frame.spend(cost)
                if bool(test(frame)) is wanted:
                    return block(frame, out)
            return otherwise(frame, out) if otherwise else 0

        return run

    def _case(self, node: CaseNode) -> Run:
        branches: list[tuple[list[Any] | None, int, Run]] = []
        (subject,), cost = self.charged(node.expression)
        for block in node.blocks:
            if isinstance(block, MultiExpressionBlockNode):
                tests, price = self.charged(*block.expression.expressions)
                branches.append((tests, price, self.block(block.block)))
            else:
                branches.append((None, 1, self.block(block)))

        def run(frame: Frame, out: list[str]) -> int:
            frame.spend(cost)
            value = subject(frame)
            matched = False
            for tests, price, block in branches:
                frame.spend(price)
                if tests is None:
                    hit = not matched
                else:
                    hit = any(equal(frame, value, test(frame)) for test in tests)
                    matched = matched or hit
                if hit and (signal := block(frame, out)):
                    return signal
            return 0

        return run

    def _cycle(self, node: CycleNode) -> Run:
        group = [node.group] if node.group else []
        computes, cost = self.charged(*group, *node.args)
        values = computes[len(group) :]
        own = ", ".join(str(arg) for arg in node.args)

        def run(frame: Frame, out: list[str]) -> int:
            frame.spend(cost + 2)
            key = "group " + frame.text(computes[0](frame)) if group else own
            turn = frame.cycles.get(key, 0)
            frame.cycles[key] = (turn + 1) % len(values)
            if turn < len(values):
                frame.emit(out, frame.escaped(values[turn](frame)))
            return 0

        return run

    def _increment(self, node: IncrementNode) -> Run:
        return self._count(str(node.name), 1)

    def _decrement(self, node: DecrementNode) -> Run:
        return self._count(str(node.name), -1)

    def _count(self, name: str, by: int) -> Run:
        """`increment` shows, then adds; `decrement` takes away, then shows."""

        def run(frame: Frame, out: list[str]) -> int:
            frame.spend(2)
            shown = frame.counters.get(name, 0) + min(by, 0)
            frame.counters[name] = shown + max(by, 0)
            frame.emit(out, str(shown))
            return 0

        return run
