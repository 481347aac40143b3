"""Tables and engines: naming, column types, tenant keys, sessions, and what may be retried."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import orjson
from pyramid_retry import mark_error_retryable
from sqlalchemy import (
    DateTime,
    Engine,
    ForeignKey,
    ForeignKeyConstraint,
    MetaData,
    Text,
    create_engine,
    event,
    func,
    text,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, declared_attr, mapped_column
from sqlalchemy.orm import sessionmaker as make_sessionmaker

from autoloop.base.ids import new_id
from autoloop.base.plans import keep_fresh

__all__ = [
    "Base",
    "Identified",
    "InWorkspace",
    "Stamped",
    "engine_for",
    "enter_workspace",
    "sessions_for",
    "tenant_fk",
]

CONVENTION = {
    "ix": "idx_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """All tables. `str` is text, `datetime` is timestamptz in UTC, `dict` and `list` are JSONB."""

    metadata = MetaData(naming_convention=CONVENTION)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(none_as_null=True),
        list[Any]: JSONB(none_as_null=True),
        list[str]: JSONB(none_as_null=True),
        UUID: UuidType(),
    }


class Identified:
    """A row of the instance: its key is a uuid7."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)


class InWorkspace:
    """A row of one tenant. The key is (workspace_id, id), so that references cannot leave the tenant."""

    @declared_attr
    def workspace_id(cls) -> Mapped[UUID]:  # noqa: N805 - SQLAlchemy calls it with the class
        return mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True, sort_order=-2)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-1)


class Stamped:
    """When the row was made and last changed. In UTC, by the database."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=900)
    updated_at: Mapped[datetime] = mapped_column(
        server_default=func.now(), onupdate=func.now(), sort_order=901
    )


def tenant_fk(column: str, table: str, ondelete: str = "CASCADE", **options: Any) -> ForeignKeyConstraint:
    """A reference inside the tenant: (workspace_id, column) → table.

    `ondelete="SET NULL"` clears the column only, never the workspace (PostgreSQL ≥ 15).
    """
    action = f"SET NULL ({column})" if ondelete == "SET NULL" else ondelete
    return ForeignKeyConstraint(
        ["workspace_id", column], [f"{table}.workspace_id", f"{table}.id"], ondelete=action, **options
    )


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()


def engine_for(
    url: str, *, pool_size: int = 5, max_overflow: int = 5, options: str = "", **rest: Any
) -> Engine:
    """An engine on psycopg 3 with UTC, JSON through orjson, and pings of idle connections.

    `options` are server settings for each connection, as libpq takes them ("-c name=value").
    """
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_pre_ping=True,
        pool_recycle=1800,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
        connect_args={"options": f"-c timezone=UTC {options}".strip(), "connect_timeout": 5},
        **rest,
    )
    event.listen(engine, "handle_error", _mark_retryable)
    keep_fresh(engine)
    return engine


def _mark_retryable(context: ExceptionContext) -> None:
    """Let pyramid_retry repeat what PostgreSQL asks to repeat (SQLSTATE class 40).

    A serialization failure at commit surfaces after zope.sqlalchemy looked, so the exception
    is tagged here, where every database error passes.
    """
    state = getattr(context.original_exception, "sqlstate", None) or ""
    if state.startswith("40"):
        for error in (context.original_exception, context.sqlalchemy_exception):
            if error is not None:
                mark_error_retryable(error)


def sessions_for(engine: Engine) -> make_sessionmaker[Session]:
    """Sessions that keep row-level security's workspace across the transactions they open."""
    maker = make_sessionmaker(engine, expire_on_commit=False)
    event.listen(maker, "after_begin", _set_workspace)
    return maker


def _set_workspace(session: Session, _transaction: Any, connection: Any) -> None:
    workspace = session.info.get("workspace_id")
    if workspace is not None:
        connection.execute(_SET_WORKSPACE, {"workspace": str(workspace)})


_SET_WORKSPACE = text("select set_config('autoloop.workspace', :workspace, true)")


def enter_workspace(session: Session, workspace_id: UUID | None) -> None:
    """From here on the session sees this tenant's rows only (none at all with None)."""
    session.info["workspace_id"] = workspace_id
    if session.in_transaction():
        session.execute(_SET_WORKSPACE, {"workspace": str(workspace_id) if workspace_id else ""})
