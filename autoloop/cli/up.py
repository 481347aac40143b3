"""`autoloop up`: everything on this machine, in one terminal."""

from __future__ import annotations

from pathlib import Path

import click

from autoloop.cli.configuration import EMBEDDED, Configuration, config_option

__all__ = ["command"]


@click.command("up")
@config_option
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for all data. Default: ./var in a clone, else your data folder.",
)
@click.option(
    "--host", help="Address to serve at. Default: [server:main] host of the INI file, else 127.0.0.1."
)
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port to serve at. Default: [server:main] port, else 8080."
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(["web", "worker", "scheduler"]),
    help="Leave a part out, to run it yourself.",
)
@click.option(
    "--python-redis", is_flag=True, help="Use the Redis in Python even if redis-server is installed."
)
@click.option(
    "--log",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the log to this file, not to the terminal.",
)
def command(
    config: Path | None,
    data: Path | None,
    host: str | None,
    port: int | None,
    without: tuple[str, ...],
    python_redis: bool,
    log: Path | None,
) -> None:
    """Start everything on this machine: database, Redis, web, worker, scheduler.

    The database is a real PostgreSQL in the data folder; nothing needs to be installed or set up.
    Ctrl-C stops all of it, and the data stays. The first start prints a link to become its owner.
    """
    from autoloop.embedded.console import Console
    from autoloop.embedded.stack import Stack

    configuration = _configuration(config, data)
    folder = data.absolute() if data else configuration.data
    server = configuration.section("server:main")
    stack = Stack(
        data=folder,
        config=configuration.path,
        host=host or server.get("host", "127.0.0.1"),
        port=port or int(server.get("port", "8080")),
        without=frozenset(without),
        pure_redis=python_redis,
    )
    if host or port or "autoloop.public_url" not in configuration.application:
        stack.environment["AUTOLOOP_PUBLIC_URL"] = stack.url
    if log is not None:
        with log.open("a", buffering=1) as stream:
            stack.console = Console(stream)
            raise SystemExit(stack.run())
    raise SystemExit(stack.run())


def _configuration(config: Path | None, data: Path | None) -> Configuration:
    """The INI file named, else the clone's, else that of the data folder, made if there is none."""
    from autoloop.embedded.first_config import see_to_config
    from autoloop.embedded.places import clone, data_folder

    root = clone()
    if config is None and root is not None and (data is None or data.absolute() == root / "var"):
        config = root / "development.ini"
    configuration = Configuration((config or see_to_config(data_folder(data))).absolute())
    if not configuration.embedded:
        raise click.UsageError(
            f"{config} does not say “use = {EMBEDDED}”: it is for databases of your own. "
            "Start its parts with `autoloop serve`, `autoloop worker` and `autoloop scheduler`."
        )
    return configuration
