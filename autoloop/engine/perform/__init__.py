"""Perform: does the I/O that runs asked for, outside every transaction, held by lease and fence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autoloop.engine.perform.performer import Performer
from autoloop.engine.perform.statements import PROBE

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["PROBE", "Performer", "work"]


def work(runtime: Runtime) -> int:
    """Perform one batch of due actions. Returns how many."""
    return Performer.of(runtime).turn()
