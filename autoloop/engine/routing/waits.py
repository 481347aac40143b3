"""Runs that an event reaches: waits it ends, exit rules it meets."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import Cursor

from autoloop.engine.graph import parse
from autoloop.engine.routing.claiming import Inbox, keys
from autoloop.plugins.conditions.operators import contains

__all__ = ["COLLEAGUE_REPLIED", "exit_rule", "exits", "hold", "rules_of", "wake"]

Run = tuple[UUID, UUID, UUID, UUID]
Rule = tuple[str, Mapping[str, Any]]

COLLEAGUE_REPLIED = "colleague_replied"  # met by what happens to others: no event has this name

# A run that is being advanced may be making the wait this event is for: wait until it is committed.
HOLD = """
select r.workspace_id, r.id, r.contact_id, r.version_id from workflow_runs r
join unnest(%(tenants)s::uuid[], %(contacts)s::uuid[]) u(tenant, contact)
  on r.workspace_id = u.tenant and r.contact_id = u.contact
where r.ended_at is null order by r.id for no key update of r
"""

MATCH = """
insert into run_stimuli (workspace_id, run_id, source_key, id, kind, node, visit, payload)
select w.workspace_id, w.run_id, 'event:' || e.id || ':' || w.node || ':' || w.visit, e.id, 'event', w.node, w.visit,
  jsonb_build_object('event_id', e.id, 'name', e.name, 'data', e.data)
from unnest(%(tenants)s::uuid[], %(ids)s::uuid[]) u(tenant, id)
join events e on e.workspace_id = u.tenant and e.id = u.id
join run_waits w on w.workspace_id = e.workspace_id and w.contact_id = e.contact_id and w.event = e.name
  and w.kind = 'event' and e.data @> w.match and e.received_at >= w.since - interval '1 second'
on conflict do nothing
"""

EXIT = """
insert into run_stimuli (workspace_id, run_id, source_key, id, kind, payload)
select u.tenant, u.run, 'exit:' || u.event, u.event, 'exit', jsonb_build_object('reason', u.name, 'event_id', u.event)
from unnest(%(tenants)s::uuid[], %(runs)s::uuid[], %(events)s::uuid[], %(names)s::text[]) u(tenant, run, event, name)
on conflict do nothing
"""

RULES = """
select v.id, v.graph from unnest(%(tenants)s::uuid[], %(ids)s::uuid[]) u(tenant, id)
join workflow_versions v on v.workspace_id = u.tenant and v.id = u.id
"""


def hold(
    cursor: Cursor[Any], events: Sequence[Inbox], others: Mapping[UUID, Collection[UUID]] | None = None
) -> list[Run]:
    """Lock the live runs of the events' contacts: (workspace_id, run_id, contact_id, version_id).

    `others` gives, by event, more contacts whose runs it may end.
    """
    found = {(event.workspace_id, event.contact_id) for event in events if event.contact_id is not None}
    if others:
        found |= {(event.workspace_id, each) for event in events for each in others.get(event.id, ())}
    people = sorted(found)
    if not people:
        return []
    cursor.execute(HOLD, {"tenants": [each[0] for each in people], "contacts": [each[1] for each in people]})
    return cursor.fetchall()


def wake(cursor: Cursor[Any], events: Sequence[Inbox]) -> int:
    """Put events before the runs that wait for them. Returns how many stimuli were new."""
    cursor.execute(MATCH, keys(events))
    return cursor.rowcount


def exits(
    cursor: Cursor[Any],
    events: Sequence[Inbox],
    runs: Sequence[Run],
    others: Mapping[UUID, Collection[UUID]] | None = None,
) -> list[tuple[UUID, UUID]]:
    """Tell runs whose exit rules an event meets that it has come; which: (workspace_id, run_id).

    `others` gives, by event, contacts whose colleague replied.
    """
    rules = rules_of(cursor, runs)
    of_contact: dict[UUID | None, list[Run]] = {}
    for run in runs:
        if rules[run[3]]:
            of_contact.setdefault(run[2], []).append(run)
    told = [
        (run[0], run[1], event.id, event.name)
        for event in events
        for run in of_contact.get(event.contact_id, ())
        if any(name == event.name and contains(event.data, match) for name, match in rules[run[3]])
    ]
    told += [
        (run[0], run[1], event.id, COLLEAGUE_REPLIED)
        for event in events
        for contact in (others or {}).get(event.id, ())
        for run in of_contact.get(contact, ())
        if (COLLEAGUE_REPLIED, {}) in rules[run[3]]
    ]
    if not told:
        return []
    tenants, ids, events_, names = map(list, zip(*told, strict=True))
    cursor.execute(EXIT, {"tenants": tenants, "runs": ids, "events": events_, "names": names})
    return sorted({(each[0], each[1]) for each in told})


_known: dict[UUID, tuple[Rule, ...]] = {}


def rules_of(cursor: Cursor[Any], runs: Sequence[Run]) -> Mapping[UUID, tuple[Rule, ...]]:
    """Exit rules by version. Versions never change, so each is read once per process."""
    wanted = {(run[0], run[3]) for run in runs}
    unknown = sorted(each for each in wanted if each[1] not in _known)
    if unknown:
        if len(_known) > 1000:
            _known.clear()
            unknown = sorted(wanted)
        cursor.execute(
            RULES, {"tenants": [each[0] for each in unknown], "ids": [each[1] for each in unknown]}
        )
        for version, graph in cursor.fetchall():
            given = parse(graph)[0].settings.get("exit_rules", ())
            _known[version] = tuple(exit_rule(each) for each in given)
    return {version: _known.get(version, ()) for _, version in wanted}


def exit_rule(given: Any) -> Rule:
    """One exit rule as an event's name and what its data must contain."""
    if given == COLLEAGUE_REPLIED:
        return COLLEAGUE_REPLIED, {}
    if isinstance(given, str):
        return f"email.{given}", {}
    if "left_segment" in given:
        return "segment.left", {"segment_id": given["left_segment"]}
    return given["event"], given.get("match") or {}
