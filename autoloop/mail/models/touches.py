"""Opens and clicks of emails, counted."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, tenant_fk

__all__ = ["EmailTouch"]


class EmailTouch(Base):
    """How often one link of one email was followed, by people and by machines; link 0 is the open.

    `turn` tells apart what one link of the template became in a loop, from 0. There is at most one row for
    each place in the email, however often it is touched. `people_at` is the first time by a person.
    """

    __tablename__ = "email_touches"
    __table_args__ = (
        tenant_fk("email_id", "email_logs"),
        Index("idx_email_touches_workspace_id_template_version_id", "workspace_id", "template_version_id"),
    )

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    email_id: Mapped[UUID] = mapped_column(primary_key=True)
    link: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    turn: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    template_version_id: Mapped[UUID | None]
    people: Mapped[int] = mapped_column(server_default="0")
    machines: Mapped[int] = mapped_column(server_default="0")
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    people_at: Mapped[datetime | None]
