"""`autoloop worker`: processes that do what is due."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autoloop.cli.configuration import config_option, find

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["command", "workers"]


@click.command("worker")
@config_option
@click.option("--processes", type=click.IntRange(1), help="Default: the setting autoloop.worker_processes.")
@click.option(
    "--name", default="worker", show_default=True, help="Name in logs, if several run on one machine."
)
@click.option("--scheduler", "-B", is_flag=True, help="Run a scheduler beside it, in a process of its own.")
def command(config: Path | None, processes: int | None, name: str, scheduler: bool) -> None:
    """Run worker processes that do what is due: advance runs, send mail, import files.

    Run as many as you like, on as many machines. SIGTERM finishes the batches under way, then ends;
    a worker killed at any moment loses nothing.
    """
    from autoloop.base.memory import begin, settle

    begin()
    configuration = find(config)
    runtime = configuration.runtime()
    from autoloop.cli.family import Family

    members = workers(
        runtime, processes or configuration.settings.worker_processes, name, scheduler=scheduler
    )
    settle()
    Family(members).run()


def workers(
    runtime: Runtime, processes: int, name: str = "worker", *, scheduler: bool
) -> dict[str, Callable[[], int]]:
    """Workers, and a scheduler if asked, by name: members of a family that share all that is loaded by now."""
    import warnings

    # Celery warns of root because pickle would run code; ours takes JSON only.
    warnings.filterwarnings("ignore", module="celery.platforms")
    from autoloop.base.tasks import load_worker, run_worker
    from autoloop.cli.scheduler import schedule

    load_worker()
    members: dict[str, Callable[[], int]] = {
        each: partial(run_worker, runtime, each) for each in (f"{name}-{n + 1}" for n in range(processes))
    }
    if scheduler:
        members["scheduler"] = partial(schedule, lambda: runtime)
    return members
