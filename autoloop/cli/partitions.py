"""`autoloop partitions`: the months that journals, attempts and events are kept in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autoloop.cli.configuration import config_option, find

if TYPE_CHECKING:
    from autoloop.engine.partitions import Partition

__all__ = ["command"]


@click.command("partitions")
@config_option
@click.option("--drop", is_flag=True, help="Drop now what is past its time, rather than within a day.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def command(config: Path | None, drop: bool, as_json: bool) -> None:
    """Show the months that runs' journals, attempts at mails and events are kept in, and what they take.

    How many are kept says autoloop.journal_months; the scheduler has older ones dropped once a day.
    A month past its time is still there while a run of it goes on, or a mail's fate is unknown.
    """
    from autoloop.engine import partitions

    configuration = find(config)
    with configuration.database():
        runtime = configuration.runtime()
        try:
            dropped = partitions.drop_now(runtime) if drop else []
            months = partitions.listed(runtime)
        finally:
            runtime.dispose()
    if as_json:
        rows = [
            {
                "table": each.table,
                "month": f"{each.month:%Y-%m}",
                "rows": each.rows,
                "bytes": each.bytes,
                "is_over": each.is_over,
            }
            for each in months
        ]
        click.echo(json.dumps({"dropped": dropped, "partitions": rows}, indent=2))
        return
    for name in dropped:
        click.echo(f"Dropped {name}.")
    for each in months:
        _show(each)


def _show(each: Partition) -> None:
    over = "  past its time: held by what is unfinished, or dropped within a day" if each.is_over else ""
    click.echo(
        f"{each.table:<15} {each.month:%Y-%m}  {each.rows:>12,} rows  {each.bytes / 2**20:>9,.1f} MiB{over}"
    )
