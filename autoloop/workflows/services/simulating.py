"""Trying a workflow: its draft or one of its versions, on a contact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.base.services import Service
from autoloop.engine.simulate import Simulations
from autoloop.engine.simulate.schemas import read_outcomes
from autoloop.web.input import checked
from autoloop.workflows.services.drafts import Drafts
from autoloop.workflows.services.versions import Versions

__all__ = ["Simulating"]


class Simulating(Service):
    def graph(self, workflow_id: UUID, version: int | None) -> dict[str, Any]:
        """The graph of a version, or of the draft. Raises NotFound, or Invalid for a version that is none."""
        if version is None:
            return dict(self.services(Drafts).of(workflow_id).graph)
        row = self.services(Versions).numbered(workflow_id, version)
        if row is None:
            raise Invalid(details={"version": [_("There is no such version.")]})
        return dict(row.graph)

    def run(self, workflow_id: UUID, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What would happen to a contact; `asked` as `engine.simulate.schemas.Asked` reads it. Writes nothing."""
        if asked.get("contact_id") and (asked.get("contact") or asked.get("business")):
            raise Invalid(
                details={"contact_id": [_("Either a contact of the workspace or an invented one, not both.")]}
            )
        outcomes = read_outcomes(asked.get("outcomes"), checked)
        graph = self.graph(workflow_id, asked.get("version"))
        return self.services(Simulations).run(workflow_id, graph, {**asked, "outcomes": outcomes})
