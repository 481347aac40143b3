"""What the world says about emails: bounces, complaints, unsubscribes; as events, in the routing transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from autoloop.base.ids import new_id, parse_id
from autoloop.base.services import Services
from autoloop.engine.services.stimuli import add as add_stimuli
from autoloop.mail.addresses import HASH_SQL
from autoloop.mail.delivery.outcomes import stimulus
from autoloop.mail.governor.mishaps import note
from autoloop.mail.models import Status

__all__ = ["EVENT_NAMES", "on_events"]

EVENT_NAMES: dict[str, str] = {
    "email.accepted": "A provider says that it has an email whose fate was not known",
    "email.deferred": "A provider could not deliver an email yet, and goes on trying",
    "email.delivered": "The receiving server has put an email into the mailbox",
    "email.opened": "The contact opened an email",
    "email.clicked": "The contact followed a link in an email",
    "email.replied": "The contact answered an email",
    "email.bounced": "An email came back as undeliverable",
    "email.complained": "The contact reported an email as spam",
    "email.unsubscribed": "The contact wants no more marketing mail",
}

# Which event moves an email on, and from where. One that is `unknown` is settled by any of them; so is one
# still `sending`: an event may come before the reply.
UNSETTLED = (Status.SENDING, Status.UNKNOWN)
MOVES: dict[str, tuple[Status, tuple[Status, ...]]] = {
    "email.accepted": (Status.ACCEPTED, UNSETTLED),
    "email.delivered": (Status.DELIVERED, (Status.ACCEPTED, *UNSETTLED)),
    "email.bounced": (Status.BOUNCED, (Status.ACCEPTED, Status.DELIVERED, *UNSETTLED)),
    "email.complained": (
        Status.COMPLAINED,
        (Status.ACCEPTED, Status.DELIVERED, Status.BOUNCED, *UNSETTLED),
    ),
}
BARS = {"email.bounced": "bounced", "email.complained": "complained", "email.unsubscribed": "unsubscribed"}
MISHAPS = {"email.bounced": "bounce", "email.complained": "complaint"}

LOCK = text("""
select e.workspace_id, e.id, e.status, e.run_id, e.node, e.visit, e.contact_id from email_logs e
join unnest(cast(:tenants as uuid[]), cast(:ids as uuid[])) u(tenant, id)
  on e.workspace_id = u.tenant and e.id = u.id
order by e.id for no key update of e""")

MOVE = text("""
update email_logs e set status = u.status, reason = coalesce(u.reason, e.reason), lease_until = null,
  sent_at = coalesce(e.sent_at, clock_timestamp()), settled_at = clock_timestamp(), updated_at = now()
from unnest(cast(:tenants as uuid[]), cast(:ids as uuid[]), cast(:statuses as text[]), cast(:reasons as text[]))
  u(tenant, id, status, reason)
where e.workspace_id = u.tenant and e.id = u.id""")

# By email where the event names one, else by its contact's address.
SUPPRESS = text(f"""
insert into suppressions (workspace_id, id, address_hash, address, reason, note, email_id)
select distinct on (u.tenant, h.hash, u.reason) u.tenant, u.new_id, h.hash, a.address, u.reason, u.note, e.id
from unnest(cast(:tenants as uuid[]), cast(:new_ids as uuid[]), cast(:emails as uuid[]), cast(:contacts as uuid[]),
  cast(:reasons as text[]), cast(:notes as text[])) u(tenant, new_id, email, contact, reason, note)
left join email_logs e on e.workspace_id = u.tenant and e.id = u.email
left join business_contacts c on c.workspace_id = u.tenant and c.id = u.contact
cross join lateral (select lower(coalesce(nullif(e.to_address, ''), nullif(c.email_normal, ''))) as address) a
cross join lateral (select {HASH_SQL.format(workspace="u.tenant", address="a.address")} as hash) h
where a.address is not null
order by u.tenant, h.hash, u.reason
on conflict (workspace_id, address_hash, reason) do nothing""")

DENY = text("""
update business_contacts c set consent_marketing = 'denied', consent_at = now(), consent_source = u.source,
  updated_at = now()
from unnest(cast(:tenants as uuid[]), cast(:contacts as uuid[]), cast(:sources as text[])) u(tenant, id, source)
where c.workspace_id = u.tenant and c.id = u.id and c.consent_marketing <> 'denied'""")


def on_events(services: Services, events: Sequence[Mapping[str, Any]]) -> None:
    """Called by routing with every batch of events, before waits are matched.

    Each event is {id, workspace_id, name, contact_id, data, occurred_at}. Names that mail does not
    know are passed over; so are ids of emails that do not exist.
    """
    known = [event for event in events if event["name"] in MOVES or event["name"] in BARS]
    if not known:
        return
    _move(services, [event for event in known if event["name"] in MOVES and not _soft(event)])
    bars = [event for event in known if event["name"] in BARS and not _soft(event) and not _unsent(event)]
    _suppress(services, bars)
    _mark_contacts(services, bars)
    note(
        services,
        [
            (event["workspace_id"], email_id, MISHAPS[event["name"]])
            for event in bars
            if event["name"] in MISHAPS and (email_id := email_of(event)) is not None
        ],
    )


def _soft(event: Mapping[str, Any]) -> bool:
    """A bounce that says the mailbox is full, or the like: nothing against the address."""
    return event["name"] == "email.bounced" and event["data"].get("type") in (
        "soft",
        "transient",
        "temporary",
    )


def _unsent(event: Mapping[str, Any]) -> bool:
    """The provider itself would not send it: it came back, but the address never heard of it."""
    return bool(event["name"] == "email.bounced" and event["data"].get("type") == "rejected")


def email_of(event: Mapping[str, Any]) -> UUID | None:
    """The email that an event names, if the name has the form of one."""
    given = event["data"].get("email_id")
    return given if isinstance(given, UUID) else parse_id(given) if isinstance(given, str) else None


def _move(services: Services, events: Iterable[Mapping[str, Any]]) -> None:
    """Move emails on, each by the strongest of its events; settle what was unknown."""
    wanted = _strongest(events)
    if not wanted:
        return
    keys = sorted(wanted)
    given = {"tenants": [key[0] for key in keys], "ids": [key[1] for key in keys]}
    moves = []
    for row in services.session.execute(LOCK, given):
        event = wanted[row.workspace_id, row.id]
        to, places = MOVES[event["name"]]
        if row.status in places:
            moves.append(_Move(row, to, _note(event) or None))
    if not moves:
        return
    # What was being sent was accepted first.
    _write(
        services, [_Move(each.row, Status.ACCEPTED) for each in moves if each.row.status == Status.SENDING]
    )
    _write(
        services, [each for each in moves if (each.row.status, each.to) != (Status.SENDING, Status.ACCEPTED)]
    )
    _tell_runs(services, [each for each in moves if each.row.status in UNSETTLED])


class _Move(NamedTuple):
    """An email's row as it was locked, its next state, and why."""

    row: Any
    to: Status
    why: str | None = None


def _strongest(events: Iterable[Mapping[str, Any]]) -> dict[tuple[UUID, UUID], Mapping[str, Any]]:
    """Of each email's events the one that MOVES names last."""
    order = list(MOVES)
    found: dict[tuple[UUID, UUID], Mapping[str, Any]] = {}
    for event in events:
        email_id = email_of(event)
        if email_id is None:
            continue
        key = (event["workspace_id"], email_id)
        if key not in found or order.index(event["name"]) > order.index(found[key]["name"]):
            found[key] = event
    return found


def _write(services: Services, moves: Sequence[_Move]) -> None:
    if not moves:
        return
    given = {
        "tenants": [each.row.workspace_id for each in moves],
        "ids": [each.row.id for each in moves],
        "statuses": [each.to.value for each in moves],
        "reasons": [each.why for each in moves],
    }
    services.session.execute(MOVE, given)


def _tell_runs(services: Services, settled: Sequence[_Move]) -> None:
    """A run that still waits for the fate of its email learns that it was accepted."""
    told = [
        stimulus(row.workspace_id, row.id, row.run_id, row.node, row.visit, Status.ACCEPTED, why)
        for row, _, why in settled
        if row.run_id is not None
    ]
    if told:
        add_stimuli(services, told)
        services.nudge("advance")


def _note(event: Mapping[str, Any]) -> str:
    """What the event says, for people."""
    for key in ("diagnostic", "reason", "detail", "feedback"):
        value = event["data"].get(key)
        if isinstance(value, str) and value:
            return value.replace("\x00", "")[:500]
    return ""


def _suppress(services: Services, events: Sequence[Mapping[str, Any]]) -> None:
    if not events:
        return
    services.session.execute(
        SUPPRESS,
        {
            "tenants": [event["workspace_id"] for event in events],
            "new_ids": [new_id() for _ in events],
            "emails": [email_of(event) for event in events],
            "contacts": [event["contact_id"] for event in events],
            "reasons": [BARS[event["name"]] for event in events],
            "notes": [_note(event) for event in events],
        },
    )


def _mark_contacts(services: Services, events: Sequence[Mapping[str, Any]]) -> None:
    """Contacts show it too: their status, and consent where they took it back."""
    from autoloop.businesses.services.effects import ContactChange, apply_changes

    statuses: dict[tuple[UUID, UUID], str] = {}
    denied: dict[tuple[UUID, UUID], str] = {}
    for event in events:
        if event["contact_id"] is None:
            continue
        key = (event["workspace_id"], event["contact_id"])
        statuses[key] = BARS[event["name"]]
        if event["name"] != "email.bounced":
            denied[key] = event["name"]
    if not statuses:
        return
    apply_changes(
        services, [ContactChange(*key, {"status": status}) for key, status in sorted(statuses.items())]
    )
    if denied:
        keys = sorted(denied)
        given = {
            "tenants": [key[0] for key in keys],
            "contacts": [key[1] for key in keys],
            "sources": [denied[key] for key in keys],
        }
        services.session.execute(DENY, given)
