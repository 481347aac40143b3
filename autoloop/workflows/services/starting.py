"""Runs that people start, and what a start would come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from autoloop.base.errors import Conflict, Invalid, NotFound
from autoloop.base.i18n import _
from autoloop.base.ids import parse_id
from autoloop.base.services import Service
from autoloop.businesses.services.segments import existing_segments
from autoloop.engine.graph import parse
from autoloop.engine.graph.parsed import reentry_fits
from autoloop.engine.models import Workflow, WorkflowVersion
from autoloop.engine.services import audience
from autoloop.engine.services.enrolment import enrol
from autoloop.engine.services.enrolments import Enrolments
from autoloop.engine.services.sieve import Sieve, mails_of
from autoloop.workflows.held_mail import held_mail
from autoloop.workflows.services.drafts import Drafts

__all__ = ["Starting"]

AT_ONCE = 5_000
LISTED = 200


class Starting(Service):
    def by_hand(
        self,
        workflow_id: UUID,
        *,
        contact_ids: Sequence[str] | None = None,
        tag: str | None = None,
        segment: str | None = None,
        all: bool = False,
    ) -> dict[str, Any]:
        """Start a run for each of these contacts, or for all active ones with a tag, in a segment, or at all.

        Gives {"started", "skipped": [{"reason", "count"}], "enrolment"}; who is skipped, and why, is what
        `preview` says. More than 5,000 become an enrolment, part by part: then `enrolment` is its row.
        Raises Invalid unless exactly one choice is given, Conflict if the workflow is not live.
        """
        whom, unknown = self._whom(contact_ids=contact_ids, tag=tag, segment=segment, all=all)
        workflow = self._workflow(workflow_id)
        if workflow.status != "live":
            raise Conflict(_("Only a live workflow takes contacts."), code="WORKFLOW_NOT_LIVE")
        if "contacts" not in whom:
            size = audience.count(self.session, self.workspace_id, whom, active=False)
            if size > AT_ONCE:
                return {
                    "started": 0,
                    "skipped": [],
                    "enrolment": self.services(Enrolments).begin(workflow_id, whom),
                }
        graph, _of = self._graph(workflow)
        found = Sieve(self.services, workflow_id, whom, mails_of(graph)).part(None, 2 * max(unknown, AT_ONCE))
        ids = [id for id, reason in found if reason is None]
        skipped = Counter(reason for _id, reason in found if reason is not None)
        done = enrol(self.services, workflow_id, ids, trigger="manual")
        skipped.update(done.skipped)
        if unknown:
            skipped["unknown_contact"] += unknown - len(found)
        self.services.nudge("advance")
        return {"started": len(done.started), "skipped": _counted(skipped), "enrolment": None}

    def preview(
        self,
        workflow_id: UUID,
        *,
        reason: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        **choice: Any,
    ) -> dict[str, Any]:
        """What a start would come to now, by the live version or, without one, the draft. Changes nothing.

        Gives {"of", "would_start", "skipped": [{"reason", "count"}], "held": [{"node", "code", "message"}]}, where
        `held` are the steps whose mail would wait for a person; with a `reason` (or `would_start`) also
        "contacts" with that fate, in id order, and the cursor "next".
        """
        whom, unknown = self._whom(**choice)
        graph, of = self._graph(self._workflow(workflow_id))
        parsed, _problems = parse(graph)
        reentry = parsed.settings.get("reentry", "once")
        rule = reentry if reentry_fits(reentry) else "once"
        sieve = Sieve(self.services, workflow_id, whom, mails_of(graph), rule)
        counts: dict[Any, int] = sieve.counts()
        start = counts.pop(None, 0)
        if unknown:
            counts["unknown_contact"] = unknown - start - sum(counts.values())
        told: dict[str, Any] = {"of": of, "would_start": start, "skipped": _counted(counts)}
        told["held"] = [
            {"node": each.node, "code": each.code, "message": each.message}
            for each in held_mail(self.services, graph)
        ]
        if reason is None:
            return told
        after = parse_id(cursor) if cursor else None
        if cursor and after is None:
            raise Invalid(details={"cursor": [_("This is no cursor of this list. Start again without it.")]})
        wanted = None if reason == "would_start" else reason
        most = min(limit, LISTED)
        rows = sieve.listed(wanted, after, most + 1)
        last = str(rows[most - 1].id) if len(rows) > most else None
        return told | {"contacts": rows[:most], "next": last}

    def _workflow(self, workflow_id: UUID) -> Workflow:
        found = self.session.get(Workflow, (self.workspace_id, workflow_id))
        if found is None:
            raise NotFound
        return found

    def _graph(self, workflow: Workflow) -> tuple[Any, str]:
        if workflow.live_version_id is not None:
            version = self.session.get(WorkflowVersion, (self.workspace_id, workflow.live_version_id))
            if version is not None:
                return version.graph, "live"
        return self.services(Drafts).of(workflow.id).graph, "draft"

    def _whom(
        self,
        *,
        contact_ids: Sequence[str] | None = None,
        tag: str | None = None,
        segment: str | None = None,
        all: bool = False,
    ) -> tuple[dict[str, Any], int]:
        """The choice in one form; and how many contacts were named, 0 for a set. Raises Invalid."""
        if [contact_ids is not None, tag is not None, segment is not None, bool(all)].count(True) != 1:
            say = _("Give contact_ids, or a tag, or a segment, or all: exactly one of them.")
            raise Invalid(details={"contact_ids": [say]})
        if contact_ids is not None:
            ids = _read_ids(contact_ids)
            return {"contacts": ids}, len(ids)
        if tag is not None:
            return {"tag": tag}, 0
        if segment is not None:
            return {"segment": self._segment(segment)}, 0
        return {"all": True}, 0

    def _segment(self, given: str) -> str:
        id = parse_id(given)
        if id is None or id not in existing_segments(self.services, [id]):
            raise Invalid(details={"segment": [_("There is no such segment.")]})
        return str(id)


def _read_ids(contact_ids: Sequence[str]) -> list[UUID]:
    ids, wrong = [], {}
    for index, given in enumerate(contact_ids):
        id = parse_id(given)
        if id is None:
            wrong[f"contact_ids.{index}"] = [_("This is no id.")]
        else:
            ids.append(id)
    if wrong:
        raise Invalid(details=wrong)
    return list(dict.fromkeys(ids))


def _counted(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"reason": reason, "count": count} for reason, count in sorted(counts.items()) if count]
