"""COPY: the fastest way in. Values become PostgreSQL's text format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy.orm import Session

__all__ = ["NULL", "array", "copy_in", "copy_lines", "document", "driver"]

# Text format's own \N would make every row with a gap take the slow path of escaping.
NULL = "\x02"
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def driver(session: Session) -> Any:
    """The psycopg connection under the session, in the session's transaction."""
    return session.connection().connection.driver_connection


def copy_lines(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows of text (NULL for none) in the text format of COPY."""
    lines: list[str] = []
    for row in rows:
        line = "\t".join(row)
        if "\\" in line or "\n" in line or "\r" in line or line.count("\t") != len(row) - 1:
            line = "\t".join([value.translate(ESCAPES) for value in row])
        lines.append(line)
    lines.append("")
    return "\n".join(lines).encode()


def copy_in(session: Session, table: str, columns: Sequence[str], lines: bytes) -> None:
    """Write lines into a table. PostgreSQL refuses this where row-level security holds."""
    if lines:
        statement = f"copy {table} ({', '.join(columns)}) from stdin (format text, null E'\\x02')"
        with driver(session).cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(lines)


def array(words: Sequence[str] | None) -> str:
    """A text[] literal."""
    if words is None:
        return NULL
    return _array(tuple(words))


@lru_cache(1024)
def _array(words: tuple[str, ...]) -> str:
    quoted = (word.replace("\\", "\\\\").replace('"', '\\"') for word in words)
    return "{" + ",".join(f'"{word}"' for word in quoted) + "}"


def document(values: Any) -> str:
    """A JSONB literal; NULL where nothing is given."""
    return orjson.dumps(values).decode() if values else NULL
