"""The side bar: each room says what it adds, the request says where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyramid.config import Configurator
from pyramid.location import lineage
from pyramid.request import Request

from autoloop.web.permissions import Permission

__all__ = ["NavEntry", "add_nav", "navigation", "workspace_node"]

SECTIONS = ("", "Automate", "Understand", "Manage")


@dataclass(frozen=True)
class NavEntry:
    """One line of the side bar. `path` is below the workspace; `key` is the letter after “g”."""

    section: str
    order: int
    path: str
    title: Any
    icon: str
    key: str
    permission: Permission


def add_nav(
    config: Configurator,
    path: str,
    title: Any,
    icon: str,
    *,
    section: str = "",
    order: int = 50,
    key: str = "",
    permission: Permission = Permission.READ,
) -> None:
    """Add a line to the side bar: `config.add_nav("contacts", _("Contacts"), "users", order=20, key="c")`."""
    if section not in SECTIONS:
        raise ValueError(f"the side bar has no section {section!r}")
    config.registry.registrations.navigation.append(
        NavEntry(section, order, path, title, icon, key, permission)
    )


def workspace_node(request: Request) -> Any | None:
    """The workspace the request is in, or None."""
    for node in (
        lineage(getattr(request, "context", None)) if getattr(request, "context", None) is not None else ()
    ):
        if getattr(node, "generations", None) is not None:
            return node
    return None


def navigation(request: Request) -> list[dict[str, Any]]:
    """Sections with their entries: title, href, icon, key, current. Empty outside a workspace."""
    node = request.workspace_node
    if node is None:
        return []
    base = request.resource_url(node)
    here = request.url.split("?")[0].rstrip("/") + "/"
    entries = sorted(request.registrations.navigation, key=lambda entry: entry.order)
    allowed = [entry for entry in entries if request.has_permission(entry.permission, node)]
    sections = []
    for name in SECTIONS:
        lines = [_line(entry, base, here) for entry in allowed if entry.section == name]
        if lines:
            sections.append({"title": name, "entries": lines})
    return sections


def _line(entry: NavEntry, base: str, here: str) -> dict[str, Any]:
    href = base + (entry.path + "/" if entry.path else "")
    current = here == href if not entry.path else here.startswith(href)
    return {
        "title": entry.title,
        "href": href.rstrip("/"),
        "icon": entry.icon,
        "key": entry.key,
        "current": current,
    }
