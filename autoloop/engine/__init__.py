"""The engine: runs of contacts through versions of workflows, from rows that are due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autoloop.base.i18n import _

if TYPE_CHECKING:
    from pyramid.config import Configurator

__all__ = ["includeme"]


def includeme(config: Configurator) -> None:
    from autoloop.base.due import DueKind
    from autoloop.engine import advance, blocked, partitions, perform, routing, schedules
    from autoloop.engine.services import bulk, enrolments, events
    from autoloop.engine.services.choosing import LOADERS
    from autoloop.engine.services.credential_users import credential_users
    from autoloop.engine.services.erasure import erase, export
    from autoloop.engine.services.history import timeline
    from autoloop.engine.services.merging import merge

    registrations = config.registry.registrations  # type: ignore[attr-defined]
    registrations.event_sink = events.receive
    registrations.fact_loaders["credential_users"] = credential_users
    registrations.fact_loaders |= LOADERS
    registrations.timeline_sources["runs"] = timeline
    registrations.erasers["engine"] = erase
    registrations.exporters["engine"] = export
    registrations.mergers["engine"] = merge
    registrations.health_checks["partitions"] = partitions.check
    for kind in (
        DueKind("route", routing.PROBE, routing.work),
        DueKind("advance", advance.PROBE, advance.work),
        DueKind("perform", perform.PROBE, perform.work),
        blocked.KIND,
        bulk.KIND,
        enrolments.KIND,
        schedules.KIND,
        *partitions.KINDS,
    ):
        registrations.due_kinds[kind.name] = kind
    if hasattr(config, "add_child"):  # a worker's runtime may be made without the web's front half
        _hang(config)


def _hang(config: Configurator) -> None:
    """Where runs and events stand in the tree and in the side bar."""
    from autoloop.engine import resources
    from autoloop.workspaces.resources import Workspace

    config.add_child(Workspace, "runs", resources.Runs)  # type: ignore[attr-defined]
    config.add_child(Workspace, "enrolments", resources.Enrolments)  # type: ignore[attr-defined]
    config.add_child(Workspace, "events", resources.Events)  # type: ignore[attr-defined]
    config.add_child(resources.Runs, "jobs", resources.Jobs)  # type: ignore[attr-defined]
    config.add_child(resources.Run, "steps", resources.Steps)  # type: ignore[attr-defined]
    config.add_nav("runs", _("Runs"), "activity", section="Automate", order=12, key="r")  # type: ignore[attr-defined]
    config.include("autoloop.engine.forms")
    config.include("autoloop.engine.hooks")
    config.scan("autoloop.engine.bulk_pages")
    config.scan("autoloop.engine.bulk_views")
    config.scan("autoloop.engine.enrolment_pages")
    config.scan("autoloop.engine.enrolment_views")
    config.scan("autoloop.engine.views")
    config.scan("autoloop.engine.explain")
    config.scan("autoloop.engine.pages")
