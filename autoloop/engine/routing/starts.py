"""Triggers: who enters which workflow because of an event."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import Cursor

from autoloop.base.errors import AutoLoopError
from autoloop.base.ids import parse_id
from autoloop.base.services import Services
from autoloop.engine import chains
from autoloop.engine.routing.claiming import Inbox
from autoloop.engine.services.enrolment import AtOnce, Entering, enter, open_entrance
from autoloop.plugins.forms import read_config
from autoloop.plugins.triggers import TriggerEvent

__all__ = ["start", "starts"]

log = logging.getLogger(__name__)

# Workflows before runs, both in id order: the lock order of the whole system.
TRIGGERS = """
select t.workspace_id, t.workflow_id, t.id, t.type, t.config, t.config_version, t.event_name
from unnest(%(tenants)s::uuid[], %(names)s::text[]) u(tenant, name)
join workflow_triggers t on t.workspace_id = u.tenant and t.event_name = u.name and t.is_active
join automation_workflows w on w.workspace_id = t.workspace_id and w.id = t.workflow_id and w.status = 'live'
order by t.workflow_id, t.id for share of w
"""


def starts(
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
        places = _places(services, accepted)
        found.setdefault((tenant, workflow), []).extend(
            Entering(
                event.contact_id,
                f"event:{event.id}",
                kind,
                key,
                {"id": str(event.id), "name": event.name, "data": event.data},
                places.get(event.id, event.chain),
                {"event_id": event.id},
            )
            for event in accepted
            if event.contact_id is not None
        )
    return found


def _places(services: Services, events: Sequence[Inbox]) -> dict[UUID, int]:
    """What becomes of a run's mails comes from outside, and yet the run may be what made it happen."""
    runs = {
        event.id: run
        for event in events
        if event.name.startswith("email.") and (run := parse_id(str(event.data.get("run_id"))))
    }
    wanted = [(event.workspace_id, runs[event.id]) for event in events if event.id in runs]
    places = chains.places_of_runs(services, wanted, services.clock.now())
    return {id: places[run] for id, run in runs.items() if run in places}


def start(
    services: Services, starts: Mapping[tuple[UUID, UUID], list[Entering]], first: AtOnce | None = None
) -> int:
    """Let them in. Returns how many runs there are now."""
    count = 0
    for (tenant, workflow), entering in starts.items():
        try:
            door = open_entrance(services, tenant, workflow)
        except AutoLoopError as error:
            log.warning("workflow %s takes nobody: %s", workflow, error)
            continue
        entered = enter(services, door, entering, first=first)
        count += len(entered.started)
        if chains.REFUSED in entered.skipped:
            chains.warn(services, tenant, workflow)
    return count
