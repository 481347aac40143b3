"""`autoloop demo`: the main job end to end, on data of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

__all__ = ["command"]


@click.command("demo")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the demo's data, emptied at each start. Default: ./var/demo in a clone, else in your data folder.",
)
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port of the dashboard. Default: 8080 if free, else any."
)
@click.option(
    "--exit/--stay", "leave", default=None, help="Stop after the table, or leave the dashboard open."
)
def command(data: Path | None, port: int | None, leave: bool | None) -> None:
    """Walk 3,000 contacts through a three-mail workflow, and show it.

    Starts a stack of its own, imports examples/businesses.csv, publishes “three-step outreach” with seconds in place
    of days, delivers every mail over SMTP to a sink on this machine, and lets the recipients open, answer, bounce and
    unsubscribe. No mail leaves this machine. Ends with a table and leaves the dashboard open; without a terminal, or
    with AUTOLOOP_DEMO_EXIT=1, it stops everything instead. Exits with 1 if anything was lost, doubled, or sent
    that must not be.
    """
    from httpx import HTTPError
    from rich.console import Console

    from autoloop.demo.door import RefusedError
    from autoloop.demo.folder import NotADemoError
    from autoloop.demo.run import Demo
    from autoloop.embedded.places import data_folder

    if leave is None:
        leave = not sys.stdout.isatty() or os.environ.get("AUTOLOOP_DEMO_EXIT", "") not in ("", "0")
    folder = data.expanduser().absolute() if data else data_folder() / "demo"
    demo = Demo(folder, Console(), port or 0, stay=not leave)
    try:
        status = demo.run()
    except NotADemoError as error:
        raise click.ClickException(str(error)) from None
    except (RefusedError, HTTPError) as error:
        raise click.ClickException(f"{error}\nWhat the stack said is in {demo.data}/autoloop.log.") from None
    except KeyboardInterrupt:
        click.echo("Stopped before its end.", err=True)
        status = 130
    raise SystemExit(status)
