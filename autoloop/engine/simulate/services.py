"""The verb of simulation: read what is needed, walk, and leave no trace."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.base.services import Service
from autoloop.engine.graph import CompiledGraph, compile_graph
from autoloop.engine.simulate.people import invented, real
from autoloop.engine.simulate.scenario import Happens, Scenario
from autoloop.engine.simulate.walk import Mail, simulate

__all__ = ["Simulations"]

READ_ONLY = text("set transaction read only")


class Simulations(Service):
    """Tries a graph on a contact. The database is asked inside a part of the transaction that cannot write."""

    def run(self, workflow_id: UUID, graph: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
        """What would happen; see `simulate` for the answer's shape, `schemas.Asked` for the question's.

        `outcomes` must have been read. Raises Invalid: a graph that cannot run, no such contact, step or port.
        """
        compiled = self._compiled(graph)
        start = asked.get("start_at") or self.clock.now()
        scenario = _scenario(asked, start if start.tzinfo else start.replace(tzinfo=UTC))
        part = self.session.begin_nested()
        try:
            self.session.execute(READ_ONLY)
            if asked.get("contact_id"):
                world = real(self.services, workflow_id, asked["contact_id"], compiled, scenario.start)
            else:
                given = asked.get("contact") or {}
                world = invented(self.services, workflow_id, given, asked.get("business"), scenario.start)
            world.settings = compiled.settings
            return simulate(compiled, world, scenario, self._mail())
        finally:
            part.rollback()  # a savepoint's end also ends its being read-only

    def _compiled(self, graph: Mapping[str, Any]) -> CompiledGraph:
        """A compiled graph of one's own, for picked ports are put into it."""
        try:
            return compile_graph(graph, self.services.registrations.plugins)
        except (LookupError, ValueError) as error:
            why = str(error.args[0]) if error.args else type(error).__name__
            raise Invalid(
                _("This version cannot run: ${why}", mapping={"why": why}),
                code="GRAPH_INVALID",
                details={"graph": [why]},
            ) from None

    def _mail(self) -> Mail | None:
        fill = self.services.registrations.simulators.get("send_email")
        if fill is None:
            return None
        return lambda *given: fill(self.services, *given)  # type: ignore[no-any-return]


def _scenario(asked: Mapping[str, Any], start: datetime) -> Scenario:
    event = asked.get("event")
    return Scenario(
        start,
        {"name": event["name"], "data": event.get("data") or {}} if event else None,
        tuple(
            Happens(each["name"], timedelta(seconds=each["after"]), each.get("data") or {})
            for each in asked.get("events") or ()
        ),
        asked.get("outcomes") or {},
        asked.get("default") or {},
        asked.get("most_steps") or 500,
    )
