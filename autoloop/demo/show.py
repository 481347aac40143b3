"""What the demo shows: progress while it runs, and the table at its end."""

from __future__ import annotations

import time
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from autoloop.demo.figures import Figures
from autoloop.demo.people import People

__all__ = ["Progress", "final_table"]

STEPS = (
    ("Mail 1, introduction", ("mail_1",)),
    ("Mail 2a, short reminder", ("mail_2a",)),
    ("Mail 2b, reminder with an example", ("mail_2b",)),
    ("Mail 3, goodbye", ("mail_3",)),
)
EVERY = 5.0


class Progress:
    """Live on a terminal; else a line now and then."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live = Live(console=console, refresh_per_second=8, transient=True)
        self._began = time.monotonic()
        self._said = 0.0

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, now: Figures, people: People) -> None:
        """The state of things."""
        spent = time.monotonic() - self._began
        if self.console.is_terminal:
            self._live.update(Group(self._table(now, people), self._foot(now, spent)))
        elif spent >= self._said + EVERY:
            self._said = spent
            replies = people.done["email.replied"]
            self.console.print(
                f"  {spent:4.0f} s: {now.ended:,} of {now.people:,} done, {now.taken():,} mails delivered, "
                f"{replies:,} replies",
                highlight=False,
            )

    def _table(self, now: Figures, people: People) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(min_width=34)
        table.add_column(width=32)
        table.add_column(justify="right", min_width=7)
        for title, nodes in STEPS:
            self._bar(table, title, now.taken(*nodes), now.people)
        self._bar(table, "Came to the end", now.ended, now.people)
        for title, count in (
            ("Opens", people.done["email.opened"]),
            ("Replies", people.done["email.replied"]),
            ("Unsubscribed by one click", people.done["unsubscribed"]),
            ("Bounced", people.done["email.bounced"]),
        ):
            table.add_row(title, "", f"{count:,}")
        return table

    def _bar(self, table: Table, title: str, count: int, whole: int) -> None:
        table.add_row(title, ProgressBar(total=max(whole, 1), completed=count, width=32), f"{count:,}")

    def _foot(self, now: Figures, spent: float) -> Text:
        return Text(f"{spent:.0f} s, {now.steps:,} steps, {now.taken():,} mails", style="dim")


def final_table(now: Figures, people: People, duplicates: int, lost: int, seconds: float) -> Table:
    """What became of everybody."""
    table = Table(title="Three-step outreach", title_justify="left", show_header=False, min_width=52)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("People in", f"{now.people:,}")
    table.add_row("Came to the end", f"{now.ended:,}", end_section=True)
    for title, nodes in STEPS:
        table.add_row(title, f"{now.taken(*nodes):,}")
    table.add_row("Mails delivered, in all", f"{now.taken():,}", end_section=True)
    table.add_row("Opens", f"{people.done['email.opened']:,}")
    table.add_row("Replies", f"{people.done['email.replied']:,}")
    table.add_row("Unsubscribed by one click", f"{people.done['unsubscribed']:,}")
    table.add_row("Bounced after delivery", f"{now.of('bounced'):,}")
    table.add_row("Failed (refused by the receiving server)", f"{now.of('rejected'):,}")
    table.add_row(
        "Not sent (suppressed or called off)",
        f"{now.of('skipped') + now.of('cancelled'):,}",
        end_section=True,
    )
    table.add_row("Duplicates", _good(duplicates))
    table.add_row("Lost", _good(lost), end_section=True)
    table.add_row("Seconds", f"{seconds:.1f}")
    table.add_row("Steps per second", f"{now.steps / seconds:,.0f}")
    table.add_row("Mails per second", f"{now.taken() / seconds:,.0f}")
    return table


def _good(count: int) -> Text:
    return Text(f"{count:,}", style="bold green" if count == 0 else "bold red")
