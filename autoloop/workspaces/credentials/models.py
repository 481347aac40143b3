"""The table of credentials."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, Stamped

__all__ = ["Credential"]


class Credential(InWorkspace, Stamped, Base):
    """A named secret. `config` is what may be shown, `secrets` is sealed for this row alone."""

    __tablename__ = "credentials"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    name: Mapped[str]
    kind: Mapped[str]
    config: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    secrets: Mapped[bytes]
    last_used_at: Mapped[datetime | None]
