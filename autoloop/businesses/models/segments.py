"""Tables of segments: saved filters over contacts, who is in them, and whose answer may have changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, Stamped, tenant_fk
from autoloop.businesses.models.columns import empty_text, one_of

__all__ = ["SEGMENT_STATUSES", "Segment", "SegmentChange", "SegmentMember"]

SEGMENT_STATUSES = ("building", "ready", "broken")


class Segment(InWorkspace, Stamped, Base):
    """A saved filter. `building` until its members are those of its condition; `broken` says in `problem` why not.

    `announce` tells of the differences that the next build finds; `barrier` is the transaction from which
    on every writer knows of the segment as it is. `event_names` and `reads_business` say what touches it.
    """

    __tablename__ = "segments"
    __table_args__ = (
        UniqueConstraint("workspace_id", "name"),
        Index("idx_segments_building", "workspace_id", postgresql_where=text("status = 'building'")),
        Index("idx_segments_user_id", "user_id"),
        one_of("status", SEGMENT_STATUSES),
    )

    name: Mapped[str]
    description: Mapped[str] = empty_text()
    condition: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(default="building", server_default="building")
    problem: Mapped[str] = empty_text()
    announce: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    barrier: Mapped[str | None]
    event_names: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    reads_business: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    member_count: Mapped[int] = mapped_column(default=0, server_default="0")
    built_at: Mapped[datetime | None]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))


class SegmentMember(Base):
    """A contact in a segment; or one that is not (`is_member` false), but may be at `next_check_at`
    without anything happening to it."""

    __tablename__ = "segment_members"
    __table_args__ = (
        tenant_fk("segment_id", "segments"),
        tenant_fk("contact_id", "business_contacts"),
        Index(
            "idx_segment_members_members",
            "workspace_id",
            "segment_id",
            "contact_id",
            postgresql_where=text("is_member"),
        ),
        Index("idx_segment_members_contact_id", "workspace_id", "contact_id"),
        Index(
            "idx_segment_members_next_check_at",
            "next_check_at",
            postgresql_where=text("next_check_at is not null"),
        ),
    )

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    segment_id: Mapped[UUID] = mapped_column(primary_key=True)
    contact_id: Mapped[UUID] = mapped_column(primary_key=True)
    is_member: Mapped[bool]
    entered_at: Mapped[datetime | None]
    next_check_at: Mapped[datetime | None]


class SegmentChange(Base):
    """Something happened to a contact: the segments of its workspace ask again. Written by triggers.

    No foreign keys: contacts that go with their whole workspace are noted too, when it is gone already.
    """

    __tablename__ = "segment_changes"

    workspace_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    contact_id: Mapped[UUID]
    chain: Mapped[int] = mapped_column(SmallInteger, server_default="0")
