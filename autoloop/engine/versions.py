"""Versions in hand: each published graph is read and compiled once per process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Any

from autoloop.engine.graph import CompiledGraph, compile_graph
from autoloop.plugins.registry import Registry

__all__ = ["CompiledVersions"]

Key = tuple[str, str]
KEPT = 500


class CompiledVersions:
    """Compiled graphs by (workspace_id, version_id). What cannot run is kept as the reason why."""

    def __init__(self, plugins: Registry) -> None:
        self.plugins = plugins
        self._known: OrderedDict[Key, CompiledGraph | str] = OrderedDict()
        self._lock = Lock()

    def get(
        self, keys: Iterable[Key], load: Callable[[list[Key]], Mapping[Key, Any]]
    ) -> dict[Key, CompiledGraph | str]:
        """Each version compiled, or a sentence that says why it cannot be. `load` reads missing graphs."""
        found: dict[Key, CompiledGraph | str] = {}
        missing: list[Key] = []
        with self._lock:
            for key in keys:
                if key in self._known:
                    self._known.move_to_end(key)
                    found[key] = self._known[key]
                else:
                    missing.append(key)
        if missing:
            graphs = load(missing)
            for key in missing:
                found[key] = self._compile(graphs.get(key))
            with self._lock:
                self._known.update({key: found[key] for key in missing})
                while len(self._known) > KEPT:
                    self._known.popitem(last=False)
        return found

    def known(self, workspace_id: str, version_id: str) -> CompiledGraph:
        """A version that `get` gave a moment ago. KeyError if it was none that runs."""
        graph = self._known[workspace_id, version_id]
        if isinstance(graph, str):
            raise KeyError(graph)
        return graph

    def _compile(self, graph: Any) -> CompiledGraph | str:
        if graph is None:
            return "The version is gone."
        try:
            return compile_graph(graph, self.plugins)
        except Exception as error:  # a plugin may fail in any way while its settings are read
            return str(error.args[0]) if error.args else type(error).__name__
