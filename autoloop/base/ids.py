"""uuid7 keys: made here, because PostgreSQL before 18 has none."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

__all__ = ["id_floor", "id_time", "new_id", "parse_id"]


def new_id() -> UUID:
    """A new uuid7 (RFC 9562 §5.7): time-ordered, so that rows written together lie together."""
    return uuid7()


def id_floor(moment: datetime) -> UUID:
    """The smallest uuid7 of a moment: bounds for partitions and for "since" filters."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | (0b10 << 62))


def id_time(key: UUID) -> datetime:
    """When a uuid7 was made, to the millisecond, in UTC."""
    return datetime.fromtimestamp((key.int >> 80) / 1000, UTC)


def parse_id(text: str) -> UUID | None:
    """The id written in canonical form (36 characters, lower case), else None."""
    if len(text) != 36:
        return None
    try:
        key = UUID(text)
    except ValueError:
        return None
    return key if str(key) == text else None
