"""Rows per second of a CSV import, with its memory, beside COPY of the same file into a bare table."""

from __future__ import annotations

import csv
import random
import tempfile
import threading
from pathlib import Path
from typing import Self

import psutil
import psycopg

from autoloop.businesses.services.imports import Imports, work
from benchmarks.stand import Stand, report, stand, timed

ROWS = 100_000
COLUMNS = [
    "Company Name",
    "Website",
    "City",
    "Country",
    "First name",
    "Last Name",
    "E-mail",
    "Job title",
    "Time zone",
    "Tags",
]
FLOOR = "create table floor_import (" + ", ".join(f"c{n} text" for n in range(len(COLUMNS))) + ")"


class Memory:
    """The highest resident size of this process while inside, over that at the beginning, in MB."""

    def __enter__(self) -> Self:
        self.process, self.over = psutil.Process(), threading.Event()
        self.before = self.peak = self.process.memory_info().rss
        self.watcher = threading.Thread(target=self._watch, daemon=True)
        self.watcher.start()
        return self

    def _watch(self) -> None:
        while not self.over.wait(0.02):
            self.peak = max(self.peak, self.process.memory_info().rss)

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.watcher.join()

    @property
    def grown(self) -> float:
        return (self.peak - self.before) / 1e6


def make_file(path: Path, rows: int, salt: int) -> None:
    chance = random.Random(salt)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for n in range(rows):
            firm = n * 2 // 3
            writer.writerow(
                [f"Raven {salt} {firm} Plumbing", f"https://www.raven{salt}x{firm}.example/", "Porto Alegre", "BR", chance.choice(("Ada", "Olga", "Zoë")),
                 chance.choice(("Moreau", "Müller")), f"p{salt}x{n}@raven{firm}.example", "Owner", "America/Sao_Paulo", "warm" if n % 2 else ""]
            )  # fmt: skip


def product(standing: Stand, path: Path) -> float:
    with standing.runtime.unit("web", standing.workspace_id) as services, path.open("rb") as file:
        services.user_id = standing.user_id
        imports = services(Imports)
        row = imports.create(path.name, iter(lambda: file.read(1 << 20), b""))
        imports.start(row)

    def run() -> int:
        while work(standing.runtime):
            pass
        return ROWS

    rate = timed(run)
    with standing.runtime.unit("web", standing.workspace_id) as services:
        done = services(Imports).find(row.id)
        assert done is not None
        assert done.status == "completed", (done.status, done.problem)
    return rate


def floor(standing: Stand, path: Path) -> float:
    with psycopg.connect(standing.owner_dsn(), autocommit=True) as connection:
        connection.execute("truncate floor_import")

        def run() -> int:
            with (
                path.open("rb") as file,
                connection.cursor().copy("copy floor_import from stdin (format csv, header)") as copy,
            ):
                while piece := file.read(1 << 16):
                    copy.write(piece)
            return ROWS

        return timed(run)


def main(rounds: int, _seconds: float) -> None:
    with stand() as standing, tempfile.TemporaryDirectory() as folder, Memory() as memory:
        with psycopg.connect(standing.owner_dsn(), autocommit=True) as connection:
            connection.execute(FLOOR)
        figures: dict[str, list[float]] = {"COPY into a bare table": [], "AutoLoop import": []}
        for salt in range(rounds):
            path = Path(folder) / f"{salt}.csv"
            make_file(path, ROWS, salt)
            figures["COPY into a bare table"].append(floor(standing, path))
            figures["AutoLoop import"].append(product(standing, path))
    report(
        f"Import: {ROWS:,} rows with {len(COLUMNS)} columns, contacts and their businesses, all new",
        "rows/s",
        figures,
        floor="COPY into a bare table",
        notes=f"memory grew by {memory.grown:.0f} MB at the most",
    )
