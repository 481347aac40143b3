"""Rows of the installation itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base

__all__ = ["SchedulerTick"]


class SchedulerTick(Base):
    """When a scheduler last looked for due work: a single row."""

    __tablename__ = "scheduler_ticks"
    __table_args__ = (CheckConstraint("single", name="single"),)

    single: Mapped[bool] = mapped_column(primary_key=True, default=True)
    seen_at: Mapped[datetime]
