"""Where the rate of mail stands in the tree."""

from __future__ import annotations

from typing import Any

from autoloop.mail.sending.limits import Limits as LimitService
from autoloop.web.tree import Collection, Node, Row

__all__ = ["Limit", "Limits", "Sending"]


class Sending(Node):
    """What limits the rate of mail right now."""


class Limit(Row):
    """How much mail may leave through, from or to something."""

    def load(self) -> Any | None:
        return self.request.services(LimitService).find(self.id)


class Limits(Collection):
    """The limits that people set."""

    row_node = Limit
