"""The JSON door of search."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.web import api_view
from autoloop.web.permissions import Permission
from autoloop.workspaces.search import schemas
from autoloop.workspaces.search.resources import Search
from autoloop.workspaces.search.services import Searching

__all__ = ["hits_of"]


@api_view(context=Search, permission=Permission.READ, query=schemas.Query, out=schemas.SearchOut)
def search(context: Search, request: Request) -> dict[str, Any]:
    """Contacts, businesses, workflows, templates, segments and forms that fit words."""
    return {"hits": hits_of(request, request.filters["q"], request.filters["limit"])}


def hits_of(request: Request, words: str, most: int) -> list[dict[str, str]]:
    """Hits of all kinds with the addresses of their pages."""
    here = request.resource_url(request.workspace_node)
    return [
        {
            "kind": name,
            "id": str(hit.id),
            "title": hit.title,
            "note": hit.note,
            "url": f"{here}{name}/{hit.id}",
        }
        for name, _source, hits in request.services(Searching).find(words, most)
        for hit in hits
    ]
