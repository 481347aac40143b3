"""Choosing: a step whose way out a person picked still runs; only its port is another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoloop.base.errors import Invalid
from autoloop.base.i18n import _
from autoloop.engine.graph import CompiledGraph
from autoloop.engine.simulate.scenario import Scenario
from autoloop.plugins.context import StepContext
from autoloop.plugins.outcomes import Next

__all__ = ["choose_ports"]


class _Chosen:
    """Stands for a step: everything is the step's own but the port of its last word."""

    def __init__(self, step: Any, port: str) -> None:
        self._step, self._port = step, port

    def __getattr__(self, name: str) -> Any:
        return getattr(self._step, name)

    def run(self, ctx: StepContext, config: Mapping[str, Any]) -> Any:
        outcome = self._step.run(ctx, config)
        if isinstance(outcome, Next):
            outcome.port = self._port
        return outcome


def choose_ports(graph: CompiledGraph, scenario: Scenario) -> CompiledGraph:
    """Put the picked ports into a graph of one's own. Raises Invalid for nodes and ports that are none."""
    problems: dict[str, list[str]] = {}
    for name in scenario.outcomes:
        node, port = graph.nodes.get(name), scenario.forced(name)
        if node is None:
            problems[f"outcomes.{name}"] = [_("There is no such step.")]
        elif port is not None and port not in node.ports:
            ports = ", ".join(sorted(node.ports))
            problems[f"outcomes.{name}.port"] = [
                _("The step has no such port; it has ${ports}.", mapping={"ports": ports})
            ]
        elif port is not None and not node.is_action:
            node.step = _Chosen(node.step, port)  # type: ignore[assignment]
    if problems:
        raise Invalid(details=problems)
    return graph
