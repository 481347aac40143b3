"""What stands in a form, as a tree: `set.0.field=title` is {"set": {"0": {"field": "title"}}}."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["Tree", "above", "keys_of", "put", "tree_of", "without"]

Tree = Any
"""A text, or names with trees below them. Rows of a list are named by their number."""

DEEPEST = 40
MOST = 5_000


def tree_of(posted: Iterable[tuple[str, Any]], root: str) -> dict[str, Tree]:
    """The fields of a form whose names begin with `root.`; of two with one name the last counts."""
    tree: dict[str, Tree] = {}
    for count, (name, value) in enumerate(posted):
        first, *path = str(name).split(".")
        if first != root or not path or len(path) > DEEPEST or not isinstance(value, str) or count > MOST:
            continue
        put(tree, path, value.replace("\r\n", "\n").replace("\x00", ""))
    return tree


def put(tree: dict[str, Tree], path: list[str], value: Tree) -> None:
    for key in path[:-1]:
        if not isinstance(tree.get(key), dict):
            tree[key] = {}
        tree = tree[key]
    tree[path[-1]] = value


def above(tree: Tree, path: list[str]) -> tuple[dict[str, Tree], str] | None:
    """The branch that holds the end of a path, and its last key; None where the path leads nowhere."""
    for key in path[:-1]:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return (tree, path[-1]) if isinstance(tree, dict) and path else None


def keys_of(tree: Tree) -> list[str]:
    """The rows of a list, in their order."""
    if not isinstance(tree, Mapping):
        return []
    return sorted((key for key in tree if key.isascii() and key.isdecimal() and len(key) < 6), key=int)


def without(tree: Mapping[str, Tree], key: str) -> dict[str, Tree]:
    """The same list without a row, the rest numbered anew."""
    rows = [tree[each] for each in keys_of(tree) if each != key]
    rest = {name: value for name, value in tree.items() if name not in keys_of(tree)}
    return rest | {str(index): row for index, row in enumerate(rows)}
