"""Fakes: contexts without an engine, and an HTTP client whose answers are given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from autoloop.plugins.context import ActionContext, Resumed, StepContext
from autoloop.plugins.forms import read_config
from autoloop.plugins.steps import ActionStep, Step

__all__ = ["NOW", "Answers", "context", "visit"]

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FIXED: dict[str, Any] = {
    "now": NOW,
    "workspace_id": "00000000-0000-7000-8000-00000000000a",
    "run_id": "00000000-0000-7000-8000-00000000000b",
    "workflow_id": "00000000-0000-7000-8000-00000000000c",
    "chosen_by": "00000000-0000-7000-8000-00000000000d",
    "node": "here",
    "visit": 1,
    "contact": {
        "id": "00000000-0000-7000-8000-00000000000d",
        "email": "ada@example.com",
        "tags": [],
        "fields": {},
    },
    "since": NOW,
}


class Answers:
    """An HTTP server in memory: answers in turn, an exception for a broken line; keeps what it got.

    `Answers(200, (500, {"error": 1}), httpx.ConnectError("down"))`
    """

    def __init__(self, *answers: int | tuple[int, Any] | Exception) -> None:
        self.left = list(answers)
        self.got: list[httpx.Request] = []

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.got.append(request)
        answer = self.left.pop(0) if self.left else 200
        if isinstance(answer, Exception):
            raise answer
        status, body = answer if isinstance(answer, tuple) else (answer, {})
        return httpx.Response(status, json=body)


def context(**known: Any) -> StepContext:
    """A step context; name what differs: `context(contact={"email": None})`."""
    return StepContext(**(FIXED | known))


def visit(
    step: type[Step] | Step,
    config: Mapping[str, Any],
    *,
    answers: Answers | None = None,
    resumed: Resumed | None = None,
    **known: Any,
) -> Any:
    """The outcome of one visit of a step, with its settings read as the engine reads them."""
    made = step() if isinstance(step, type) else step
    settings = read_config(made, config)
    values = FIXED | known | {"resumed": resumed}
    if isinstance(made, ActionStep):
        http = (answers or Answers()).client() if "http" in made.capabilities else None
        return made.run(ActionContext(**values, http=http, idempotency_key="run:here:1"), settings)  # type: ignore[arg-type]
    return made.run(StepContext(**values), settings)  # type: ignore[attr-defined]
