"""Idempotency-Key: the same request twice has its effect once, and the same answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import orjson
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from autoloop.base.errors import Conflict, Invalid

__all__ = ["once"]

WAIT = "5s"


def once(request: Request, answer: Callable[[], Response]) -> Response:
    """Answer, and keep the answer in the transaction of the effect; or repeat the one kept.

    The insert itself waits for a request in flight with the same key, for 5 s; then 409. A key used
    before with another body is 409 too. An error keeps nothing: the request may be tried again.
    """
    key = request.headers["Idempotency-Key"].strip()
    if not 1 <= len(key) <= 200 or not key.isprintable():
        raise Invalid("An Idempotency-Key has 1 to 200 printable characters.", code="BAD_IDEMPOTENCY_KEY")
    try:
        workspace_id = request.workspace_id
    except LookupError:
        raise Invalid(
            "An Idempotency-Key works inside a workspace only. Leave it out here.", code="BAD_IDEMPOTENCY_KEY"
        ) from None
    names = {
        "workspace": workspace_id,
        "principal": request.identity.principal,
        "route": f"{request.method} {request.path_info}",
        "key": key,
    }
    body_hash = _hash(request)
    if _first(request, names, body_hash):
        response = answer()
        if response.status_int >= 400:  # returned, not raised: its transaction commits
            request.db.execute(DROP, names)
            return response
        kept = {"status": response.status_int, "answer": response.body.decode(), **names}
        request.db.execute(KEEP, kept)
        return response
    return _repeat(request, names, body_hash)


def _hash(request: Request) -> bytes:
    """Of what was asked: query and body. A file is read in pieces, and can be read again."""
    found = hashlib.sha256(request.query_string.encode() + b"\n")
    body = request.body_file_seekable
    body.seek(0)
    while piece := body.read(1 << 16):
        found.update(piece)
    body.seek(0)
    return found.digest()


def _first(request: Request, names: dict[str, object], body_hash: bytes) -> bool:
    db = request.db
    db.execute(text("select set_config('lock_timeout', :wait, true)"), {"wait": WAIT})
    try:
        return db.execute(CLAIM, names | {"hash": body_hash}).rowcount == 1
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", "") == "55P03":
            raise Conflict(
                "A request with this Idempotency-Key is still running.", code="IN_FLIGHT"
            ) from None
        raise


def _repeat(request: Request, names: dict[str, object], body_hash: bytes) -> Response:
    row = request.db.execute(FIND, names).one()
    if row.body_hash != body_hash:
        raise Conflict("This Idempotency-Key was used with another body.", code="IDEMPOTENCY_KEY_REUSED")
    body = orjson.dumps(row.answer) if row.answer is not None else b""
    response = Response(body=body, status=row.status, content_type="application/json", charset="utf-8")
    response.headers["Idempotency-Replayed"] = "true"
    return response


CLAIM = text("""
insert into idempotency_keys (workspace_id, principal, route, key, body_hash)
values (:workspace, :principal, :route, :key, :hash) on conflict do nothing""")
KEEP = text("""
update idempotency_keys set status = :status, answer = nullif(:answer, '')::jsonb
where workspace_id = :workspace and principal = :principal and route = :route and key = :key""")
DROP = text("""
delete from idempotency_keys
where workspace_id = :workspace and principal = :principal and route = :route and key = :key""")
FIND = text("""
select body_hash, status, answer from idempotency_keys
where workspace_id = :workspace and principal = :principal and route = :route and key = :key""")
