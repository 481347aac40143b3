"""The engine: runs of contacts through versions of workflows, from rows that are due."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator

__all__ = ["includeme"]


def includeme(config: Configurator) -> None:
    from autoloop.base.due import DueKind
    from autoloop.engine import advance, partitions, perform, routing
    from autoloop.engine.services import events

    registrations = config.registry.registrations  # type: ignore[attr-defined]
    registrations.event_sink = events.receive
    for kind in (
        DueKind("route", routing.PROBE, routing.work),
        DueKind("advance", advance.PROBE, advance.work),
        DueKind("perform", perform.PROBE, perform.work),
        *partitions.KINDS,
    ):
        registrations.due_kinds[kind.name] = kind
