"""What versions of templates carry along: each content once per workspace, by its hash."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace

__all__ = ["TemplateFile"]


class TemplateFile(InWorkspace, Base):
    """The octets of a file. Names and media types stand in the versions that carry it; never changed."""

    __tablename__ = "email_template_files"
    __table_args__ = (
        Index("uq_email_template_files_workspace_id_hash", "workspace_id", "hash", unique=True),
        CheckConstraint("octet_length(hash) = 32", name="hash"),
    )

    hash: Mapped[bytes] = mapped_column(LargeBinary)
    body: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
