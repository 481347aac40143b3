"""Graphs: what a workflow is drawn as. Parse, check, compile.

    {"schema": 1,
     "nodes": [{"id", "type", "config_version", "config", "position", "note"}],
     "edges": [{"id", "from", "port", "to"}],
     "settings": {"start", "reentry", "exit_rules", "on_unknown", "window"}}

Runs begin at `settings.start`, or at the only node that no edge leads to. A port without an edge
ends that way; several edges from one port fork. `reentry` is `once`, `always`, `not_active` or
`{"after_days": n}`.
"""

from autoloop.engine.graph.check import check, examine
from autoloop.engine.graph.compiled import CompiledGraph, CompiledNode, compile_graph
from autoloop.engine.graph.parsed import Edge, Graph, Node, Problem, parse

__all__ = [
    "CompiledGraph",
    "CompiledNode",
    "Edge",
    "Graph",
    "Node",
    "Problem",
    "check",
    "compile_graph",
    "examine",
    "parse",
]
