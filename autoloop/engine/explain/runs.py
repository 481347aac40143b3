"""The story of a run: why it began, why each step went as it did, what it waits for, why it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from autoloop.base.i18n import _
from autoloop.base.services import Service
from autoloop.engine.explain.colleagues import colleague_said
from autoloop.engine.explain.origins import Origins
from autoloop.engine.explain.telling import because, moment, reasons, waits_for
from autoloop.engine.models import RunStep, RunWait, WorkflowRun, WorkflowTrigger, WorkflowVersion
from autoloop.engine.models.states import ENDED
from autoloop.engine.routing.waits import COLLEAGUE_REPLIED
from autoloop.engine.services.runs import Runs
from autoloop.engine.step_names import step_names
from autoloop.engine.trying import own_test
from autoloop.plugins.forms import read_config

__all__ = ["RunStory"]

LINES = {
    "merged": _("“${title}” was reached by another way too, which goes on for both"),
    "jumped": _("“${title}” was left for a goal that became true"),
    "retry": _("“${title}” is to be tried again"),
    "late": _("Something came for “${title}” when nobody waited for it any more"),
    "stopped": _("The run was stopped at “${title}”"),
    "failed": _("“${title}” failed"),
    "cancelled": _("The run was cancelled"),
    "shortened": _("“${title}” waits for less than it would, because this is a test"),
    "moved": _("The run was moved to another version"),
}
ENDS = {
    "completed": _("It went all the way to the end."),
    "stopped": _("It was stopped: ${reason}."),
    "failed": _("It failed: ${reason}."),
    "cancelled": _("It was cancelled: ${reason}."),
}
HELD = {
    "paused": _("It is paused: ${reason}."),
    "blocked": _("It is blocked: ${reason}."),
    "quarantined": _("It is set aside, because it failed again and again: ${reason}."),
}
FORGOTTEN = _("What it did is no longer kept: journals are dropped after some months.")


class RunStory(Service):
    """Sentences (to be translated with `translated`) beside the data that they are made from."""

    def of(self, run: WorkflowRun) -> dict[str, Any]:
        """{"run_id", "status", "sentences", "enrolment", "steps", "waits", "held", "end", "emails"}."""
        frame, titles = self.frame(run), self._titles(run)
        steps = [self._step(each, titles) for each in self.services(Runs).journal(run.id)]
        gone = {"sentence": FORGOTTEN} if run.steps and not steps else None
        emails = [each for each in frame["emails"] if each.get("open")]
        told = [frame["enrolment"], gone, *steps, *frame["waits"], *emails, frame["held"], frame["end"]]
        return {
            "run_id": str(run.id),
            "workflow_id": str(run.workflow_id),
            "contact_id": str(run.contact_id) if run.contact_id else None,
            "status": run.status,
            "sentences": [each["sentence"] for each in told if each],
            "steps": steps,
            **frame,
        }

    def frame(self, run: WorkflowRun) -> dict[str, Any]:
        """The story without its steps: {"enrolment", "waits", "held", "end", "emails"}."""
        explain = self.services.registrations.explainers.get("emails")
        return {
            "enrolment": self._enrolment(run),
            "waits": self._waits(run, self._titles(run)),
            "held": self._held(run),
            "end": self._end(run),
            "emails": explain(self.services, run_id=run.id) if explain else [],
        }

    def standing(self, run: WorkflowRun) -> list[dict[str, Any]]:
        """Only where it stands: the story's `waits`, and why it is held."""
        held = self._held(run)
        return [*self._waits(run, self._titles(run)), *([held] if held else [])]

    def _titles(self, run: WorkflowRun) -> dict[str, str]:
        """Node id → what people call it; with the id where several are called the same."""
        version = self.session.get(WorkflowVersion, (run.workspace_id, run.version_id))
        if version is None:
            return {}
        names = step_names(version.graph, self.services.registrations.plugins)
        often = Counter(name.title for name in names.values())
        return {
            node: name.title if often[name.title] == 1 else f"{name.title} ({node})"
            for node, name in names.items()
        }

    def _enrolment(self, run: WorkflowRun) -> dict[str, Any]:
        event = run.variables.get("event") or {}
        trigger = (
            self.session.get(WorkflowTrigger, (run.workspace_id, run.trigger_id)) if run.trigger_id else None
        )
        by = self.services(Origins).of(run)
        parts = {
            "at": moment(run.started_at),
            "trigger": by.pop("sentence") or self._trigger(run.trigger, trigger),
        }
        if run.parent_run_id is not None:
            parts["run"] = str(run.parent_run_id)
            sentence = _("It began on ${at}, started by the run ${run}.", mapping=parts)
        elif run.is_test:
            parts["to"] = str(own_test(True, run.variables).get("to") or "–")
            sentence = _(
                "It began on ${at}, as a test: it changes nobody, and its mail goes to ${to}.", mapping=parts
            )
        elif event.get("name"):
            parts["event"] = str(event["name"])
            sentence = _("It began on ${at}, because of ${event} (${trigger}).", mapping=parts)
        else:
            sentence = _("It began on ${at}: ${trigger}.", mapping=parts)
        return {
            "sentence": sentence,
            "trigger": run.trigger,
            "trigger_id": str(run.trigger_id) if run.trigger_id else None,
            "config": dict(trigger.config) if trigger is not None else None,
            "event": event or None,
            "by": by,
            "at": run.started_at.isoformat(),
            "is_test": run.is_test,
            "parent_run_id": str(run.parent_run_id) if run.parent_run_id else None,
        }

    def _trigger(self, name: str, row: WorkflowTrigger | None) -> Any:
        known = self.services.registrations.plugins.trigger(name)
        if known is None:
            return name.replace("_", " ")
        if name == "manual":
            return _("started by hand, or through the API")
        try:
            return known.summary(read_config(known, row.config, row.config_version)) if row else known.title
        except Exception:  # a plugin may fail in any way, and old settings may not fit any more
            return known.title

    def _step(self, step: RunStep, titles: Mapping[str, str]) -> dict[str, Any]:
        title = titles.get(step.node, step.node)
        if step.outcome == "next":
            said = _("“${title}” went on by “${port}”", mapping={"title": title, "port": step.port or ""})
        elif step.outcome in LINES and (title or step.outcome == "cancelled"):
            said = _(str(LINES[step.outcome]), mapping={"title": title})
        else:
            said = _("The run was ${outcome}", mapping={"outcome": step.outcome})
        whole = _("${at}: ${what}.", mapping={"at": moment(step.at), "what": because(said, step.detail)})
        return {
            "sentence": whole,
            "seq": step.seq,
            "node": step.node,
            "type": step.type,
            "visit": step.visit,
            "outcome": step.outcome,
            "port": step.port,
            "because": reasons(step.detail),
            "detail": step.detail,
            "entered_at": step.entered_at.isoformat(),
            "at": step.at.isoformat(),
        }

    def _waits(self, run: WorkflowRun, titles: Mapping[str, str]) -> list[dict[str, Any]]:
        if run.status in ENDED:
            return []
        query = select(RunWait).where(RunWait.workspace_id == run.workspace_id, RunWait.run_id == run.id)
        rows = {(row.node, row.visit): row for row in self.session.scalars(query)}
        actions = {(row.node, row.visit): row for row in self.services(Runs).actions(run.id)}
        return [self._wait(each, titles, rows, actions) for each in run.positions]

    def _wait(
        self,
        position: Mapping[str, Any],
        titles: Mapping[str, str],
        rows: Mapping[Any, RunWait],
        actions: Mapping[Any, Any],
    ) -> dict[str, Any]:
        key, wait = (position["node"], position["visit"]), position.get("wait")
        row, action = rows.get(key), actions.get(key)
        match = _match(row)
        parts = {"title": titles.get(key[0], key[0]), "what": waits_for(wait, match)}
        sentence = _("Now: “${title}” ${what}.", mapping=parts)
        if action is not None and action.last_error:
            tried = {"so": sentence, "n": action.attempts, "error": action.last_error}
            sentence = _("${so} Tried ${n} times; the last said: ${error}.", mapping=tried)
        return {
            "sentence": sentence,
            "node": key[0],
            "visit": key[1],
            "kind": (wait or {}).get("kind"),
            "event": (wait or {}).get("event"),
            "match": match,
            "since": position.get("since"),
            "until": (wait or {}).get("until"),
            "last_error": action.last_error if action is not None else None,
        }

    def _held(self, run: WorkflowRun) -> dict[str, Any] | None:
        if run.status not in HELD:
            return None
        parts = {"reason": run.reason or "–"}
        return {
            "sentence": _(str(HELD[run.status]), mapping=parts),
            "status": run.status,
            "reason": run.reason,
        }

    def _end(self, run: WorkflowRun) -> dict[str, Any] | None:
        if run.status not in ENDS:
            return None
        parts = {"reason": self._why(run)}
        return {
            "sentence": _(str(ENDS[run.status]), mapping=parts),
            "status": run.status,
            "reason": run.reason,
            "at": run.ended_at.isoformat() if run.ended_at else None,
        }

    def _why(self, run: WorkflowRun) -> Any:
        if run.status != "stopped" or run.reason != COLLEAGUE_REPLIED:
            return run.reason or "–"
        return colleague_said(self.session, run)

    def find(self, run_id: UUID) -> dict[str, Any] | None:
        """The story of a run of the workspace, by its id."""
        run = self.services(Runs).find(run_id)
        return self.of(run) if run is not None else None


def _match(row: RunWait | None) -> dict[str, Any] | None:
    """What the event must contain, but that it is of this very run, which goes without saying."""
    if row is None or row.match is None:
        return None
    return {key: value for key, value in row.match.items() if (key, value) != ("run_id", str(row.run_id))}
