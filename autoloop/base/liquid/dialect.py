"""python-liquid's Environment, cut down to the tags this dialect has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from liquid import Environment, Mode
from liquid.ast import Node
from liquid.builtin import content, illegal, output
from liquid.builtin.tags import (
    assign_tag,
    capture_tag,
    case_tag,
    cycle_tag,
    decrement_tag,
    echo_tag,
    for_tag,
    if_tag,
    increment_tag,
    unless_tag,
)
from liquid.exceptions import LiquidError
from liquid.parser import get_parser
from liquid.stream import TokenStream
from liquid.token import Token

from autoloop.base.liquid.faults import explain
from autoloop.base.liquid.profiles import Profile
from autoloop.base.liquid.scan import scan

__all__ = ["DIALECT", "read"]


class Dialect(Environment):
    """Tags that load nothing and call nothing. No include, render, extends, macro, tablerow, liquid."""

    block_nesting_limit: ClassVar[int] = 20

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        for tag in (
            content.Literal,
            output.Output,
            illegal.Illegal,
            if_tag.IfTag,
            unless_tag.UnlessTag,
            case_tag.CaseTag,
            for_tag.ForTag,
            for_tag.BreakTag,
            for_tag.ContinueTag,
            capture_tag.CaptureTag,
            cycle_tag.CycleTag,
            assign_tag.AssignTag,
            increment_tag.IncrementTag,
            decrement_tag.DecrementTag,
            echo_tag.EchoTag,
        ):
            self.add_tag(tag)

    def tokenizer(self) -> Callable[[str], Iterator[Token]]:
        raise NotImplementedError("sources pass through scan() first")


DIALECT = Dialect(tolerance=Mode.STRICT)


def read(source: str, profile: Profile) -> list[Node]:
    """The library's tree of a source.

    :raises Fault: with the place, when it cannot be read or is too much.
    """
    tokens = TokenStream(scan(source, profile))
    try:
        return get_parser(DIALECT).parse(tokens)
    except LiquidError as error:
        raise explain(error) from None
