"""Who else leaves when a contact replies: people of the same business, by the rule `colleague_replied`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import Cursor

from autoloop.engine.routing.claiming import Inbox
from autoloop.engine.routing.waits import COLLEAGUE_REPLIED, rules_of

__all__ = ["Colleagues", "colleagues"]

Colleagues = Mapping[UUID, frozenset[UUID]]

LIVE = """
select u.event, r.workspace_id, r.id, r.contact_id, r.version_id
from unnest(%(tenants)s::uuid[], %(events)s::uuid[], %(contacts)s::uuid[]) u(tenant, event, contact)
join business_contacts c on c.workspace_id = u.tenant and c.id = u.contact
join business_contacts o on o.workspace_id = c.workspace_id and o.business_id = c.business_id and o.id <> c.id
join workflow_runs r on r.workspace_id = o.workspace_id and r.contact_id = o.id and r.ended_at is null
"""


def colleagues(cursor: Cursor[Any], events: Sequence[Inbox]) -> Colleagues:
    """For each reply: contacts of its sender's business with a live run that has the rule."""
    replies = [event for event in events if event.name == "email.replied" and event.contact_id is not None]
    if not replies:
        return {}
    given = {
        "tenants": [event.workspace_id for event in replies],
        "events": [event.id for event in replies],
        "contacts": [event.contact_id for event in replies],
    }
    live = cursor.execute(LIVE, given).fetchall()
    rules = rules_of(cursor, [row[1:] for row in live])
    found: dict[UUID, set[UUID]] = {}
    for event, _, _, contact, version in live:
        if (COLLEAGUE_REPLIED, {}) in rules[version]:
            found.setdefault(event, set()).add(contact)
    return {event: frozenset(contacts) for event, contacts in found.items()}
