"""Tables of tenants: workspaces, the slugs they had, members, generations, audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, Identified, InWorkspace, Stamped
from autoloop.workspaces.mail_limits import health_of

__all__ = [
    "ROLE_NAMES",
    "Credential",
    "Generation",
    "Invitation",
    "Member",
    "Notification",
    "Workspace",
    "WorkspaceAudit",
    "WorkspaceSlug",
]

ROLE_NAMES = ("viewer", "editor", "admin", "owner")


class Workspace(Identified, Stamped, Base):
    """A tenant. The built-in one that system mail belongs to has `is_system`, and nobody can open it."""

    __tablename__ = "workspaces"
    __table_args__ = (
        CheckConstraint(
            "slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) between 2 and 40", name="slug_shape"
        ),
        Index("idx_workspaces_slug", "slug", unique=True),
        Index("idx_workspaces_is_system", "is_system", unique=True, postgresql_where="is_system"),
    )

    slug: Mapped[str]
    name: Mapped[str]
    postal_address: Mapped[str] = mapped_column(default="", server_default="")
    timezone: Mapped[str] = mapped_column(default="UTC", server_default="UTC")
    locale: Mapped[str] = mapped_column(default="en", server_default="en")
    is_system: Mapped[bool] = mapped_column(default=False, server_default="false")
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")

    @property
    def holidays(self) -> list[str]:
        """Days on which nobody works, as ISO dates in their order."""
        return list((self.settings or {}).get("holidays") or [])

    @holidays.setter
    def holidays(self, days: list[str]) -> None:
        self.settings = {**(self.settings or {}), "holidays": sorted(set(days))}

    @property
    def working_days(self) -> list[int]:
        """Weekdays on which people work; Monday is 1."""
        return list((self.settings or {}).get("working_days") or [1, 2, 3, 4, 5])

    @working_days.setter
    def working_days(self, days: list[int]) -> None:
        self.settings = {**(self.settings or {}), "working_days": sorted(days)}

    @property
    def tracking(self) -> str:
        """Of which mail opens and clicks may be recorded, of contacts who agree: off, marketing, all."""
        return str((self.settings or {}).get("tracking") or "off")

    @tracking.setter
    def tracking(self, mode: str) -> None:
        self.settings = {**(self.settings or {}), "tracking": mode}

    @property
    def company_cap(self) -> dict[str, Any] | None:
        """{"count", "days", "over"}: a company's share of marketing mail; None has no limit."""
        return (self.settings or {}).get("company_cap")

    @company_cap.setter
    def company_cap(self, cap: dict[str, Any] | None) -> None:
        rest = {key: value for key, value in (self.settings or {}).items() if key != "company_cap"}
        self.settings = rest if cap is None else {**rest, "company_cap": cap}

    @property
    def sender_health(self) -> dict[str, float] | None:
        """{"complaints", "bounces", "least", "days"}: what pauses a sender; None: nothing does."""
        return health_of(self.settings)

    @sender_health.setter
    def sender_health(self, health: dict[str, float] | None) -> None:
        self.settings = {**(self.settings or {}), "sender_health": health}


class WorkspaceSlug(Base):
    """A slug that a workspace had before: its addresses still lead there."""

    __tablename__ = "workspace_slugs"
    __table_args__ = (Index("idx_workspace_slugs_workspace_id", "workspace_id"),)

    slug: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Member(Base):
    """A person in a workspace, with a role."""

    __tablename__ = "members"
    __table_args__ = (
        CheckConstraint("role in ('viewer', 'editor', 'admin', 'owner')", name="role"),
        Index("idx_members_user_id", "user_id"),
    )

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str]
    mail_notices: Mapped[bool] = mapped_column(default=True, server_default="true")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class Generation(Base):
    """How often what is cached of a resource became stale. Numbers only, and no tenant's data."""

    __tablename__ = "generations"

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    resource: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)


class WorkspaceAudit(InWorkspace, Base):
    """What changed rights or secrets of a workspace. Rows are added, never changed."""

    __tablename__ = "workspace_audit"
    __table_args__ = (
        Index("idx_workspace_audit_workspace_id_created_at", "workspace_id", "created_at"),
        {"info": {"append_only": True}},
    )

    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    action: Mapped[str]
    subject: Mapped[str] = mapped_column(default="", server_default="")
    data: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


# The tables of the rooms below; they refer to those above.
from autoloop.workspaces.credentials.models import Credential  # noqa: E402
from autoloop.workspaces.invitations.models import Invitation  # noqa: E402
from autoloop.workspaces.notifications.models import Notification  # noqa: E402
