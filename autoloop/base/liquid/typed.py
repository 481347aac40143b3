"""Expressions of settings: a single `{{ x }}` keeps its type, anything more is text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from liquid.builtin.output import OutputNode

from autoloop.base.liquid.dialect import read
from autoloop.base.liquid.expressions import Compute, Expressions
from autoloop.base.liquid.faults import Fault, TemplateInvalid
from autoloop.base.liquid.fields import fields_of
from autoloop.base.liquid.frame import Frame
from autoloop.base.liquid.profiles import EXPRESSION
from autoloop.base.liquid.template import Template, parse
from autoloop.plugins.expressions import BadExpression, ExpressionError, Program

__all__ = ["parse_typed"]

_PLAIN = (str, int, float, list, dict, datetime, date, time)


def parse_typed(source: str) -> Program:
    """Compile one expression of a step's settings. Raises BadExpression with a line.

    Costs at run time are those of the profile `expression`: 64 kB of text, about 5 ms.
    """
    source = source.strip()
    try:
        nodes = read(source, EXPRESSION)
        if len(nodes) != 1 or not isinstance(nodes[0], OutputNode):
            return _Text(parse(source, EXPRESSION))
        expressions = Expressions(html=False)
        compute = expressions.compile(nodes[0].expression)
        paths = frozenset(each.path for each in fields_of(nodes, source))
    except Fault as fault:
        raise BadExpression(str(fault.invalid(source))) from None
    except TemplateInvalid as error:
        raise BadExpression(str(error)) from None
    except RecursionError:
        raise BadExpression("Line 1: too many parts inside one another") from None
    return _Single(compute, expressions.cost, paths)


class _Text:
    __slots__ = ("_template", "paths")

    def __init__(self, template: Template) -> None:
        self._template = template
        self.paths = frozenset(each.path for each in template.fields())

    def __call__(self, known: Mapping[str, Any], now: datetime) -> str:
        try:
            return self._template.render(known, now)
        except TemplateInvalid as error:
            raise ExpressionError(error.reason) from None


class _Single:
    __slots__ = ("_compute", "_cost", "paths")

    def __init__(self, compute: Compute, cost: int, paths: frozenset[str]) -> None:
        self._compute, self._cost, self.paths = compute, cost, paths

    def __call__(self, known: Mapping[str, Any], now: datetime) -> Any:
        frame = Frame(EXPRESSION, known, now, {})
        try:
            frame.spend(self._cost)
            found = self._compute(frame)
            if isinstance(found, list | dict | range | str):
                frame.weigh(found)
        except Fault as fault:
            raise ExpressionError(fault.reason) from None
        except (ArithmeticError, ValueError, RecursionError):
            raise ExpressionError("this cannot be worked out for this data") from None
        if isinstance(found, range):
            return list(found)
        return found if isinstance(found, _PLAIN) else None
