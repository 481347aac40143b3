"""The page of search, and what the command palette asks while somebody types."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autoloop.web import page
from autoloop.web.permissions import Permission
from autoloop.workspaces.search.resources import Search
from autoloop.workspaces.search.services import Searching
from autoloop.workspaces.search.views import hits_of

FEW, MANY = 5, 20  # of each kind: in the palette, on the page


@page(
    context=Search,
    permission=Permission.READ,
    template="autoloop.workspaces:search/templates/search.jinja2",
)
def search(context: Search, request: Request) -> dict[str, Any]:
    words = words_of(request)
    return {"q": words, "found": list(request.services(Searching).find(words, MANY)), "many": MANY}


@page(context=Search, name="hits", permission=Permission.READ, template="json")
def hits(context: Search, request: Request) -> dict[str, Any]:
    """{"hits": [{kind, id, title, note, url}]}"""
    return {"hits": hits_of(request, words_of(request), FEW)}


def words_of(request: Request) -> str:
    return str(request.GET.get("q", ""))[:200].replace("\x00", "")
