"""Who or what started a run, as it was kept when it began."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from autoloop.accounts.models import ApiKey, User
from autoloop.base.i18n import _
from autoloop.base.services import Service
from autoloop.engine.models import EnrolmentRow, WorkflowRun

__all__ = ["Origins"]


class Origins(Service):
    """Names for the ids that a run keeps; those of rows that are gone stay ids."""

    def of(self, run: WorkflowRun) -> dict[str, Any]:
        """{"sentence" or None, "event_id", "user_id", "user", "api_key_id", "api_key", "enrolment_id",
        "enrolled", "rerun_of"}; `enrolled` is how many contacts the set had."""
        kept = run.origin or {}
        ids = {
            name: kept.get(name) for name in ("event_id", "user_id", "api_key_id", "enrolment_id", "rerun_of")
        }
        user = self.session.get(User, UUID(ids["user_id"])) if ids["user_id"] else None
        key = self.session.get(ApiKey, UUID(ids["api_key_id"])) if ids["api_key_id"] else None
        row = None
        if ids["enrolment_id"]:
            row = self.session.get(EnrolmentRow, (run.workspace_id, UUID(ids["enrolment_id"])))
        names = {
            "user": (user.name or user.email) if user else None,
            "api_key": key.name if key else None,
            "enrolled": row.total if row else None,
        }
        return {"sentence": self._sentence(run, ids, names), **ids, **names}

    def _sentence(self, run: WorkflowRun, ids: dict[str, Any], names: dict[str, Any]) -> Any:
        if run.trigger != "manual" or not ids["user_id"]:
            return None
        parts = {
            "who": names["user"] or _("somebody who has left"),
            "key": names["api_key"],
            "n": names["enrolled"],
        }
        said: Any = _("started by ${who}", mapping=parts)
        if names["api_key"]:
            said = _("started through the API, with the key “${key}” of ${who}", mapping=parts)
        if ids["rerun_of"]:
            return _("${so}, as another run of ${run}", mapping={"so": said, "run": ids["rerun_of"]})
        if names["enrolled"] is not None:
            return _("${so}, with ${n} contacts at once", mapping={"so": said, "n": names["enrolled"]})
        return said
