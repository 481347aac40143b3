"""Webhook: tell another system about the contact, and go on when it has answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import colander
import httpx

from autoloop.plugins import ActionContext, ActionStep, Fail, FreeMapping, Needs, Next, Retry, Stop

__all__ = ["Webhook"]

ANSWER = 4_000


class Webhook(ActionStep):
    """Send a POST request with the contact as JSON to a fixed address.

    Any answer from 200 to 299 is success. 408, 425, 429, 5xx and a broken connection are tried
    again, five times in all; any other answer leaves through `error`. Each try carries the same
    `Idempotency-Key`.
    """

    name, title, category, icon = "webhook", "Webhook", "outside", "globe"
    capabilities = frozenset({"http"})
    time_limit = 20.0

    class Config(colander.MappingSchema):  # type: ignore[misc]
        url = colander.SchemaNode(
            colander.String(),
            validator=colander.All(
                colander.Length(10, 2000),
                colander.Regex(r"^https?://[^\s/]+\S*\Z", msg="must be an http address"),
            ),
            title="Address",
        )
        data = colander.SchemaNode(FreeMapping(), missing=None, title="Data to send along")

    def needs(self, config: Mapping[str, Any]) -> Needs:
        return Needs(contact=True, business=True)

    def run(self, ctx: ActionContext, config: Mapping[str, Any]) -> Next | Retry | Fail | Stop:
        body = {
            "run_id": ctx.run_id,
            "workflow_id": ctx.workflow_id,
            "node": ctx.node,
            "contact": ctx.contact,
            "business": ctx.business or None,
            "event": ctx.event or None,
            "data": config["data"] or {},
        }
        try:
            answer = ctx.http.post(config["url"], json=body, headers={"Idempotency-Key": ctx.idempotency_key})
        except httpx.HTTPError as error:
            return Retry(timedelta(seconds=5 * 2**ctx.attempt), f"{type(error).__name__}: {error}"[:300])
        if answer.status_code in (408, 425, 429) or answer.status_code >= 500:
            return Retry(timedelta(seconds=5 * 2**ctx.attempt), f"answered {answer.status_code}")
        if not answer.is_success:
            return Fail(f"answered {answer.status_code}")
        return Next(output={"status": answer.status_code, "body": _body(answer)})

    def summary(self, config: Mapping[str, Any]) -> str:
        return f"POST {config['url'][:60]}"


def _body(answer: httpx.Response) -> Any:
    if len(answer.content) > ANSWER:
        return answer.text[:ANSWER]
    try:
        return answer.json()
    except ValueError:
        return answer.text
