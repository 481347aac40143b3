"""From draft to live and on: publishing, pausing, putting away."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from autoloop.base.errors import Conflict, Invalid, PreconditionFailed
from autoloop.base.i18n import _
from autoloop.base.services import Service
from autoloop.engine import schedules
from autoloop.engine.graph import Problem
from autoloop.engine.models import Workflow, WorkflowTrigger, WorkflowVersion
from autoloop.engine.services import versions
from autoloop.engine.services.workflows import WorkflowStatus
from autoloop.plugins.forms import read_config
from autoloop.workflows.services.drafts import Drafts
from autoloop.workflows.services.versions import Versions

__all__ = ["Life", "refusal"]


def refusal(problems: list[Problem]) -> Invalid:
    """Problems as the error that publishing raises: a message for each place."""
    details: dict[str, list[str]] = {}
    for problem in problems:
        place = ".".join(part for part in (problem.node and f"nodes.{problem.node}", problem.field) if part)
        details.setdefault(place or "graph", []).append(problem.message)
    return Invalid(_("This workflow cannot run yet. See the details."), code="GRAPH_INVALID", details=details)


class Life(Service):
    def publish(self, workflow_id: UUID, *, note: str = "", seen: int | None = None) -> WorkflowVersion:
        """Make a version of the draft; new runs walk through it, those in progress stay in theirs.

        A draft goes live, a paused workflow stays paused. An unchanged graph gives the version that is
        there. Raises Invalid with the problems, Conflict if the workflow is archived, PreconditionFailed if
        the draft's revision is no longer the one `seen`.
        """
        workflow = self.services(WorkflowStatus).hold(workflow_id)
        if workflow.status == "archived":
            raise Conflict(
                _("This workflow is archived. Restore it before you publish."), code="WORKFLOW_ARCHIVED"
            )
        drafts = self.services(Drafts)
        draft = drafts.of(workflow_id, lock=True)
        if seen is not None and draft.revision != seen:
            raise PreconditionFailed
        problems = drafts.problems(draft)
        if problems:
            raise refusal(problems)
        version = versions.add(
            self.services,
            workflow,
            draft.graph,
            triggers=draft.triggers,
            published_by=self.services.user_id,
            note=note,
        )
        self._set_triggers(workflow_id, draft.triggers)
        draft.published_revision = draft.revision
        workflow.revision += 1
        self.session.flush()
        if workflow.status == "draft":
            self._move(workflow_id, "live")
        self.services.changed("workflows")
        return version

    def pause(self, workflow_id: UUID) -> Workflow:
        """Hold every run where it is. What reaches them meanwhile is kept."""
        return self._move(workflow_id, "paused")

    def resume(self, workflow_id: UUID) -> Workflow:
        """Let held runs go on, and new ones start."""
        return self._move(workflow_id, "live")

    def archive(self, workflow_id: UUID) -> Workflow:
        """Put it away. Its runs end; mails that are not on the way yet are called off."""
        return self._move(workflow_id, "archived")

    def restore(self, workflow_id: UUID) -> Workflow:
        """Take it out again, as a draft."""
        return self._move(workflow_id, "draft")

    def _move(self, workflow_id: UUID, status: str) -> Workflow:
        workflow = self.services(WorkflowStatus).move(workflow_id, status)
        self.services.changed("workflows")
        self.services.nudge("advance")
        return workflow

    def _set_triggers(self, workflow_id: UUID, wanted: list[Any]) -> None:
        """Make the rows what the draft says. One that stays the same keeps its id: runs refer to it."""
        held: dict[bytes, list[WorkflowTrigger]] = {}
        for row in self.services(Versions).triggers(workflow_id):
            held.setdefault(_mark(row.type, row.config), []).append(row)
        plugins = self.services.registrations.plugins
        for each in wanted:
            name, config = each["type"], each.get("config") or {}
            same = held.get(_mark(name, config))
            if same:
                same.pop()
                continue
            trigger = plugins.trigger(name)
            read = read_config(trigger, config, each.get("config_version"))
            self.session.add(
                WorkflowTrigger(
                    workspace_id=self.workspace_id,
                    workflow_id=workflow_id,
                    type=name,
                    config=config,
                    config_version=each.get("config_version") or trigger.config_version,
                    event_name=trigger.event_name(read),
                )
            )
        for rows in held.values():
            for row in rows:
                row.is_active = False  # its runs go on saying what started them
        self.session.flush()
        schedules.follow(self.services, workflow_id)


def _mark(name: str, config: Any) -> bytes:
    return orjson.dumps([name, config], option=orjson.OPT_SORT_KEYS)
