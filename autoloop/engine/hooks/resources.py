"""Places of webhooks in the tree: /w/{workspace}/webhooks/{id}."""

from __future__ import annotations

from typing import Any

from autoloop.engine.hooks.services import Hooks as HookService
from autoloop.web.tree import Collection, Row

__all__ = ["Hook", "Hooks"]


class Hook(Row):
    """One secret address."""

    def load(self) -> Any | None:
        return self.request.services(HookService).find(self.id)


class Hooks(Collection):
    """The workspace's incoming webhooks."""

    row_node = Hook
