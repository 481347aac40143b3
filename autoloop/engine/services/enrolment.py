"""Enrolment: contacts enter a workflow, in sets, each at most once per entry key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import orjson
from sqlalchemy import text

from autoloop.base.errors import Conflict, NotFound
from autoloop.base.ids import new_id
from autoloop.base.services import Services
from autoloop.engine import chains
from autoloop.engine.graph import parse

__all__ = ["AtOnce", "Enrolment", "Entering", "Entrance", "by_person", "enrol", "enter", "open_entrance"]

WORKFLOW = text("""
select w.status, w.live_version_id, v.graph from automation_workflows w
left join workflow_versions v on v.workspace_id = w.workspace_id and v.id = w.live_version_id
where w.workspace_id = :workspace and w.id = :workflow for share of w
""")

KNOWN = text("""
select c.id from business_contacts c
where c.workspace_id = :workspace and c.id = any(cast(:contacts as uuid[]))
""")

LATEST = text("""
select u.contact, r.id, r.started_at, r.ended_at from unnest(cast(:contacts as uuid[])) u(contact)
cross join lateral (
  select r.id, r.started_at, r.ended_at from workflow_runs r
  where r.workspace_id = :workspace and r.workflow_id = :workflow and r.contact_id = u.contact
    and not r.is_test
  order by r.id desc limit 1) r
""")

INSERT = text("""
insert into workflow_runs (workspace_id, id, workflow_id, version_id, contact_id, started_as, trigger, trigger_id,
  origin, entry_key, status, reason, positions, visits, variables, steps, is_test, due_at, ended_at)
select :workspace, u.i, :workflow, :version, u.c, coalesce(u.c, u.a), u.t, u.g, u.o, u.k, coalesce(u.s, 'active'), u.r,
  coalesce(u.p, cast(:positions as jsonb)), coalesce(u.v, cast(:visits as jsonb)), u.x, coalesce(u.q, 0), :is_test,
  case when u.s is null then now() else u.d end, u.e
from jsonb_to_recordset(cast(:rows as jsonb)) u(i uuid, c uuid, a uuid, t text, g uuid, o jsonb, k text, x jsonb,
  s text, r text, p jsonb, v jsonb, q int, d timestamptz, e timestamptz)
on conflict (workspace_id, workflow_id, contact_id, entry_key) do nothing
returning id
""")


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where contacts enter a live workflow; held open (locked) until the transaction ends."""

    workspace_id: UUID
    workflow_id: UUID
    version_id: UUID
    start: str
    reentry: Any


@dataclass(frozen=True, slots=True)
class Entering:
    """One contact at the door. `key` tells one reason to enter from another (an event's id);
    `chain` is the place in a chain of runs that start each other; `origin` is what the run keeps of who or
    what started it. With `invented`, which only a test has, the id is of nobody."""

    contact_id: UUID
    key: str
    trigger: str = "manual"
    trigger_id: UUID | None = None
    event: Mapping[str, Any] | None = None
    chain: int = 0
    origin: Mapping[str, Any] | None = None
    invented: bool = False


class AtOnce(Protocol):
    """Takes the first turns of runs as they are let in; `now` is the moment of all it does."""

    now: datetime

    def take(self, door: Entrance, rows: Sequence[dict[str, Any]]) -> None: ...

    def entered(self, runs: Sequence[UUID]) -> None: ...


@dataclass(slots=True)
class Enrolment:
    """Who went in (run ids), and how many did not, by reason."""

    started: list[UUID] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)

    def skip(self, reason: str, count: int = 1) -> None:
        if count:
            self.skipped[reason] = self.skipped.get(reason, 0) + count

    def as_dict(self) -> dict[str, Any]:
        return {"started": len(self.started), "skipped": self.skipped}


def enrol(
    services: Services,
    workflow_id: UUID,
    contact_ids: Iterable[UUID],
    trigger: str = "manual",
    entry_key: str | None = None,
    *,
    event: Mapping[str, Any] | None = None,
    is_test: bool = False,
) -> Enrolment:
    """Start a run of the live workflow for each contact that its re-entry rule lets in.

    With an `entry_key`, a second call with the same key starts nothing twice. Raises NotFound or
    Conflict (the workflow is not live). Nudge "advance" after the commit.
    """
    door = open_entrance(services, services.workspace_id, workflow_id)
    contacts = list(dict.fromkeys(contact_ids))
    given = {"workspace": door.workspace_id, "contacts": contacts}
    known = set(services.session.execute(KNOWN, given).scalars())
    key = entry_key or str(new_id())
    person = by_person(services)
    entering = [
        Entering(contact, key, trigger, None, event, origin=person)
        for contact in contacts
        if contact in known
    ]
    enrolment = enter(services, door, entering, is_test=is_test)
    enrolment.skip("unknown_contact", len(contacts) - len(known))
    return enrolment


def by_person(services: Services) -> dict[str, Any] | None:
    """Who acts in this unit of work, as a run keeps it; None if nobody does."""
    if services.user_id is None:
        return None
    key = {"api_key_id": services.key_id} if services.key_id is not None else {}
    return {"user_id": services.user_id, **key}


def open_entrance(services: Services, workspace_id: UUID, workflow_id: UUID) -> Entrance:
    """Lock a workflow against changes of its status. Raises NotFound, or Conflict if it is not live."""
    found = services.session.execute(
        WORKFLOW, {"workspace": workspace_id, "workflow": workflow_id}
    ).one_or_none()
    if found is None:
        raise NotFound
    status, version, graph = found
    if status != "live" or version is None:
        raise Conflict(
            f"This workflow is {status}: only a live one takes contacts.", code="WORKFLOW_NOT_LIVE"
        )
    start, reentry = _start_of(version, graph)
    return Entrance(workspace_id, workflow_id, version, start, reentry)


_starts: dict[UUID, tuple[str, Any]] = {}


def _start_of(version: UUID, graph: Any) -> tuple[str, Any]:
    found = _starts.get(version)
    if found is None:
        parsed, _ = parse(graph)
        if parsed.start is None:
            raise Conflict("The live version does not say where runs begin.", code="WORKFLOW_NOT_LIVE")
        if len(_starts) > 1000:
            _starts.clear()
        found = _starts[version] = (parsed.start, parsed.settings.get("reentry", "once"))
    return found


def enter(
    services: Services,
    door: Entrance,
    entering: Sequence[Entering],
    *,
    is_test: bool = False,
    first: AtOnce | None = None,
) -> Enrolment:
    """Let contacts in, as the re-entry rule allows; a test walks always, and keeps nobody out.

    All of them must be of the workspace. Their runs are due, but for those whose first turn is taken at once.
    """
    enrolment = Enrolment()
    if not entering:
        return enrolment
    now = first.now if first is not None else services.clock.now()
    asks = not is_test and door.reentry not in ("once", "always")
    latest = _latest(services, door, entering) if asks else {}
    rows = []
    for each in entering:
        if each.chain > chains.MOST:
            enrolment.skip(chains.REFUSED)
            continue
        last = latest.get(each.contact_id)
        key = f"test:{each.key}" if is_test else _entry_key(door.reentry, each, last, now, enrolment)
        if key is not None:
            rows.append(_row(each, key))
    if rows:
        if first is not None:
            first.take(door, rows)
        values = {
            "workspace": door.workspace_id,
            "workflow": door.workflow_id,
            "version": door.version_id,
            "positions": _dump([{"id": 1, "node": door.start, "visit": 1, "since": now}]),
            "visits": _dump({door.start: 1}),
            "rows": _dump(rows),
            "is_test": is_test,
        }
        enrolment.started = list(services.session.execute(INSERT, values).scalars())
        if first is not None:
            first.entered(enrolment.started)
        enrolment.skip("was_here_before", len(rows) - len(enrolment.started))
    return enrolment


def _row(each: Entering, key: str) -> dict[str, Any]:
    who = "a" if each.invented else "c"
    row: dict[str, Any] = {"i": new_id(), who: each.contact_id, "t": each.trigger, "k": key, "x": {}}
    if each.trigger_id is not None:
        row["g"] = each.trigger_id
    if each.origin:
        row["o"] = each.origin
    if each.event is not None:
        row["x"] = {"event": each.event}
    if each.chain:
        row["x"]["chain"] = each.chain
    return row


def _latest(services: Services, door: Entrance, entering: Sequence[Entering]) -> dict[UUID, Any]:
    values = {
        "workspace": door.workspace_id,
        "workflow": door.workflow_id,
        "contacts": [each.contact_id for each in entering],
    }
    return {row.contact: row for row in services.session.execute(LATEST, values)}


def _entry_key(rule: Any, each: Entering, last: Any, now: datetime, enrolment: Enrolment) -> str | None:
    """The key that makes this entry unique; None if the contact may not enter now."""
    if rule == "once":
        return "once"
    if rule == "always":
        return each.key
    if last is None:
        return "first"
    if rule == "not_active":
        if last.ended_at is None:
            enrolment.skip("is_in_it_now")
            return None
    elif last.started_at > now - timedelta(days=rule["after_days"]):
        enrolment.skip("was_here_lately")
        return None
    return f"after:{last.id}"


def _dump(value: Any) -> str:
    return orjson.dumps(value, default=str).decode().replace("\\u0000", "\\ufffd")
