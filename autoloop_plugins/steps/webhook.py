"""Webhook: tell another system about the contact, and go on when it has answered."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

import colander
import httpx

from autoloop.plugins import (
    ActionContext,
    ActionStep,
    ExpressionType,
    Fail,
    Needs,
    Next,
    Retry,
    Stop,
)
from autoloop_plugins.steps.calls import (
    again,
    authorized,
    credential_node,
    granted,
    read_body,
    retry_after,
    url_fits,
    written,
)
from autoloop_plugins.steps.verbatim import verbatim

__all__ = ["Webhook", "signature"]

ANSWER = 4_000


class Webhook(ActionStep):
    """Send a POST request with the contact as JSON to a fixed address.

    With a credential of the kind “Key that signs webhooks” the request is signed as Standard Webhooks
    say: `webhook-id` (the same at each try), `webhook-timestamp`, `webhook-signature` (`v1,` and the
    HMAC-SHA256 of id, timestamp and body). Other kinds sign the request in. Any answer from 200 to 299 is
    success. 408, 425, 429, 5xx and a broken connection are tried again, five times in all, when
    `Retry-After` says if it does; any other answer leaves through `error`.
    """

    name, title, category, icon = "webhook", "Webhook", "outside", "webhook"
    config_version = 2
    capabilities = frozenset({"http"})
    gives = ("status", "body")
    time_limit = 20.0

    class Config(colander.MappingSchema):  # type: ignore[misc]
        url = colander.SchemaNode(
            colander.String(),
            validator=colander.Length(10, 2000),
            title="Address",
        )
        data = colander.SchemaNode(ExpressionType(), missing=None, title="Data to send along", ui={"rows": 6})
        credential_id = credential_node("Signed with")

    def upgrade(self, config: dict[str, Any], version: int) -> dict[str, Any]:
        """Version 1 had no expressions: what looks like one there is text."""
        return {**config, "data": verbatim(config["data"])} if config.get("data") else config

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return Needs(contact=True, business=True)

    def check(self, config: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        if not url_fits(config["url"]):
            yield "url", "must be an http address"
        if config["data"] is not None and not isinstance(config["data"], Mapping):
            yield "data", "must be an object"

    def run(self, ctx: ActionContext, config: Mapping[str, Any]) -> Next | Retry | Fail | Stop:
        credential = granted(ctx, config["credential_id"])
        if isinstance(credential, Fail):
            return credential
        stamp = str(int(ctx.now.timestamp()))
        body = written(self._told(ctx, config))
        key = hashlib.blake2b(ctx.idempotency_key.encode(), digest_size=16).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": ctx.idempotency_key,
            "webhook-id": f"msg_{key}",
            "webhook-timestamp": stamp,
        }
        query: list[tuple[str, Any]] = []
        if credential.get("kind") == "signing":
            headers["webhook-signature"] = signature(credential["secret"], f"msg_{key}", stamp, body)
        elif trouble := authorized(credential, headers, query):
            return Fail(trouble)
        try:
            url = httpx.URL(config["url"]).copy_merge_params(query) if query else config["url"]
            answer = ctx.http.post(url, content=body, headers=headers, timeout=15.0)
        except httpx.InvalidURL as error:
            return Fail(str(error)[:500])
        except httpx.HTTPError as error:
            return again(ctx, f"{type(error).__name__}: {error}"[:300])
        if answer.status_code in (408, 425, 429) or answer.status_code >= 500:
            return again(ctx, f"answered {answer.status_code}", after=retry_after(answer, ctx.now))
        if not answer.is_success:
            return Fail(f"answered {answer.status_code}")
        return Next(output={"status": answer.status_code, "body": read_body(answer, credential, ANSWER)[0]})

    def _told(self, ctx: ActionContext, config: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "type": "workflow.webhook",
            "timestamp": ctx.now.isoformat(),
            "run_id": ctx.run_id,
            "workflow_id": ctx.workflow_id,
            "node": ctx.node,
            "contact": ctx.contact,
            "business": ctx.business or None,
            "event": ctx.event or None,
            "data": ctx.evaluate(config["data"]) or {},
        }

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"POST {config['url'][:60]}"


def signature(secret: str, id: str, timestamp: str, body: bytes) -> str:
    """As Standard Webhooks define it: `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
