"""A template that was read once and is rendered for many."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autoloop.base.liquid.dialect import read
from autoloop.base.liquid.faults import Fault
from autoloop.base.liquid.fields import Field, fields_of
from autoloop.base.liquid.frame import Frame
from autoloop.base.liquid.profiles import Profile
from autoloop.base.liquid.statements import Run, Statements

__all__ = ["Rendering", "Template", "parse"]

_BREAKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Rendering:
    """What came out, and the fields that were to be shown and had nothing in them."""

    text: str
    missing: tuple[str, ...]


class Template:
    """Thread-safe: a rendering changes nothing here."""

    __slots__ = ("_fields", "_run", "profile", "source")

    def __init__(self, source: str, profile: Profile, run: Run, fields: list[Field]) -> None:
        self.source = source
        self.profile = profile
        self._run = run
        self._fields = fields

    def render(self, data: Mapping[str, Any], now: datetime | None = None) -> str:
        """The text for this data.

        :param data: plain values by name; attributes of other objects are never read.
        :param now: what `now`, `today` and `'now' | date` give; without it they are empty.
        :raises TemplateInvalid: when it costs more than the profile allows, or cannot be worked out.
        """
        return self.run(data, now).text

    def run(
        self, data: Mapping[str, Any], now: datetime | None = None, fallbacks: Mapping[str, str] | None = None
    ) -> Rendering:
        """As `render`, with a value for fields that are empty (by path), and a list of those without one."""
        frame = Frame(self.profile, data, now, fallbacks or {})
        out: list[str] = []
        try:
            self._run(frame, out)
        except Fault as fault:
            raise fault.invalid(self.source) from None
        except (ArithmeticError, ValueError, RecursionError):
            raise Fault("this cannot be worked out for this data").invalid(self.source) from None
        text = "".join(out)
        out.clear()
        if self.profile.escape == "header":
            text = _BREAKS.sub(" ", text).strip()
        return Rendering(text, tuple(frame.missing))

    def fields(self) -> list[Field]:
        """The merge fields it reads, in the order they appear."""
        return list(self._fields)


def parse(source: str, profile: Profile) -> Template:
    """Read a template.

    :raises TemplateInvalid: with a line, if it is not of this dialect or larger than the profile allows.
    """
    try:
        nodes = read(source, profile)
        run = Statements(html=profile.escape == "html").sequence(nodes)
        fields = fields_of(nodes, source)
    except Fault as fault:
        raise fault.invalid(source) from None
    except RecursionError:
        raise Fault("too many parts inside one another").invalid(source) from None
    return Template(source, profile, run, fields)
