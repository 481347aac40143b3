"""Which email an event is about, when whoever reports it knows only the person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from autoloop.base.ids import parse_id
from autoloop.base.services import Services
from autoloop.mail.services.happenings import EVENT_NAMES

__all__ = ["attribute"]

FILLED = ("email_id", "run_id", "workflow_id", "node", "template_id")

# The email it names, else the last one that the contact was sent.
FIND = text("""
select u.n, e.id as email_id, e.run_id, e.workflow_id, e.node, v.template_id
from unnest(cast(:numbers as int[]), cast(:contacts as uuid[]), cast(:emails as uuid[])) u(n, contact, email)
cross join lateral (
  select e.id, e.run_id, e.workflow_id, e.node, e.template_version_id from email_logs e
  where e.workspace_id = :workspace and e.contact_id = u.contact and (u.email is null or e.id = u.email)
    and e.status in ('accepted', 'delivered', 'bounced', 'complained', 'unknown', 'sending')
  order by e.id desc limit 1) e
left join email_template_versions v on v.workspace_id = :workspace and v.id = e.template_version_id""")


def attribute(
    services: Services, events: Sequence[tuple[str, UUID, Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """The data of each event (name, contact, data), with what FILLED names, where it can be told.

    What the reporter says stays; only what is missing is filled in, and only for events of emails. An email
    that is not ours has no run to be told of.
    """
    data = [dict(given) for _, _, given in events]
    named = [each.get("email_id") for each in data]
    emails = [parse_id(str(each)) if each else None for each in named]
    asked = [
        index
        for index, (name, *_rest) in enumerate(events)
        if name in EVENT_NAMES
        and not data[index].get("run_id")
        and bool(named[index]) == (emails[index] is not None)
    ]
    if not asked:
        return data
    values = {
        "workspace": services.workspace_id,
        "numbers": asked,
        "contacts": [events[index][1] for index in asked],
        "emails": [emails[index] for index in asked],
    }
    for row in services.session.execute(FIND, values):
        known = {name: str(value) for name in FILLED if (value := getattr(row, name)) is not None}
        data[row.n] |= {name: value for name, value in known.items() if not data[row.n].get(name)}
    return data
