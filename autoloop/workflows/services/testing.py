"""Test runs: the real engine and real mail, to one's own address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from autoloop.accounts.models import User
from autoloop.base.errors import Conflict, Invalid
from autoloop.base.i18n import _
from autoloop.base.ids import new_id
from autoloop.base.services import Service
from autoloop.businesses.models import Contact
from autoloop.engine.graph import parse
from autoloop.engine.models import WorkflowRun, WorkflowVersion
from autoloop.engine.services.versions import checksum
from autoloop.engine.services.workflows import WorkflowStatus
from autoloop.engine.simulate.people import as_business, as_contact, check_fields
from autoloop.workflows.exchange import plain_json
from autoloop.workflows.services.drafts import Drafts
from autoloop.workflows.services.inventing import Inventing
from autoloop.workflows.services.life import refusal
from autoloop.workspaces.models import Member

__all__ = ["SHORTEN", "Testing"]

SHORTEN = 10
"""Seconds that a wait of a test takes at most, if nothing else is said."""

LARGEST_PERSON = 32_000
"""Characters that may be said of somebody: each turn of the run reads and writes them."""

KEPT = "7 days"

# Tests of drafts, each with the runs that it started elsewhere: they go together, once all of them are over.

CLEAN = [
    text(f"""
with recursive family as (
  select r.workspace_id, r.id, r.id as eldest, r.ended_at from workflow_runs r
  join workflow_versions v on v.workspace_id = r.workspace_id and v.id = r.version_id
  where r.workspace_id = :workspace and v.workflow_id = :workflow and v.number < 0
  union all
  select c.workspace_id, c.id, f.eldest, c.ended_at from workflow_runs c
  join family f on c.workspace_id = f.workspace_id and c.parent_run_id = f.id),
old as (
  select eldest from family group by 1
  having bool_and(coalesce(ended_at < now() - interval '{KEPT}', false)))
delete from workflow_runs r using family f join old using (eldest)
where r.workspace_id = f.workspace_id and r.id = f.id"""),
    text("""
delete from workflow_versions v where v.workspace_id = :workspace and v.workflow_id = :workflow and v.number < 0
  and not exists (select 1 from workflow_runs r where r.workspace_id = v.workspace_id and r.version_id = v.id)"""),
]


class Testing(Service):
    """Starts runs that are marked as tests: they count nowhere, keep nobody out, and change nobody."""

    __test__ = False  # for pytest, which would take the name for a class of tests

    def begin(self, workflow_id: UUID, asked: Mapping[str, Any]) -> WorkflowRun:
        """Start one: {"version": None for the draft, "contact_id", "contact", "business", "invented", "to",
        "shorten"}.

        `contact` and `business` are invented fields over those of the contact, who is that of the address `to` if
        none is named; with `invented` there is no contact, and what was not said of them has sample values. `to`
        is the address of a member, without one the caller's. Raises Invalid, Conflict.
        """
        workflow = self.services(WorkflowStatus).hold(workflow_id)
        if workflow.status == "archived":
            raise Conflict(_("This workflow is archived."), code="WORKFLOW_ARCHIVED")
        to = self._address(asked.get("to"))
        id = new_id()
        played = self._played(asked, id)
        contact = None if played.get("invented") else self._contact(asked.get("contact_id"), to)
        self._clean(workflow_id)
        version = self._version(workflow_id, asked.get("version"))
        start = parse(version.graph)[0].start
        now = self.services.clock.now().isoformat()
        test = {"to": to, "shorten": asked.get("shorten"), "by": str(self.services.user_id), **played}
        run: WorkflowRun = self.add(
            WorkflowRun(
                workspace_id=self.workspace_id,
                id=id,
                workflow_id=workflow_id,
                version_id=version.id,
                contact_id=contact,
                started_as=contact or id,
                entry_key=f"test:{id}",
                positions=[{"id": 1, "node": start, "visit": 1, "since": now}],
                visits={start: 1},
                variables={"test": test},
                is_test=True,
                due_at=func.now(),
            )
        )
        self.services.nudge("advance")
        return run

    def _played(self, asked: Mapping[str, Any], id: UUID) -> dict[str, Any]:
        """The fields that are played: over those of a real contact, or all there is of somebody invented."""
        contact, business = asked.get("contact") or {}, asked.get("business") or {}
        plain_json(contact, "contact", LARGEST_PERSON)
        plain_json(business, "business", LARGEST_PERSON)
        check_fields(contact, business)
        if not asked.get("invented"):
            given = {"contact": contact, "business": business}
            return {name: dict(value) for name, value in given.items() if value}
        if asked.get("contact_id"):
            raise Invalid(
                details={"contact_id": [_("Either a contact of the workspace or an invented one, not both.")]}
            )
        contact, business = self.services(Inventing).filled(contact, business)
        now = self.services.clock.now()
        return {
            "invented": True,
            "contact": as_contact(id, contact, now),
            "business": as_business(id, business, now),
        }

    def addresses(self) -> list[str]:
        """Where tests may go: the members' addresses."""
        mine = select(User.email).join(Member, Member.user_id == User.id)
        return list(
            self.session.scalars(mine.where(Member.workspace_id == self.workspace_id).order_by(User.email))
        )

    def own_address(self) -> str:
        found = self.session.scalar(select(User.email).where(User.id == self.services.user_id))
        return found or ""

    def _address(self, given: str | None) -> str:
        to = (given or self.own_address()).strip().lower()
        if to not in self.addresses():
            raise Invalid(details={"to": [_("A test goes to the address of a member only.")]})
        return to

    def _contact(self, given: UUID | None, to: str) -> UUID:
        mine = select(Contact.id).where(Contact.workspace_id == self.workspace_id)
        mine = mine.where(Contact.id == given) if given else mine.where(Contact.email_normal == to)
        found: UUID | None = self.session.scalar(mine)
        if found is None:
            missing = _("There is no such contact.")
            none = _("Choose a contact: there is none with your own address.")
            raise Invalid(details={"contact_id": [missing if given else none]})
        return found

    def _version(self, workflow_id: UUID, number: int | None) -> WorkflowVersion:
        versions = select(WorkflowVersion).where(
            WorkflowVersion.workspace_id == self.workspace_id, WorkflowVersion.workflow_id == workflow_id
        )
        if number is not None:
            found = self.session.scalar(versions.where(WorkflowVersion.number == number))
            if found is None:
                raise Invalid(details={"version": [_("There is no such version.")]})
            return found
        drafts = self.services(Drafts)
        draft = drafts.of(workflow_id)
        problems = drafts.problems(draft)
        if problems:
            raise refusal(problems)
        return self._tested(workflow_id, versions, draft.graph)

    def _tested(self, workflow_id: UUID, versions: Any, graph: dict[str, Any]) -> WorkflowVersion:
        """The draft as a version that nobody enters: its number is below zero."""
        mark = checksum(graph)
        tested = list(
            self.session.scalars(versions.where(WorkflowVersion.number < 0).order_by(WorkflowVersion.number))
        )
        same = next((each for each in tested if each.checksum == mark), None)
        if same is not None:
            return same
        made: WorkflowVersion = self.add(
            WorkflowVersion(
                workspace_id=self.workspace_id,
                workflow_id=workflow_id,
                number=(tested[0].number if tested else 0) - 1,
                graph=graph,
                checksum=mark,
                note="",
                published_by=self.services.user_id,
                published_at=func.now(),
            )
        )
        return made

    def _clean(self, workflow_id: UUID) -> None:
        for statement in CLEAN:
            self.session.execute(statement, {"workspace": self.workspace_id, "workflow": workflow_id})
