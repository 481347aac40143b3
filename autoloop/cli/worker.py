"""`autoloop worker`: processes that do what is due."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autoloop.cli.configuration import config_option, find

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["command", "work"]


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
    from autoloop.base.memory import begin

    begin()
    configuration = find(config)
    runtime = configuration.runtime()
    raise SystemExit(
        work(runtime, processes or configuration.settings.worker_processes, name, scheduler=scheduler)
    )


def work(runtime: Runtime, processes: int, name: str = "worker", *, scheduler: bool = False) -> int:
    """Be a worker until SIGTERM, with a scheduler beside it if asked; returns the exit status."""
    import warnings

    # Celery warns of root because pickle would run code; ours takes JSON only.
    warnings.filterwarnings("ignore", module="celery.platforms")
    from celery.signals import worker_process_init

    from autoloop.base.tasks import run_worker

    parent = os.getpid()

    @worker_process_init.connect(weak=False)
    def end_with_parent(**_: Any) -> None:
        from autoloop.embedded.launch import die_with_parent

        die_with_parent(parent)

    steps = []
    if scheduler:
        from autoloop.cli.beside import scheduler_beside

        steps.append(scheduler_beside(runtime))
    return run_worker(lambda: runtime, processes=processes, name=name, steps=steps)
