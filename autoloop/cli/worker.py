"""`autoloop worker`: processes that do what is due."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from autoloop.cli.configuration import config_option, find

__all__ = ["command"]


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
    configuration = find(config)
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

    runtime = configuration.runtime()
    steps = []
    if scheduler:
        from autoloop.cli.beside import scheduler_beside

        steps.append(scheduler_beside(runtime))
    processes = processes or configuration.settings.worker_processes
    raise SystemExit(run_worker(lambda: runtime, processes=processes, name=name, steps=steps))
