"""What people said about their mail: who says it in this transaction, and the history of it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, insert, select, text

from autoloop.accounts.models import User
from autoloop.base.crypto import Keyring
from autoloop.base.ids import new_id
from autoloop.base.services import Service, Services
from autoloop.businesses.models import ConsentChange, Contact

__all__ = ["Consents", "export_consents", "forget_consents", "said_by"]

TOLD = ("what", "subject", "before", "after", "source", "created_at")
MOST_EXPORTED = 10_000

SAID_BY = text(
    "select set_config('autoloop.said_by', :source, true), set_config('autoloop.said_user', :user, true)"
)
SAID_FROM = text("select set_config('autoloop.said_ip', :ip, true)")
# The contact's and those of the contacts that were merged into it; an array, or no index would serve.
OF_CONTACT = """consent_changes.contact_id = any(cast(:contacts as uuid[]) || array(
  select a.id from contact_aliases a where a.workspace_id = :workspace and a.contact_id = any(cast(:contacts as uuid[]))))"""
LEFT = text(f"""
select distinct on (coalesce(x.contact_id, consent_changes.contact_id), subject) subject, after from consent_changes
left join contact_aliases x on x.workspace_id = consent_changes.workspace_id and x.id = consent_changes.contact_id
where consent_changes.workspace_id = :workspace and what = 'topic' and {OF_CONTACT}
order by coalesce(x.contact_id, consent_changes.contact_id), subject, consent_changes.created_at desc""")
FORGET = text("select autoloop_forget_consents(cast(:contacts as uuid[]))")


def said_by(services: Services, source: str) -> None:
    """Whatever is said about mail from here on in this transaction, was said there (`preferences`, `api`…).

    Triggers on contacts write the history, so that no way of changing them passes it by; they read this.
    """
    given = {"source": source, "user": str(services.user_id or "")}
    services.session.execute(SAID_BY, given)


class Consents(Service):
    """The history of what was said: an entry for each change, by trigger, never changed again."""

    def heard_from(self, address: str) -> None:
        """The IP address that the person speaks from, in this transaction. Only a keyed hash is kept."""
        self.session.execute(SAID_FROM, {"ip": self._ip_hash(address).hex()})

    def note_unsubscribe(self, contact_id: UUID | None, address_hash: bytes, ip: str | None) -> None:
        """The link of an email was used; what it does to the contact follows as an entry of its own."""
        entry = {
            "workspace_id": self.workspace_id,
            "id": new_id(),
            "contact_id": contact_id,
            "address_hash": address_hash,
            "what": "unsubscribe",
            "after": "unsubscribed",
            "source": "unsubscribe",
            "ip_hash": self._ip_hash(ip) if ip else None,
        }
        self.session.execute(insert(ConsentChange).values(entry))

    def rows(self, contact_id: UUID) -> Select[Any]:
        """The contact's entries, those from before it was merged too, with who wrote them down."""
        table = ConsentChange
        mine = text(OF_CONTACT).bindparams(workspace=self.workspace_id, contacts=[contact_id])
        columns = [getattr(table, name) for name in ("id", *TOLD, "user_id")]
        return (
            select(*columns, User.name.label("user_name"), table.ip_hash.is_not(None).label("from_known_ip"))
            .outerjoin(User, User.id == table.user_id)
            .where(table.workspace_id == self.workspace_id, mine)
        )

    def topics_left(self, *contact_ids: UUID) -> set[str]:
        """Topics that one of these contacts subscribed to once, and does not any more."""
        found = self.session.execute(LEFT, {"workspace": self.workspace_id, "contacts": list(contact_ids)})
        return {row.subject for row in found if row.after == "unsubscribed"}

    def lately(self, contact_id: UUID, limit: int = 20) -> Sequence[Any]:
        """The last entries, the newest first."""
        rows = self.rows(contact_id).order_by(ConsentChange.id.desc()).limit(limit)
        return self.session.execute(rows).all()

    def _ip_hash(self, address: str) -> bytes:
        key = Keyring(self.settings.secret_keys).derive("consent addresses")
        return hmac.new(key, self.workspace_id.bytes + address.encode(), hashlib.sha256).digest()


def export_consents(services: Services, contact_id: UUID) -> list[dict[str, Any]]:
    """The exporter "consent_history": everything that was noted, the oldest first."""
    if services.session.get(Contact, (services.workspace_id, contact_id)) is None:
        return []
    rows = services(Consents).rows(contact_id).order_by(ConsentChange.id).limit(MOST_EXPORTED)
    return [{name: getattr(row, name) for name in TOLD} for row in services.session.execute(rows)]


def forget_consents(services: Services, contact_ids: Sequence[UUID]) -> None:
    """The eraser "consents": what proves a yes or a no stays, by the address's hash alone."""
    services.session.flush()
    services.session.execute(FORGET, {"contacts": list(contact_ids)})
