"""`autoloop scheduler`: looks for what is due and tells the workers."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autoloop.cli.configuration import config_option, find

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["command", "schedule"]


@click.command("scheduler")
@config_option
def command(config: Path | None) -> None:
    """Look for what is due, at most a second apart, and tell the workers.

    Several may run. With none, nothing timed starts; all is caught up when one returns.
    """
    raise SystemExit(schedule(lambda: find(config).runtime()))


def schedule(make_runtime: Callable[[], Runtime]) -> int:
    """Be a scheduler until SIGTERM; returns the exit status."""
    stop = threading.Event()

    def asked(*_: Any) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, asked)
    signal.signal(signal.SIGINT, asked)  # both first: loading takes a second or two
    from autoloop.base import scheduler

    runtime = make_runtime()
    try:
        scheduler.run(runtime, stop)
    finally:
        runtime.dispose()
    return 0
