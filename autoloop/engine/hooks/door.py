"""The public door of webhooks, /hooks/{token}: one POST in, one durable event, 202 out."""

from __future__ import annotations

import hashlib
import logging
import time
from datetime import UTC, datetime
from typing import Any

import orjson
from pyramid.events import ApplicationCreated
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy.exc import DBAPIError

from autoloop.base.errors import (
    AutoLoopError,
    Invalid,
    MethodNotAllowed,
    NotFound,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from autoloop.base.i18n import _
from autoloop.base.ids import new_id
from autoloop.engine.hooks import bodies, signatures
from autoloop.engine.hooks.accepting import STALE, Accepted, Delivery, Hook, name_in
from autoloop.engine.hooks.opening import Opening
from autoloop.web.answers import json_response
from autoloop.web.headers import MACHINES
from autoloop.web.traffic import client_address, network

__all__ = ["open_door"]

log = logging.getLogger("autoloop.requests")

PREFIX = "/hooks/"
MISSES_PER_MINUTE = 60
SAMPLE_SECONDS = 10.0
LONGEST_KEY = 300
HEADERS = tuple({**MACHINES, "Cache-Control": "no-store"}.items())


def open_door(created: ApplicationCreated) -> None:
    """Answer what is below /hooks/ outside of everything else, tweens and retries too.

    Such a call has no session, no form, no page; what it costs is what it writes.
    """
    router: Any = created.app
    inner, entry = router.execution_policy, Door(router.registry)

    def policy(environ: dict[str, Any], router: Any) -> Any:
        if environ["PATH_INFO"].startswith(PREFIX):
            return entry(Request(environ))
        return inner(environ, router)

    router.execution_policy = policy


class Door:
    def __init__(self, registry: Any) -> None:
        self._registry = registry
        self._opening = Opening(registry.runtime)
        self._sampled: dict[Any, float] = {}

    def __call__(self, request: Request) -> Response:
        started = time.perf_counter()
        id = str(new_id())
        try:
            accepted = self._take(request)
            data = {"event_id": str(accepted.event_id), "duplicate": accepted.duplicate}
            response = json_response({"success": True, "data": data}, 202)
        except AutoLoopError as error:
            response = refused(error)
        except (DBAPIError, TimeoutError) as error:
            log.warning("a webhook's delivery could not be written: %s", error)
            response = refused(Unavailable())
        except Exception:
            log.exception("a webhook's delivery failed", extra={"request_id": id})
            response = refused(AutoLoopError())
        response.headerlist += [("X-Request-Id", id), *HEADERS]
        took = (time.perf_counter() - started) * 1000
        log.info("%s /hooks/… %s %.0f ms", request.method[:20], response.status_int, took)
        return response

    def _take(self, request: Request) -> Accepted:
        token = request.environ["PATH_INFO"][len(PREFIX) :]
        hook = self._opening.find(token) if len(token) <= 200 else None
        if hook is None:
            self._missed(request)
        elif request.method != "POST":
            raise MethodNotAllowed(_("A webhook takes POST."))
        raw = read_whole(request)
        for _try in range(3):
            if hook is None:
                raise NotFound
            outcome = self._registry.hook_gate.accept(self._delivery(hook, request, raw))
            if isinstance(outcome, Accepted):
                return outcome
            if outcome is not STALE:
                raise outcome
            hook = self._opening.find(token, afresh=True)
        raise Unavailable

    def _missed(self, request: Request) -> None:
        request.runtime = self._registry.runtime  # nobody has furnished this request
        verdict = self._registry.limits.hit(
            "hook misses", network(client_address(request)), MISSES_PER_MINUTE, 60
        )
        if not verdict.ok:
            raise TooMany(retry_after=verdict.reset)
        raise NotFound

    def _delivery(self, hook: Hook, request: Request, raw: bytes) -> Delivery:
        if hook.scheme != "none":
            secret = self._opening.secret(hook)
            now = self._registry.runtime.clock.now()
            if not signatures.verify(hook.scheme, hook.header, secret, request.headers, raw, now):
                raise Unauthenticated(_("The signature is missing or wrong."), code="BAD_SIGNATURE")
        body = bodies.read(request.content_type, raw)
        kept = bodies.kept(body, len(raw))
        key = name_in(bodies.find(body, hook.event_id_path)) if hook.event_id_path else None
        if key is None:
            key = signatures.key_of(hook.scheme, request.headers)
        sample = None
        if time.monotonic() - self._sampled.get(hook.id, -SAMPLE_SECONDS) >= SAMPLE_SECONDS:
            self._sampled[hook.id] = time.monotonic()
            sample = orjson.dumps(kept).decode().replace("\\u0000", "\\ufffd")
        return Delivery(hook, body, kept, _kept_key(key) if key is not None else None, sample)


def _kept_key(key: str) -> str:
    """A sender's id as it is kept. Of a long one the hash: two may begin alike."""
    if len(key) > LONGEST_KEY:
        return hashlib.sha256(key.encode()).hexdigest()
    return key.replace("\x00", "\ufffd")


def read_whole(request: Request) -> bytes:
    """The body, of bounded size. Raises TooLarge before reading what says that it is larger."""
    if (request.content_length or 0) <= bodies.LARGEST:
        try:
            raw: bytes = request.body_file.read(bodies.LARGEST + 1) if request.is_body_readable else b""
        except OSError:
            raise Invalid(_("The body ended early.")) from None
        if len(raw) <= bodies.LARGEST:
            return raw
    raise TooLarge(_("A webhook's body may have ${most} octets at the most.", mapping={"most": "1,000,000"}))


def refused(error: AutoLoopError) -> Response:
    body = {
        "success": False,
        "error": str(error),
        "code": error.code,
        "details": error.english_details,
        "timestamp": datetime.now(UTC).isoformat(),
    }
    response = json_response(body, error.status)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = "POST"
    return response
