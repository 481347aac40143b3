"""Places of notifications in the tree: each member finds their own there."""

from __future__ import annotations

from typing import Any

from autoloop.web.tree import Collection, Row
from autoloop.workspaces.notifications.services import Notifications as Service

__all__ = ["Notification", "Notifications"]


class Notification(Row):
    """Something the caller was told."""

    def load(self) -> Any | None:
        return self.request.services(Service).find(self.id)


class Notifications(Collection):
    """What the caller was told in this workspace."""

    row_node = Notification
