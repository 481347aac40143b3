"""Sending domains: the keys mail is signed with, and what the DNS says of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, Stamped, tenant_fk
from autoloop.mail.dkim import ALGORITHMS

__all__ = ["DkimKey", "SendingDomain"]


class SendingDomain(InWorkspace, Stamped, Base):
    """A domain in From. `checks` is what the DNS said last; `next_check_at` when it is asked again."""

    __tablename__ = "sending_domains"
    __table_args__ = (
        Index("uq_sending_domains_workspace_id_name", "workspace_id", "name", unique=True),
        Index("idx_sending_domains_next_check_at", "next_check_at"),
        CheckConstraint("name = lower(name)", name="name_lower"),
    )

    name: Mapped[str]
    verified_at: Mapped[datetime | None]
    checks: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    checked_at: Mapped[datetime | None]
    next_check_at: Mapped[datetime | None]


class DkimKey(InWorkspace, Stamped, Base):
    """One key of a domain. `new` until its record is seen in the DNS, then `active`: it signs.

    A `retired` one signs no more; its record stays published while mail signed with it is under way.
    """

    __tablename__ = "dkim_keys"
    __table_args__: ClassVar = (
        Index("uq_dkim_keys_selector", "workspace_id", "domain_id", "selector", unique=True),
        Index(
            "uq_dkim_keys_active",
            "workspace_id",
            "domain_id",
            "algorithm",
            unique=True,
            postgresql_where=text("status = 'active'"),
        ),
        CheckConstraint("status in ('new', 'active', 'retired')", name="status"),
        CheckConstraint(
            "algorithm in ({})".format(", ".join(f"'{each}'" for each in ALGORITHMS)), name="algorithm"
        ),
        tenant_fk("domain_id", "sending_domains"),
    )

    domain_id: Mapped[UUID]
    selector: Mapped[str]
    algorithm: Mapped[str]
    private: Mapped[bytes]
    record: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="new")
    activated_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]
