"""The engine: runs of contacts through versions of workflows, from rows that are due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autoloop.base.i18n import _

if TYPE_CHECKING:
    from pyramid.config import Configurator

__all__ = ["includeme"]


def includeme(config: Configurator) -> None:
    from autoloop.base.due import DueKind
    from autoloop.engine import advance, partitions, perform, resources, routing
    from autoloop.engine.services import events
    from autoloop.workspaces.resources import Workspace

    registrations = config.registry.registrations  # type: ignore[attr-defined]
    registrations.event_sink = events.receive
    for kind in (
        DueKind("route", routing.PROBE, routing.work),
        DueKind("advance", advance.PROBE, advance.work),
        DueKind("perform", perform.PROBE, perform.work),
        *partitions.KINDS,
    ):
        registrations.due_kinds[kind.name] = kind
    config.add_child(Workspace, "runs", resources.Runs)
    config.add_child(Workspace, "events", resources.Events)
    config.add_child(resources.Run, "steps", resources.Steps)
    config.add_nav("runs", _("Runs"), "activity", section="Automate", order=20, key="r")
    config.scan("autoloop.engine.views")
    config.scan("autoloop.engine.pages")
