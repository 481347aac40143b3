"""Routing: each event is matched, once, with the waits it ends and the runs it starts."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import Cursor
from sqlalchemy.exc import OperationalError

from autoloop.base.due import share_of
from autoloop.base.errors import AutoLoopError
from autoloop.base.services import Services
from autoloop.engine.graph import parse
from autoloop.engine.services.enrolment import Entering, enter, open_entrance
from autoloop.plugins.forms import read_config
from autoloop.plugins.triggers import TriggerEvent

if TYPE_CHECKING:
    from datetime import datetime

    from autoloop.base.runtime import Runtime

__all__ = ["PROBE", "work"]

log = logging.getLogger(__name__)

BATCH = 500
PASSING = (
    OperationalError,
    psycopg.OperationalError,
)  # a lost line, a deadlock: nothing is wrong with the event
EXITS = ("email.unsubscribed", "email.replied", "email.bounced")

PROBE = "select exists (select 1 from events where pending)"

TENANTS = f"""
with recursive hop as (
  (select workspace_id from events where pending order by workspace_id, id limit 1)
  union all
  select next.workspace_id from hop cross join lateral (
    select workspace_id from events where pending and workspace_id > hop.workspace_id
    order by workspace_id, id limit 1) next)
select workspace_id from hop limit {BATCH}
"""

COLUMNS = "e.workspace_id, e.id, e.name, e.contact_id, e.data, e.occurred_at"

CLAIM = f"""
select inbox.* from unnest(%(tenants)s::uuid[]) tenant(id) cross join lateral (
  select {COLUMNS} from events e where e.workspace_id = tenant.id and e.pending
  order by e.id limit {{share}} for no key update skip locked) inbox
"""

CLAIM_THESE = f"""
select {COLUMNS} from unnest(%(tenants)s::uuid[], %(ids)s::uuid[]) u(tenant, id)
join events e on e.workspace_id = u.tenant and e.id = u.id where e.pending for no key update of e skip locked
"""

# Workflows before runs, both in id order: the lock order of the whole system.
TRIGGERS = """
select t.workspace_id, t.workflow_id, t.id, t.type, t.config, t.config_version, t.event_name
from unnest(%(tenants)s::uuid[], %(names)s::text[]) u(tenant, name)
join workflow_triggers t on t.workspace_id = u.tenant and t.event_name = u.name and t.is_active
join automation_workflows w on w.workspace_id = t.workspace_id and w.id = t.workflow_id and w.status = 'live'
order by t.workflow_id, t.id for share of w
"""

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

DONE = """
update events e set pending = false from unnest(%(tenants)s::uuid[], %(ids)s::uuid[]) u(tenant, id)
where e.workspace_id = u.tenant and e.id = u.id and e.id = any(%(ids)s::uuid[])
"""


class Inbox(NamedTuple):
    """An event in hand."""

    workspace_id: UUID
    id: UUID
    name: str
    contact_id: UUID | None
    data: dict[str, Any]
    occurred_at: datetime


def work(runtime: Runtime) -> int:
    """Route one batch of events. Returns how many; 0 says that none is pending."""
    held: list[Inbox] = []
    try:
        return _batch(runtime, None, held)
    except PASSING:
        raise
    except Exception as error:
        if not held:
            raise
        log.warning("a batch of %d events is tried again one by one: %s", len(held), error)
        _one_by_one(runtime, held)
        return len(held)


def _one_by_one(runtime: Runtime, events: Sequence[Inbox]) -> None:
    for event in events:
        try:
            _batch(runtime, event, [])
        except PASSING:
            raise
        except Exception:
            log.exception("event %s (%s) cannot be routed; it stays in the history", event.id, event.name)
            with runtime.unit("worker") as services:
                _cursor(services).execute(DONE, _keys([event]))


def _batch(runtime: Runtime, only: Inbox | None, held: list[Inbox]) -> int:
    with runtime.unit("worker") as services:
        cursor = _cursor(services)
        events = _claim(cursor) if only is None else _claim_these(cursor, only)
        held += events
        if not events:
            return 0
        starts = _triggers(services, cursor, events)
        runs = _hold(cursor, events)
        _tell(services, events)
        woken = 0
        if runs:
            cursor.execute(MATCH, _keys(events))
            woken = cursor.rowcount + _exits(cursor, events, runs)
        started = _start(services, starts)
        cursor.execute(DONE, _keys(events))
    if woken or started:
        runtime.nudge("advance")
    return len(events)


def _cursor(services: Services) -> Cursor[Any]:
    connection: Any = services.session.connection().connection.driver_connection
    made: Cursor[Any] = connection.cursor(binary=True)
    return made


def _claim(cursor: Cursor[Any]) -> list[Inbox]:
    cursor.execute(TENANTS)
    tenants = [row[0] for row in cursor.fetchall()]
    if not tenants:
        return []
    cursor.execute(CLAIM.format(share=share_of(BATCH, len(tenants))), {"tenants": tenants})
    return [Inbox._make(row) for row in cursor.fetchall()]


def _claim_these(cursor: Cursor[Any], event: Inbox) -> list[Inbox]:
    cursor.execute(CLAIM_THESE, _keys([event]))
    return [Inbox._make(row) for row in cursor.fetchall()]


def _keys(events: Sequence[Inbox]) -> dict[str, list[UUID]]:
    return {"tenants": [event.workspace_id for event in events], "ids": [event.id for event in events]}


def _triggers(
    services: Services, cursor: Cursor[Any], events: Sequence[Inbox]
) -> dict[tuple[UUID, UUID], list[Entering]]:
    """Who enters which workflow, by (workspace_id, workflow_id) in id order; the workflows are locked."""
    pairs = sorted({(event.workspace_id, event.name) for event in events if event.contact_id is not None})
    cursor.execute(TRIGGERS, {"tenants": [pair[0] for pair in pairs], "names": [pair[1] for pair in pairs]})
    by_name: dict[tuple[UUID, str], list[Inbox]] = {}
    for event in events:
        if event.contact_id is not None:
            by_name.setdefault((event.workspace_id, event.name), []).append(event)
    found: dict[tuple[UUID, UUID], list[Entering]] = {}
    for tenant, workflow, key, kind, config, version, name in cursor.fetchall():
        trigger = services.registrations.plugins.trigger(kind)
        if trigger is None:
            log.warning("the trigger %s of workflow %s is missing; its events start nothing", kind, workflow)
            continue
        try:
            settings = read_config(trigger, config, version)
            accepted = [
                event
                for event in by_name[tenant, name]
                if trigger.accepts(TriggerEvent(event.name, event.data, event.occurred_at), settings)
            ]
        except Exception:
            log.exception("the trigger %s of workflow %s failed; its events start nothing", kind, workflow)
            continue
        found.setdefault((tenant, workflow), []).extend(
            Entering(
                event.contact_id, f"event:{event.id}", kind, key, {"name": event.name, "data": event.data}
            )
            for event in accepted
            if event.contact_id is not None
        )
    return found


def _hold(cursor: Cursor[Any], events: Sequence[Inbox]) -> list[tuple[UUID, UUID, UUID, UUID]]:
    people = sorted(
        {(event.workspace_id, event.contact_id) for event in events if event.contact_id is not None}
    )
    if not people:
        return []
    cursor.execute(HOLD, {"tenants": [each[0] for each in people], "contacts": [each[1] for each in people]})
    return cursor.fetchall()


def _tell(services: Services, events: Sequence[Inbox]) -> None:
    """Let other domains write down what the events say, such as bounces; runs are locked, emails not yet."""
    handler = services.registrations.effect_handlers.get("on_events")
    if handler is not None:
        handler(services, [event._asdict() for event in events])


def _exits(
    cursor: Cursor[Any], events: Sequence[Inbox], runs: Sequence[tuple[UUID, UUID, UUID, UUID]]
) -> int:
    """Tell runs whose exit rules name an event that it has come."""
    leaving = [event for event in events if event.name in EXITS]
    if not leaving:
        return 0
    versions = sorted({(run[0], run[3]) for run in runs})
    cursor.execute(RULES, {"tenants": [each[0] for each in versions], "ids": [each[1] for each in versions]})
    rules: Mapping[UUID, Any] = {
        key: parse(graph)[0].settings.get("exit_rules", ()) for key, graph in cursor.fetchall()
    }
    told = [
        (tenant, run, event.id, event.name)
        for event in leaving
        for tenant, run, contact, version in runs
        if contact == event.contact_id and event.name.removeprefix("email.") in rules.get(version, ())
    ]
    if not told:
        return 0
    tenants, ids, keys, names = map(list, zip(*told, strict=True))
    cursor.execute(EXIT, {"tenants": tenants, "runs": ids, "events": keys, "names": names})
    return cursor.rowcount


def _start(services: Services, starts: Mapping[tuple[UUID, UUID], list[Entering]]) -> int:
    count = 0
    for (tenant, workflow), entering in starts.items():
        try:
            door = open_entrance(services, tenant, workflow)
        except AutoLoopError as error:
            log.warning("workflow %s takes nobody: %s", workflow, error)
            continue
        count += len(enter(services, door, entering).started)
    return count
