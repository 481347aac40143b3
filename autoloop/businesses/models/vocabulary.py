"""Tables of what a workspace may say about its records: custom fields, tags, topics."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from autoloop.base.db import Base, InWorkspace, Stamped
from autoloop.businesses.models.columns import empty_text, one_of

__all__ = ["FIELD_KINDS", "FIELD_TARGETS", "FieldDefinition", "Tag", "Topic"]

FIELD_KINDS = ("text", "number", "boolean", "date", "choice")
FIELD_TARGETS = ("contact", "business")
KEY_SHAPE = "key ~ '^[a-z][a-z0-9_]{0,62}$'"


class FieldDefinition(InWorkspace, Stamped, Base):
    """A custom field of contacts or of businesses, and what it may hold."""

    __tablename__ = "field_definitions"
    __table_args__ = (
        Index("uq_field_definitions_workspace_id_target_key", "workspace_id", "target", "key", unique=True),
        one_of("target", FIELD_TARGETS),
        one_of("kind", FIELD_KINDS),
        CheckConstraint(KEY_SHAPE, name="key_shape"),
    )

    target: Mapped[str]
    key: Mapped[str]
    title: Mapped[str]
    kind: Mapped[str]
    choices: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    position: Mapped[int] = mapped_column(default=0, server_default="0")


class Tag(InWorkspace, Stamped, Base):
    """A tag that contacts and businesses may carry. They carry its name."""

    __tablename__ = "tags"
    __table_args__ = (Index("uq_tags_workspace_id_name", "workspace_id", "name", unique=True),)

    name: Mapped[str]
    color: Mapped[str] = empty_text()


class Topic(InWorkspace, Stamped, Base):
    """Something a contact may subscribe to. Contacts carry its key, which never changes."""

    __tablename__ = "topics"
    __table_args__ = (
        Index("uq_topics_workspace_id_key", "workspace_id", "key", unique=True),
        CheckConstraint(KEY_SHAPE, name="key_shape"),
    )

    key: Mapped[str]
    name: Mapped[str]
    description: Mapped[str] = empty_text()
    is_public: Mapped[bool] = mapped_column(default=True, server_default="true")
