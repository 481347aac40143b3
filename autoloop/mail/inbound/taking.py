"""Providers' events into the engine's inbox, each with the email it is about; in sets, once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from autoloop.base.events import Event
from autoloop.base.ids import new_id, parse_id
from autoloop.base.services import Services
from autoloop.engine.services.events import receive
from autoloop.plugins.email import EventKind, ProviderEvent

__all__ = ["take"]

AHEAD = timedelta(minutes=5)

# By our own id; without one, by the provider's name for the message.
COLUMNS = "u.n, e.id, e.status, e.contact_id, e.run_id, e.workflow_id, e.node, v.template_id"
MADE_OF = """left join email_template_versions v
  on v.workspace_id = e.workspace_id and v.id = e.template_version_id"""
BY_ID = text(f"""
select {COLUMNS} from unnest(cast(:places as int[]), cast(:names as uuid[])) u(n, id)
join email_logs e on e.workspace_id = :workspace and e.id = u.id {MADE_OF}""")
BY_NAME = text(f"""
select {COLUMNS} from unnest(cast(:places as int[]), cast(:names as text[])) u(n, named)
cross join lateral (
  select a.email_id from email_attempts a where a.workspace_id = :workspace
    and a.provider_message_id = u.named order by a.email_id desc limit 1) a
join email_logs e on e.workspace_id = :workspace and e.id = a.email_id {MADE_OF}""")

# Once a minute at the most: whether events arrive is what it tells, not how many.
TOUCH = text("""
update provider_accounts set last_event_at = now() where workspace_id = :workspace and id = (
  select id from provider_accounts where workspace_id = :workspace and id = :id
    and coalesce(last_event_at < now() - interval '1 minute', true) for no key update skip locked)""")

SPEND = text("""
insert into event_keys (workspace_id, source, source_id, event_id)
select :workspace, :source, u.proof, cast(:id as uuid) from unnest(cast(:proofs as text[])) u(proof) order by u.proof
on conflict do nothing returning source_id""")

UNSETTLED = ("sending", "unknown")


def take(services: Services, provider: str, account_id: UUID, events: Sequence[ProviderEvent]) -> int:
    """Put verified events into the inbox; routing applies them. How many were new.

    Events of mail that is not this workspace's own are passed over, for an account may serve others too.
    One that was told before (the same id, for 90 days) changes nothing.
    """
    services.session.execute(TOUCH, {"workspace": services.workspace_id, "id": account_id})
    events = _unspent(services, account_id, events)
    found = _find(services, events)
    made = [
        _event(services, provider, account_id, event, found[index])
        for index, event in enumerate(events)
        if index in found and _matters(event, found[index])
    ]
    new = [id for id in receive(services, made) if id is not None]
    if new:
        services.nudge("route")
    return len(new)


def _unspent(
    services: Services, account_id: UUID, events: Sequence[ProviderEvent]
) -> Sequence[ProviderEvent]:
    """Without the events whose proof was used before."""
    proofs = sorted({event.proof for event in events if event.proof})
    if not proofs:
        return events
    values = {"workspace": services.workspace_id, "source": f"proof:{account_id}", "id": new_id()}
    fresh = set(services.session.execute(SPEND, values | {"proofs": proofs}).scalars())
    return [event for event in events if event.proof is None or event.proof in fresh]


def _find(services: Services, events: Sequence[ProviderEvent]) -> dict[int, Any]:
    """The email of each event, by the event's place."""
    by_id, by_name = {}, {}
    for index, event in enumerate(events):
        email = _email_id(event)
        if email is not None:
            by_id[index] = email
        elif event.provider_id:
            by_name[index] = _plain(event.provider_id, 300)
    found: dict[int, Any] = {}
    for statement, given in ((BY_ID, by_id), (BY_NAME, by_name)):
        if given:
            values = {
                "workspace": services.workspace_id,
                "places": list(given),
                "names": list(given.values()),
            }
            found |= {row.n: row for row in services.session.execute(statement, values)}
    return found


def _email_id(event: ProviderEvent) -> UUID | None:
    """What `Message.key` was; the same stands before the @ of the Message-ID."""
    named = event.key or (event.message_id or "").strip().strip("<>").partition("@")[0]
    return parse_id(named) if named else None


def _matters(event: ProviderEvent, email: Any) -> bool:
    """That a provider accepted a mail is news only where we do not know it."""
    return event.kind is not EventKind.ACCEPTED or email.status in UNSETTLED


def _event(services: Services, provider: str, account_id: UUID, event: ProviderEvent, email: Any) -> Event:
    name = "bounced" if event.kind is EventKind.REJECTED else event.kind.value
    data: dict[str, Any] = {
        "email_id": email.id,
        "run_id": email.run_id,
        "workflow_id": email.workflow_id,
        "node": email.node,
        "template_id": email.template_id,
    }
    data = {key: str(value) for key, value in data.items() if value is not None} | {"provider": provider}
    if event.kind is EventKind.REJECTED:
        data["type"] = "rejected"
    elif event.kind is EventKind.BOUNCED:
        data["type"] = "hard" if event.permanent else "soft"
    if event.detail:
        data["detail"] = _plain(event.detail, 500)
    if event.url:
        data["url"] = _plain(event.url, 2000)
    at = event.at
    if at is not None and (at.tzinfo is None or at > services.clock.now() + AHEAD):
        at = None
    return Event(
        services.workspace_id,
        f"email.{name}",
        email.contact_id,
        data,
        f"provider:{account_id}",
        _plain(event.id, 300),
        at,
    )


def _plain(value: str, most: int) -> str:
    """Text as JSON and PostgreSQL can hold it."""
    return value.replace("\x00", "")[:most].encode("utf-8", "replace").decode()
