"""`autoloop serve`: the dashboard and the API, by granian."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import click

from autoloop.cli.configuration import find

__all__ = ["command"]

_THREADS = 8


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
@click.option("--reload", is_flag=True, help="Start again when the code changes (for developers).")
def command(ini: Path | None, host: str | None, port: int | None, workers: int | None, reload: bool) -> None:
    """Serve the dashboard and the API with the settings in the file INI.

    INI is a PasteDeploy file such as production.ini. SIGTERM finishes the requests under way, then ends.
    """
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
    _granian(str(configuration.path), host, port, workers or (1 if reload else settings.web_workers))


def _granian(path: str, host: str, port: int, workers: int) -> None:
    import plaster
    from granian import Granian
    from granian.constants import Interfaces

    from autoloop.embedded.launch import die_with_parent

    # Made once here: the forked workers share it, page by page, and start at once.
    application = plaster.get_loader(f"file+ini://{path}", protocols=["wsgi"]).get_wsgi_app("main")
    gc.collect()
    gc.freeze()
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
        blocking_threads=_THREADS,
        websockets=False,
        log_level="error",  # type: ignore[arg-type]
        respawn_failed_workers=True,
        workers_kill_timeout=8,
    ).serve(target_loader=load, wrap_loader=False)
