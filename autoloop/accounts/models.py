"""Tables of people: accounts, sessions, keys, claim links, failed sign-ins, the installation's audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, Identified, Stamped

__all__ = ["ApiKey", "AuditEvent", "Claim", "Session", "SignInFailure", "User"]


class User(Identified, Stamped, Base):
    """A person. `email` is kept in lower case; no password means that they cannot sign in by one."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        Index("idx_users_email", "email", unique=True),
        Index("idx_users_created_at", "created_at"),
    )

    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str | None]
    is_admin: Mapped[bool] = mapped_column(default=False, server_default="false")
    locale: Mapped[str] = mapped_column(default="en", server_default="en")
    timezone: Mapped[str] = mapped_column(default="UTC", server_default="UTC")
    deactivated_at: Mapped[datetime | None]


class Session(Identified, Base):
    """One browser that is signed in. Read at each request, so that ending it takes hold at once."""

    __tablename__ = "sessions"
    __table_args__ = (Index("idx_sessions_user_id", "user_id"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    method: Mapped[str]
    refresh_hash: Mapped[bytes]
    previous_hash: Mapped[bytes | None]
    rotated_at: Mapped[datetime]
    epoch: Mapped[int] = mapped_column(default=1, server_default="1")
    user_agent: Mapped[str] = mapped_column(default="", server_default="")
    address: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_seen_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class SignInFailure(Base):
    """Failed attempts for an address, whether or not it has an account: both are delayed alike."""

    __tablename__ = "sign_in_failures"
    __table_args__ = (Index("idx_sign_in_failures_last_at", "last_at"),)

    email_hash: Mapped[bytes] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    last_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]


class ApiKey(Identified, Base):
    """A key of an outside service to one workspace, with the rights of its user at the most."""

    __tablename__ = "api_keys"
    __table_args__ = (
        Index("idx_api_keys_workspace_id", "workspace_id"),
        Index("idx_api_keys_user_id", "user_id"),
        Index("idx_api_keys_prefix", "prefix", unique=True),
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str]
    prefix: Mapped[str]
    secret_hash: Mapped[bytes]
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Claim(Identified, Base):
    """A one-time link by which the first person takes the installation."""

    __tablename__ = "claims"
    __table_args__ = (Index("idx_claims_token_hash", "token_hash", unique=True),)

    token_hash: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class AuditEvent(Identified, Base):
    """What changed accounts, sign-in or the installation. Rows are added, never changed."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("idx_audit_events_created_at", "created_at"),
        Index("idx_audit_events_user_id", "user_id"),
        {"info": {"append_only": True}},
    )

    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    action: Mapped[str]
    subject: Mapped[str] = mapped_column(default="", server_default="")
    data: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
