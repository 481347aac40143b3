"""What goes out of the JSON door: the envelope, the shape check, entity tags."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import colander
import orjson
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import text

from autoloop.base.errors import PreconditionFailed
from autoloop.web.tree import Row

if TYPE_CHECKING:
    from autoloop.web.views import Page

__all__ = ["check_preconditions", "json_response", "many", "one", "shape"]

OK = {"success": True}
TAKE_TURNS = text("select pg_advisory_xact_lock(hashtextextended('row ' || :row, 0))")


def json_response(body: Any, status: int = 200) -> Response:
    raw = orjson.dumps(body, default=_plain, option=orjson.OPT_UTC_Z)
    return Response(body=raw, status=status, content_type="application/json", charset="utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def one(
    request: Request, result: Any, out: colander.Schema | None, status: int, etag: str | None
) -> Response:
    if result is None:
        return Response(status=204)
    response = json_response(OK | {"data": shape(result, out)}, status)
    if etag:
        response.etag = etag
        response.conditional_response = True
        response.cache_control = "private, no-cache"
    return response


def many(request: Request, result: Page, out: colander.Schema | None) -> Response:
    data = [shape(row, out) for row in result.rows]
    page = {"limit": request.filters["limit"], "next": result.next, "total": result.total}
    return json_response(OK | {"data": data, "page": page})


def check_preconditions(node: Row, request: Request) -> None:
    """If-Match on a change: 412 unless the row is still the one the caller read (RFC 9110 §13.1.1).

    Changes of one row take turns, so that of two callers who read the same only the first gets through.
    """
    if request.method in ("GET", "HEAD"):
        return
    request.db.execute(TAKE_TURNS, {"row": str(node.id)})
    if "If-Match" not in request.headers:
        return
    if "row" in node.__dict__:  # loaded before it was our turn
        del node.row
        request.db.expire_all()
    if node.etag is None or node.etag not in request.if_match:
        raise PreconditionFailed


# --- the shape of what goes out

TYPES: dict[type, tuple[type, ...]] = {
    colander.String: (str, UUID),
    colander.Integer: (int,),
    colander.Float: (float, int, Decimal),
    colander.Decimal: (Decimal, int, float, str),
    colander.Boolean: (bool,),
    colander.DateTime: (datetime, str),
    colander.Date: (date, str),
}


def shape(row: Any, schema: colander.Schema | None) -> Any:
    """Only the fields of the schema, each of its type. A wrong one is our error, never the caller's.

    Rows may be mappings, named tuples of Core, or objects with attributes.
    """
    return row if schema is None else _shaper(schema)(row)


@functools.cache
def _shaper(schema: colander.SchemaNode) -> Any:
    if isinstance(schema.typ, colander.Mapping):
        if schema.typ.unknown == "preserve" and not schema.children:
            return _expect((dict,), schema.name)
        fields = [
            (child.name, _shaper(child), child.missing is not colander.required) for child in schema.children
        ]
        return functools.partial(_shape_mapping, fields)
    if isinstance(schema.typ, colander.Sequence):
        item = _shaper(schema.children[0])
        return lambda rows: [] if rows is None else [item(row) for row in rows]
    return _expect(TYPES.get(type(schema.typ), (object,)), schema.name)


def _shape_mapping(fields: list[tuple[str, Any, bool]], row: Any) -> dict[str, Any] | None:
    if row is None:
        return None
    result = {}
    is_mapping = isinstance(row, Mapping)
    for name, shaper, optional in fields:
        value = row.get(name) if is_mapping else getattr(row, name)
        if value is None and not optional and is_mapping and name not in row:
            raise TypeError(f"the answer lacks the field {name!r}")
        result[name] = None if value is None else shaper(value)
    return result


def _expect(types: tuple[type, ...], name: str) -> Any:
    def check(value: Any) -> Any:
        if not isinstance(value, types):
            raise TypeError(f"the answer's field {name!r} is a {type(value).__name__}")
        return value

    return check
