"""When old partitions are looked at next."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base

__all__ = ["PartitionTurn"]


class PartitionTurn(Base):
    """When months past their time are next dropped: a single row, held by whoever does it."""

    __tablename__ = "partition_turns"
    __table_args__ = (CheckConstraint("single", name="single"),)

    single: Mapped[bool] = mapped_column(primary_key=True, default=True)
    due_at: Mapped[datetime]
