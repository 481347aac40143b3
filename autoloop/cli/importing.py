"""`autoloop import`: a CSV file of businesses and contacts, from the command line."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from autoloop.cli.configuration import config_option, find
from autoloop.cli.workspaces import enter

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["command"]

_PIECE = 1024 * 1024


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@config_option
@click.option("-w", "--workspace", metavar="SLUG", help="Where to. May be left out if there is only one.")
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="COLUMN=TARGET",
    help="What a column becomes, where the guess is wrong; nothing after = leaves it out.",
)
@click.option(
    "--consent",
    type=click.Choice(["unknown", "granted", "denied"]),
    help="Marketing consent where the file does not say.",
)
@click.option("--tag", "tags", multiple=True, help="A tag for every contact of this file.")
@click.option("--keep-existing", is_flag=True, help="Only add; leave those that are known as they are.")
@click.option(
    "--dry-run", is_flag=True, help="Try it on the first rows, show what would happen, change nothing."
)
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the rows that were refused to this CSV file.",
)
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def command(
    file: Path,
    config: Path | None,
    workspace: str | None,
    mapping: tuple[str, ...],
    consent: str | None,
    tags: tuple[str, ...],
    keep_existing: bool,
    dry_run: bool,
    rejects: Path | None,
    as_json: bool,
) -> None:
    """Import businesses and contacts from the CSV FILE.

    Columns are recognised by their titles; --dry-run shows how. Known contacts are updated by email address or
    external id. Rows that cannot be taken are kept with their line and the reason. The import goes on in a worker
    if this command is ended. Exits with 1 if the import failed as a whole.

    \b
    Example: autoloop import customers.csv -w acme --map "Company=business.name" --tag 2026-fair
    """
    options: dict[str, Any] = {"tags": list(tags), "update_existing": not keep_existing}
    if consent:
        options["consent"] = consent
    configuration = find(config)
    with configuration.database():
        runtime = configuration.runtime()
        try:
            made = _take(runtime, file, workspace, _changes(mapping), options, dry_run=dry_run)
            if dry_run:
                _show_preview(made, as_json=as_json)
                return
            result = _follow(runtime, made["workspace_id"], made["id"], quiet=as_json)
            if rejects is not None:
                _write_rejects(runtime, made["workspace_id"], made["id"], rejects)
        finally:
            runtime.dispose()
    if as_json:
        click.echo(json.dumps(result))
    else:
        _show(result, rejects)
    raise SystemExit(0 if result["status"] == "completed" else 1)


def _changes(mapping: tuple[str, ...]) -> dict[str, str]:
    changes = {}
    for each in mapping:
        column, sign, target = each.rpartition("=")
        if not sign:
            raise click.UsageError(f"--map needs COLUMN=TARGET, not “{each}”.")
        changes[column] = target.strip()
    return changes


class _TakenBackError(Exception):
    """Ends a transaction that is not to be kept."""


def _take(
    runtime: Runtime,
    file: Path,
    workspace: str | None,
    changes: Mapping[str, str],
    options: dict[str, Any],
    *,
    dry_run: bool,
) -> dict[str, Any]:
    """Store the file and start the import; or, as a dry run, only say what it would do."""
    from autoloop.businesses.services.imports import Imports

    told: dict[str, Any] = {}
    try:
        with runtime.unit("web") as services:
            told["workspace_id"] = enter(services, workspace)
            imports = services(Imports)
            with file.open("rb") as source:
                row = imports.create(file.name, iter(lambda: source.read(_PIECE), b""), options=options)
            if changes:
                imports.remap(row, {**row.mapping, **changes})
            told |= {"id": row.id, "mapping": dict(row.mapping)}
            if dry_run:
                told |= imports.preview(row)
                raise _TakenBackError
            imports.start(row)
    except _TakenBackError:
        pass
    return told


def _follow(runtime: Runtime, workspace_id: UUID, import_id: UUID, *, quiet: bool) -> dict[str, Any]:
    """Work on the import here, side by side with any worker, until it is done. Returns how it ended."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    work = runtime.registrations.due_kinds["import"].work
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows"),
        TimeRemainingColumn(),
    )
    with (
        Progress(*columns, console=Console(stderr=True), disable=quiet) as progress,
        ThreadPoolExecutor(1) as pool,
    ):
        bar = progress.add_task("Importing", total=None)
        running: Future[int] | None = None
        for state in _states(runtime, workspace_id, import_id):
            progress.update(bar, completed=state["rows"], total=max(state["rows_total"], state["rows"]))
            if state["status"] != "running":
                return state
            if running is None or running.done():
                running = pool.submit(work, runtime)
    raise AssertionError("an import has no end")


def _states(runtime: Runtime, workspace_id: UUID, import_id: UUID) -> Iterator[dict[str, Any]]:
    from autoloop.businesses.services.imports import Imports

    while True:
        with runtime.unit("web", workspace_id) as services:
            row = services(Imports).find(import_id)
            if row is None:
                raise click.ClickException("The import was deleted meanwhile.")
            yield {
                "id": str(row.id),
                "status": row.status,
                "problem": row.problem,
                "rows": row.rows_done,
                "rows_total": row.rows_total,
                "counts": dict(row.counts),
            }
        time.sleep(0.2)


def _write_rejects(runtime: Runtime, workspace_id: UUID, import_id: UUID, path: Path) -> None:
    from autoloop.businesses.services.imports import Imports

    with runtime.unit("web", workspace_id) as services, path.open("wb") as file:
        row = services(Imports).find(import_id)
        if row is not None:
            file.writelines(services(Imports).rejects_csv(row))


def _show_preview(made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        kept = {key: value for key, value in made.items() if key not in ("id", "workspace_id")}
        click.echo(json.dumps(kept, default=str, indent=2))
        return
    for column, target in made["mapping"].items():
        click.echo(f"{column!r:<30} → {target or '(left out)'}")
    whole = "The whole file" if made["whole"] else f"The first {made['rows']} rows"
    click.echo(f"{whole}: {_in_words(made['counts'])}. Nothing was changed.")
    for reject in made["rejects"][:10]:
        click.echo(f"  line {reject['line']}: {reject['reason']}")


def _show(result: dict[str, Any], rejects: Path | None) -> None:
    click.echo(f"{result['status'].capitalize()}: {result['rows']} rows, {_in_words(result['counts'])}.")
    if result["problem"]:
        click.echo(result["problem"])
    if result["counts"].get("rejected"):
        click.echo(
            f"The rejected rows are in {rejects}."
            if rejects
            else "See the rejected rows with --rejects FILE, or on the import's page."
        )


def _in_words(counts: Mapping[str, int]) -> str:
    said = [f"{number} {name.replace('_', ' ')}" for name, number in counts.items() if number]
    return ", ".join(said) or "nothing to do"
