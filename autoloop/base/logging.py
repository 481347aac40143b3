"""Logs with context: JSON lines in production, short lines for people in development."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pythonjsonlogger.json import JsonFormatter
from sqlalchemy import Engine, event

__all__ = ["configure", "context", "watch_queries"]

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

_context: ContextVar[dict[str, Any] | None] = ContextVar("autoloop_log_context", default=None)


@contextmanager
def context(**values: Any) -> Iterator[None]:
    """Add fields (request_id, run_id, workspace_id …) to every line logged inside."""
    token = _context.set({**(_context.get() or {}), **values})
    try:
        yield
    finally:
        _context.reset(token)


class AddContext(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in (_context.get() or {}).items():
            setattr(record, name, str(value))
        return True


class PlainFormatter(logging.Formatter):
    """`12:00:01 warning autoloop.web  message  request_id=…`"""

    def format(self, record: logging.LogRecord) -> str:
        when = time.strftime("%H:%M:%S", time.localtime(record.created))
        fields = "".join(
            f"  {name}={value}" for name, value in (_context.get() or {}).items() if name != "request_id"
        )
        text = f"{when} {record.levelname.lower():7} {record.name}  {record.getMessage()}{fields}"
        text = CONTROL.sub(lambda found: repr(found[0])[1:-1], text)  # an address may hold a line break
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return text


def configure(log_format: str, level: str) -> None:
    """Set up the root logger of this process: one handler on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(AddContext())
    if log_format == "json":
        handler.setFormatter(
            JsonFormatter(
                "{levelname}{name}{message}",
                style="{",
                timestamp=True,
                rename_fields={"levelname": "level", "name": "logger"},
            )
        )
    else:
        handler.setFormatter(PlainFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("kombu", "celery", "amqp", "httpx", "httpcore", "markdown_it", "dogpile"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


def watch_queries(engine: Engine, slow_ms: int) -> None:
    """Warn about statements slower than this. The text has no values, so it holds no one's data."""
    log = logging.getLogger("autoloop.queries")

    def before(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        conn.info["autoloop_started"] = time.perf_counter()

    def after(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        took = (time.perf_counter() - conn.info.get("autoloop_started", time.perf_counter())) * 1000
        if took > slow_ms:
            log.warning("slow statement, %.0f ms: %s", took, " ".join(statement.split())[:300])

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
