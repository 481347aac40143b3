"""What an intent keeps of a person: only the fields that its template reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from autoloop.engine.requests import EmailRequest
from autoloop.mail.render import context_for

__all__ = ["context_of"]


def context_of(
    version: Any,
    request: EmailRequest,
    contact: Mapping[str, Any],
    business: Mapping[str, Any],
    sender: Mapping[str, Any] | None,
    workspace: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any]:
    """The plain data that rendering gets, as JSON. Empty without a template."""
    if version is None:
        return {}
    whole = {
        "contact": contact,
        "business": business,
        "sender": {key: (sender or {}).get(key) for key in ("name", "address", "reply_to")},
        "workspace": {key: workspace.get(key) for key in ("name", "postal_address")},
        "event": request.variables.get("event") or {},
        "run": {"id": str(request.run_id), **request.variables},
    }
    return context_for(version, whole, now)
