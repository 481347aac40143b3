"""Two contacts become one: the older id survives, and everything of the other follows it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from autoloop.base.errors import Invalid
from autoloop.base.events import Event, emit
from autoloop.base.i18n import _
from autoloop.base.services import Services
from autoloop.businesses.models import Contact, ContactAlias
from autoloop.businesses.services.consents import Consents, said_by
from autoloop.businesses.services.records import changed_names
from autoloop.workspaces.services import WorkspaceAudit

__all__ = ["merge_contacts"]

FILLED = (
    "business_id",
    "email",
    "external_id",
    "first_name",
    "last_name",
    "title",
    "phone",
    "timezone",
    "locale",
)
FILLED_BY = {"email": ("email", "email_normal")}
# The later, the stricter.
CONSENTS = ("granted", "unknown", "denied")
STATUSES = ("active", "archived", "bounced", "unsubscribed", "complained")


def merge_contacts(services: Services, one: Contact, two: Contact) -> Contact:
    """Make one of two contacts; gives the survivor, the one with the older id. Raises Invalid if they are one.

    What the survivor has stays, what it has not is taken from the other; tags and topics are united, but for
    topics that one of the two has left, and of consent and status the stricter counts. Runs, events and emails follow (`registrations.mergers`); the
    other's id leads to the survivor from now on.
    """
    if one.id == two.id:
        raise Invalid(details={"other": [_("This is the same contact.")]})
    keep, gone = sorted((one, two), key=lambda row: row.id)
    kept, other = keep.id, gone.id
    said_by(services, "merge")
    _move(services, kept, other)
    _lock(services, kept, other)
    _move(services, kept, other)  # what came in before the lock; nothing can come in after it
    left = services(Consents).topics_left(kept, other)
    changed, lost = _united(keep, gone, left), _name(gone)
    names = changed_names(changed, keep.fields, changed.get("fields", keep.fields))
    _remove(services, kept, other)
    for name, value in changed.items():
        setattr(keep, name, value)
    keep.updated_at = func.now()  # also if nothing else changed: its events may matter to segments
    services.session.flush()
    services(WorkspaceAudit).note("contact.merged", subject=lost, kept=str(kept), other=str(other))
    _tell(services, kept, other, names)
    return keep


def _move(services: Services, keep: UUID, gone: UUID) -> None:
    """In the order in which rows are locked everywhere: events and runs, then emails."""
    for name in ("engine", "mail", *sorted(set(services.registrations.mergers) - {"engine", "mail"})):
        mover = services.registrations.mergers.get(name)
        if mover is not None:
            mover(services, keep, gone)


def _lock(services: Services, *ids: UUID) -> None:
    """For good: a run or an email that refers to a contact is inserted before this or not at all."""
    mine = select(Contact).where(Contact.workspace_id == services.workspace_id, Contact.id.in_(ids))
    held = services.session.scalars(
        mine.order_by(Contact.id).with_for_update().execution_options(populate_existing=True)
    ).all()
    if len(held) != len(ids):
        raise Invalid(details={"other": [_("There is no such contact any more.")]})


def _united(keep: Contact, gone: Contact, left: Collection[str]) -> dict[str, Any]:
    """What the survivor takes over, by column. Topics of `left` are not subscribed to again."""
    found: dict[str, Any] = {}
    for name in FILLED:
        if not getattr(keep, name) and getattr(gone, name):
            found |= {column: getattr(gone, column) for column in FILLED_BY.get(name, (name,))}
    fields = _filled(keep.fields, gone.fields)
    if fields != keep.fields:
        found["fields"] = fields
    for name in ("tags", "topics"):
        words = sorted(
            {*getattr(keep, name), *getattr(gone, name)} - (set(left) if name == "topics" else set())
        )
        if words != sorted(getattr(keep, name)):
            found[name] = words
    if CONSENTS.index(gone.consent_marketing) > CONSENTS.index(keep.consent_marketing):
        found |= {name: getattr(gone, name) for name in ("consent_marketing", "consent_at", "consent_source")}
    if CONSENTS.index(gone.consent_tracking) > CONSENTS.index(keep.consent_tracking):
        found["consent_tracking"] = gone.consent_tracking
    if STATUSES.index(gone.status) > STATUSES.index(keep.status):
        found["status"] = gone.status
    return found


def _filled(held: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {**other, **{key: value for key, value in held.items() if value not in (None, "")}}


def _remove(services: Services, keep: UUID, gone: UUID) -> None:
    session, here = services.session, services.workspace_id
    session.execute(
        update(ContactAlias)
        .where(ContactAlias.workspace_id == here, ContactAlias.contact_id == gone)
        .values(contact_id=keep)
    )
    session.execute(
        delete(Contact)
        .where(Contact.workspace_id == here, Contact.id == gone)
        .execution_options(synchronize_session="fetch")
    )
    session.execute(
        insert(ContactAlias).values(workspace_id=here, id=gone, contact_id=keep).on_conflict_do_nothing()
    )


def _name(row: Contact) -> str:
    return row.email or f"{row.first_name} {row.last_name}".strip() or row.external_id or str(row.id)


def _tell(services: Services, keep: UUID, gone: UUID, names: Sequence[str]) -> None:
    emit(
        services,
        [
            Event(services.workspace_id, "contact.merged", keep, {"other": str(gone)}),
            Event(services.workspace_id, "contact.updated", keep, {"source": "merge", "fields": names}),
        ],
    )
    services.nudge("route")
    services.changed("contacts")
