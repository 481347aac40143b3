"""How a view is declared: one decorator for each door."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import colander
import venusian
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from autoloop.web import answers
from autoloop.web.doors import API_ROUTE
from autoloop.web.idempotency import once
from autoloop.web.input import read_body, read_query
from autoloop.web.permissions import Permission
from autoloop.web.tree import Row

__all__ = ["ApiView", "Page", "api_view", "page"]

Schema = type[colander.Schema] | colander.Schema
View = Callable[[Any, Request], Any]
PageView = TypeVar("PageView", bound=Callable[..., Any])


@dataclass(frozen=True)
class Page:
    """One page of a list: rows, the cursor of the next page, and how many there are if counted."""

    rows: Sequence[Any]
    next: str | None = None
    total: int | None = None


@dataclass(frozen=True)
class ApiView:
    """What the JSON door, the OpenAPI page and the tests know about a view."""

    context: type
    method: str
    name: str
    permission: Permission
    body: colander.Schema | None
    query: colander.Schema | None
    out: colander.Schema | None
    many: bool
    status: int
    summary: str
    function: View
    gives: str = ""

    def __call__(self, context: Any, request: Request) -> Response:
        request.filters = read_query(request, self.query, many=self.many)
        if isinstance(context, Row) and self.method != "POST":
            answers.check_preconditions(context, request)
        if self.body is not None:
            request.validated = read_body(request, self.body)
        if self.method == "POST" and "Idempotency-Key" in request.headers:
            return once(request, lambda: self._answer(context, request))
        return self._answer(context, request)

    def _answer(self, context: Any, request: Request) -> Response:
        result = self.function(context, request)
        if isinstance(result, Response):
            return result
        if self.many:
            return answers.many(request, result, self.out)
        etag = context.etag if isinstance(context, Row) and self.method == "GET" and not self.name else None
        return answers.one(request, result, self.out, self.status, etag)


def api_view(
    *,
    context: type,
    permission: Permission,
    method: str = "GET",
    name: str = "",
    body: Schema | None = None,
    query: Schema | None = None,
    out: Schema | None = None,
    many: bool = False,
    status: int | None = None,
    gives: str = "",
) -> Callable[[View], View]:
    """A view behind the JSON door.

    The function gets `request.validated` (its body through `body`), `request.filters` (its query
    through `query`; lists also get limit, cursor, sort, q), and returns plain data, a `Page` if
    `many`, None (204), or a Response. `out` is the shape of what it returns: of one row if `many`;
    `gives` the media type of a file in its place.
    """

    def decorate(function: View) -> View:
        view = ApiView(
            context,
            method,
            name,
            permission,
            _instance(body),
            _instance(query),
            _instance(out),
            many,
            status or (201 if method == "POST" and not name else 200),
            (function.__doc__ or function.__name__.replace("_", " ")).strip().splitlines()[0],
            function,
            gives,
        )

        def register(scanner: Any, _name: str, _function: Any) -> None:
            add_api_view(scanner.config, view)

        venusian.attach(function, register, category="pyramid")
        return function

    return decorate


def add_api_view(config: Configurator, view: ApiView) -> None:
    config.add_view(
        lambda context, request: view(context, request),  # noqa: PLW0108 - Pyramid would ask an object for its attributes
        context=view.context,
        route_name=API_ROUTE,
        request_method=view.method,
        name=view.name,
        permission=view.permission,
    )
    key = (view.context, view.name, view.method)
    entry = config.introspectable(
        "api views", key, f"{view.method} {view.context.__name__} {view.name}", "api view"
    )
    entry["view"] = view
    config.action(("api view", *key), introspectables=(entry,))


def page(
    *,
    context: type,
    permission: Permission,
    template: str | None = None,
    method: str = "GET",
    name: str = "",
    **options: Any,
) -> Callable[[PageView], PageView]:
    """A view behind the HTML door, at the tree's own path. Returns a dict for its template, or a Response.

    Raise Invalid on bad input where there is no form to show again; where there is one, catch it
    and return the form with `error=refuse(request, error)`, from `autoloop.web.refusals`.
    """

    def decorate(function: PageView) -> PageView:
        def register(scanner: Any, _name: str, _function: Any) -> None:
            scanner.config.add_view(
                function,
                context=context,
                name=name,
                request_method=method,
                permission=permission,
                renderer=template,
                **options,
            )

        venusian.attach(function, register, category="pyramid")
        return function

    return decorate


def _instance(schema: Schema | None) -> colander.Schema | None:
    return schema() if isinstance(schema, type) else schema
