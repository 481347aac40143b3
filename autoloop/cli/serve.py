"""`autoloop serve`: the dashboard and the API, by granian."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from autoloop.cli.configuration import Configuration, find, loader

__all__ = ["THREADS", "command"]

THREADS = 16  # twice the places of `autoloop.web.places`: deliveries of webhooks gather in the others


@click.command("serve")
@click.argument(
    "ini",
    required=False,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="AUTOLOOP_CONFIG",
)
@click.option("--host", help="Address to listen on. Default: [server:main] host, else 127.0.0.1.")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port to listen on. Default: [server:main] port, else 8080."
)
@click.option(
    "--workers", type=click.IntRange(1), help="Processes. Default: the setting autoloop.web_workers."
)
@click.option(
    "--all",
    "whole",
    is_flag=True,
    help="Run workers and a scheduler too: a whole installation, whose processes share their memory.",
)
@click.option("--reload", is_flag=True, help="Start again when the code changes (for developers).")
def command(
    ini: Path | None, host: str | None, port: int | None, workers: int | None, whole: bool, reload: bool
) -> None:
    """Serve the dashboard and the API with the settings in the file INI.

    INI is a PasteDeploy file such as production.ini. SIGTERM finishes the requests under way, then ends.
    """
    from autoloop.base.memory import begin, settle

    begin()
    configuration = find(ini)
    settings = configuration.settings
    server = configuration.section("server:main")
    host = host or server.get("host", "127.0.0.1")
    port = port or int(server.get("port", "8080"))
    if reload:
        import hupper

        # In the parent this never returns: it runs the same command again after each change.
        hupper.start_reloader("autoloop.cli.main").watch_files([str(configuration.path)])
    from autoloop.embedded.ports import see_that_free

    see_that_free(host, port)
    # Made once, here: the forked workers share it, page by page, and start at once.
    application = loader(configuration.path).get_wsgi_app("main")
    processes = workers or (1 if reload else settings.web_workers)
    if whole:
        _whole(application, configuration, host, port, processes)
    else:
        settle()
        _granian(application, host, port, processes)


def _whole(application: Any, configuration: Configuration, host: str, port: int, processes: int) -> None:
    """Web, workers and scheduler, forked from this process."""
    from autoloop.base.logging import watch_queries
    from autoloop.base.memory import settle
    from autoloop.cli.family import Family
    from autoloop.cli.worker import workers

    settings = configuration.settings
    if hasattr(application, "registry"):
        runtime = application.registry.runtime
        watch_queries(runtime.worker_engine, settings.slow_query_ms)
    else:  # something of the INI file's stands before it
        runtime = configuration.runtime()

    def web() -> int:
        _granian(application, host, port, processes)
        return 0

    members = {"web": web, **workers(runtime, settings.worker_processes, scheduler=True)}
    settle()
    Family(members).run()


def _granian(application: Any, host: str, port: int, workers: int) -> None:
    from granian import Granian
    from granian.constants import Interfaces

    from autoloop.embedded.launch import die_with_parent

    parent = os.getpid()

    def load(*_: Any) -> Any:
        """In a worker: the parent's application, with connections of its own, that dies with the parent."""
        die_with_parent(parent)
        return application

    Granian(
        "autoloop",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=THREADS,
        websockets=False,
        log_level="error",  # type: ignore[arg-type]
        respawn_failed_workers=True,
        workers_kill_timeout=8,
    ).serve(target_loader=load, wrap_loader=False)
