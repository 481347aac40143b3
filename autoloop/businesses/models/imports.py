"""Tables of imports: the file in pieces, how far it got, and every row that was refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, Stamped, tenant_fk
from autoloop.businesses.models.columns import empty_text, one_of

__all__ = ["IMPORT_STATUSES", "IMPORT_TRANSITIONS", "Import", "ImportChunk", "ImportReject"]

IMPORT_TRANSITIONS: dict[str, tuple[str, ...]] = {
    "ready": ("running", "cancelled"),
    "running": ("completed", "failed", "cancelled"),
    "failed": ("running", "cancelled"),
    "completed": (),
    "cancelled": (),
}
IMPORT_STATUSES = tuple(IMPORT_TRANSITIONS)


class Import(InWorkspace, Stamped, Base):
    """A file on its way in. Due while `running`; `bytes_done` is the end of the last row committed.

    `columns` are the file's headers, `mapping` says what each becomes ("" for nothing), `format` how
    the file is to be read. `line` is the number of the next line, counted from 1 as editors do.
    """

    __tablename__ = "imports"
    __table_args__ = (
        Index("idx_imports_due_at", "due_at", postgresql_where=text("due_at is not null")),
        Index(
            "idx_imports_workspace_id_due_at",
            "workspace_id",
            "due_at",
            postgresql_where=text("due_at is not null"),
        ),
        one_of("status", IMPORT_STATUSES),
    )

    file_name: Mapped[str]
    status: Mapped[str] = mapped_column(default="ready", server_default="ready")
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    format: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    columns: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    mapping: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    options: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    bytes_total: Mapped[int] = mapped_column(BigInteger)
    bytes_done: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    line: Mapped[int] = mapped_column(BigInteger, default=1, server_default="1")
    rows_total: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    rows_done: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    problem: Mapped[str] = empty_text()
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")


class ImportChunk(InWorkspace, Base):
    """A piece of an import's file, so that any worker on any machine can go on with it."""

    __tablename__ = "import_chunks"
    __table_args__ = (
        Index("uq_import_chunks_workspace_id_import_id_n", "workspace_id", "import_id", "n", unique=True),
        tenant_fk("import_id", "imports"),
    )

    import_id: Mapped[UUID]
    n: Mapped[int]
    data: Mapped[bytes]


class ImportReject(InWorkspace, Base):
    """A row that was not taken: where it stands in the file, why, and the row as it was."""

    __tablename__ = "import_rejects"
    __table_args__ = (
        Index("idx_import_rejects_workspace_id_import_id_line", "workspace_id", "import_id", "line"),
        tenant_fk("import_id", "imports"),
    )

    import_id: Mapped[UUID]
    line: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]
    cells: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
