"""Single expressions of the dialect, without braces: conditions and values of steps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from liquid.builtin.expressions import BooleanExpression, FilteredExpression, tokenize
from liquid.exceptions import LiquidError
from liquid.expression import Expression
from liquid.stream import TokenStream
from liquid.token import TOKEN_EXPRESSION, Token

from autoloop.base.liquid.dialect import DIALECT
from autoloop.base.liquid.expressions import Compute, Expressions
from autoloop.base.liquid.faults import Fault, explain
from autoloop.base.liquid.fields import Field, fields_of_expression
from autoloop.base.liquid.frame import Frame
from autoloop.base.liquid.profiles import EXPRESSION
from autoloop.base.liquid.scan import check_expression

__all__ = ["Condition", "Value", "parse_condition", "parse_value"]


class _Compiled:
    __slots__ = ("_compute", "_cost", "_fields", "source")

    def __init__(self, source: str, tree: Expression) -> None:
        expressions = Expressions(html=False)
        self.source = source
        self._compute: Compute = expressions.compile(tree)
        self._cost = expressions.cost
        self._fields = fields_of_expression(tree, source)

    def fields(self) -> list[Field]:
        """The fields it reads."""
        return list(self._fields)

    def _evaluate(self, data: Mapping[str, Any], now: datetime | None) -> Any:
        frame = Frame(EXPRESSION, data, now, {})
        try:
            frame.spend(self._cost)
            return self._compute(frame)
        except Fault as fault:
            raise fault.invalid(self.source) from None
        except (ArithmeticError, ValueError, RecursionError):
            raise Fault("this cannot be worked out for this data").invalid(self.source) from None


class Condition(_Compiled):
    """`contact.status == "new" and contact.tags contains "vip"`."""

    __slots__ = ()

    def holds(self, data: Mapping[str, Any], now: datetime | None = None) -> bool:
        """Whether it is true of this data. Values that cannot be compared make it false.

        :raises TemplateInvalid: when it costs more than the profile allows.
        """
        return bool(self._evaluate(data, now))


class Value(_Compiled):
    """`contact.first_name | default: "there"`."""

    __slots__ = ()

    def of(self, data: Mapping[str, Any], now: datetime | None = None) -> Any:
        """The plain value of it for this data.

        :raises TemplateInvalid: when it costs more than the profile allows.
        """
        found = self._evaluate(data, now)
        return list(found) if isinstance(found, range) else found


def parse_condition(source: str) -> Condition:
    """Read a condition.

    :raises TemplateInvalid: if it is not one of this dialect.
    """
    return Condition(source, _tree(source, condition=True))


def parse_value(source: str) -> Value:
    """Read a value with filters.

    :raises TemplateInvalid: if it is not one of this dialect.
    """
    return Value(source, _tree(source, condition=False))


def _tree(source: str, *, condition: bool) -> Expression:
    try:
        check_expression(source, 0)
        tokens = TokenStream(tokenize(source, Token(TOKEN_EXPRESSION, source, 0, source)))
        return (
            BooleanExpression.parse(DIALECT, tokens)
            if condition
            else FilteredExpression.parse(DIALECT, tokens)
        )
    except LiquidError as error:
        raise explain(error).invalid(source) from None
    except Fault as fault:
        raise fault.invalid(source) from None
