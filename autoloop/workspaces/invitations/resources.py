"""Places of invitations in the tree."""

from __future__ import annotations

from typing import Any

from autoloop.web.tree import Collection, Row
from autoloop.workspaces.invitations.services import Invitations as Service

__all__ = ["Invitation", "Invitations"]


class Invitation(Row):
    """An open invitation."""

    def load(self) -> Any | None:
        return self.request.services(Service).find(self.id)


class Invitations(Collection):
    """Who is invited and has not joined yet."""

    row_node = Invitation
