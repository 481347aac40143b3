"""The place of search in the tree."""

from __future__ import annotations

from autoloop.web.tree import Node

__all__ = ["Search"]


class Search(Node):
    """Records of every kind, by their words."""
