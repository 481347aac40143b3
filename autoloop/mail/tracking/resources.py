"""`/t/{token}` of a link, or of the picture, in tracked mail."""

from __future__ import annotations

from autoloop.mail.tracking.tokens import Touch
from autoloop.web.tree import Node

__all__ = ["TouchLink"]


class TouchLink(Node):
    """What somebody followed. `touch` is None for a token that is none of ours, or was altered."""

    def __init__(self, parent: Node, name: str, touch: Touch | None) -> None:
        super().__init__(parent, name)
        self.touch = touch
