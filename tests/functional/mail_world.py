"""What tests of mail stand on: a workspace with a sender, an SMTP sink behind it, and emails to send."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text

from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.businesses.models import Contact
from autoloop.mail.models import Email, ProviderAccount, Sender
from tests.factories import Tenant

__all__ = ["MailWorld"]


@dataclass
class MailWorld:
    """One tenant that can send. Without a port, its mail goes to the mailbox."""

    runtime: Runtime
    tenant: Tenant
    port: int | None = None
    connections: int = 4
    sender: dict[str, Any] = field(default_factory=dict)
    sender_id: UUID = field(default_factory=new_id)
    account_id: UUID = field(default_factory=new_id)

    def __post_init__(self) -> None:
        smtp = {"host": "127.0.0.1", "port": self.port, "security": "none", "connections": self.connections}
        smtp |= {"username": "", "password": "", "greeting_name": "localhost", "ca_certificate": ""}
        with self.runtime.unit("web", self.tenant.id) as services:
            services.session.add(
                ProviderAccount(
                    id=self.account_id,
                    workspace_id=self.tenant.id,
                    name="test",
                    provider="smtp" if self.port else "mailbox",
                    config=smtp if self.port else {},
                    is_default=True,
                )
            )
            services.session.flush()
            services.session.add(
                Sender(
                    id=self.sender_id,
                    workspace_id=self.tenant.id,
                    name="Ada",
                    address=f"ada@{self.tenant.slug}.example",
                    is_default=True,
                    **self.sender,
                )
            )

    def contact(self, address: str, **more: Any) -> UUID:
        id = new_id()
        with self.runtime.unit("web", self.tenant.id) as services:
            services.session.add(
                Contact(
                    id=id, workspace_id=self.tenant.id, email=address, email_normal=address.lower(), **more
                )
            )
        return id

    def intend(self, count: int = 1, **more: Any) -> list[UUID]:
        """Emails that are due now; `to_address` may hold {n}."""
        given: dict[str, Any] = {
            "kind": "transactional",
            "sender_id": self.sender_id,
            "content": {"subject": "Hello", "text": "Hello there.\n"},
        } | more
        to = given.pop("to_address", "person{n}@example.org")
        ids = [new_id() for _ in range(count)]
        with self.runtime.unit("web", self.tenant.id) as services:
            now = services.session.execute(text("select now()")).scalar_one()
            for n, id in enumerate(ids):
                row = {
                    "id": id,
                    "workspace_id": self.tenant.id,
                    "send_key": f"test:{id}",
                    "due_at": now,
                    **given,
                }
                services.session.add(Email(to_address=to.format(n=n), **row))
        return ids

    def rows(self, *ids: UUID) -> list[Email]:
        with self.runtime.unit("web", self.tenant.id) as services:
            query = (
                services.session.query(Email).where(Email.workspace_id == self.tenant.id).order_by(Email.id)
            )
            return query.where(Email.id.in_(ids)).all() if ids else query.all()

    def sql(self, statement: str, **values: Any) -> Any:
        """One statement on this tenant's rows, as its worker; rows, if it gives any."""
        with self.runtime.unit("worker") as services:
            result = services.session.execute(text(statement), {"w": self.tenant.id} | values)
            return result.all() if result.returns_rows else None

    def make_due(self) -> None:
        """Time passes: every intent of this tenant is due."""
        self.sql(
            "update email_logs set due_at = now(), lease_until = null where workspace_id = :w and status = 'intent'"
        )
        self.sql("update provider_accounts set rest_until = null where workspace_id = :w")
