"""One demo from an empty folder to the table."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rich.console import Console
from rich.status import Status

from autoloop.demo.door import Door
from autoloop.demo.figures import Figures, read_figures
from autoloop.demo.folder import wipe
from autoloop.demo.invariants import Judge
from autoloop.demo.people import People
from autoloop.demo.scenario import bring_in_contacts, make_sender, make_workflow
from autoloop.demo.show import Progress, final_table
from autoloop.demo.sink import SinkProcess
from autoloop.embedded.background import BackgroundStack
from autoloop.embedded.ports import PortTakenError, free_port, see_that_free
from autoloop.embedded.smtp_sink import Journal

if TYPE_CHECKING:
    from autoloop.base.runtime import Runtime

__all__ = ["Demo"]

OWNER = "demo@autoloop.example"
PATIENCE = 240.0
LOOK = 0.25
ENVIRONMENT = {
    # All people of the demo are on this machine, and would share one allowance of requests.
    "AUTOLOOP_REQUEST_LIMIT_PER_MINUTE": "60000",
    "AUTOLOOP_LOG_LEVEL": "WARNING",
    "AUTOLOOP_WORKER_PROCESSES": "2",
    "AUTOLOOP_WEB_WORKERS": "1",
}


@dataclass
class Demo:
    """`stay` leaves the dashboard open after the table, until Ctrl-C. `port` 0: 8080 if free, else any."""

    data: Path
    console: Console = field(default_factory=Console)
    port: int = 0
    stay: bool = False

    def run(self) -> int:
        """Run it; 0 if every invariant held, else 1. Raises what keeps it from starting."""
        began = time.monotonic()
        self._say(f"The demo keeps its data in {self.data} and begins by emptying it.")
        if wipe(self.data):
            self._say("The data of the demo before is gone.")
        with ExitStack() as open_things, _ends_on_sigterm():
            with self._doing("Starting PostgreSQL, Redis, web, worker and scheduler …"):
                stack = open_things.enter_context(
                    BackgroundStack(self.data, port=self._choose_port(), environment=ENVIRONMENT)
                )
            self._said(began, f"The stack is up at {stack.url} (log: {stack.log})")
            runtime = self._runtime(stack)
            open_things.callback(runtime.dispose)
            password = secrets.token_urlsafe(9)
            with self._doing("Making an owner and a workspace …"):
                workspace_id, slug, key = _own(runtime, password)
            sink = open_things.enter_context(
                SinkProcess(
                    self.data / "sink.journal", workspace_id, runtime.settings.database_worker_url, refuse=8
                )
            )
            door = open_things.enter_context(Door(stack.url, slug, key))
            good = self._walk(door, sink, runtime, workspace_id, began)
            if self.stay:
                self._leave_open(stack, slug, password)
            else:
                self._say("Stopping everything …")
        return 0 if good else 1

    # The parts

    def _walk(
        self, door: Door, sink: SinkProcess, runtime: Runtime, workspace_id: UUID, began: float
    ) -> bool:
        """Contacts in, workflow live, everybody through. True if all is as it must be."""
        self._import(door, began)
        with self._doing("Making sender, templates and workflow …"):
            make_sender(door, sink.port)
            workflow_id = UUID(make_workflow(door))
        self._said(
            began, "“Three-step outreach” is published: three mails, two waits, a branch, an A/B split"
        )
        people = People(door, sink.journal)
        started = time.monotonic()
        entered = door.post(f"workflows/{workflow_id}/enrol", {"all": True})
        self._said(
            began, f"{entered['started']:,} contacts enter it; mail leaves over SMTP to 127.0.0.1:{sink.port}"
        )
        now, why = self._until_over(people, runtime, workspace_id, workflow_id)
        seconds = time.monotonic() - started
        taken = Journal.read(sink.journal)
        with runtime.worker_engine.connect() as connection:
            judge = Judge(connection, workspace_id, workflow_id, taken)
            broken = [str(each) for each in judge.broken()]
            if late := judge.after_clicks(people.clicked):
                broken.append(
                    f"no mail after one-click unsubscribe: not so for {len(late)} mails, {late[:3]}"
                )
            duplicates, lost = len(judge.duplicates()), len(judge.lost())
        if why:
            broken.insert(0, why)
        self.console.print()
        self.console.print(final_table(now, people, duplicates, lost, seconds))
        for each in broken:
            self.console.print(f"[bold red]Broken:[/] {each}", highlight=False, soft_wrap=True)
        if not broken:
            self._said(began, "Every check held: each contact went through once, each mail arrived once.")
        return not broken

    def _import(self, door: Door, began: float) -> None:
        with self._doing("Importing examples/businesses.csv …") as status:

            def look(state: dict[str, Any]) -> None:
                if status is not None:
                    status.update(f"Importing examples/businesses.csv: {state['rows_done']:,} rows …")
                time.sleep(0.1)

            done = bring_in_contacts(door, look)
        counts = {name: f"{count:,}" for name, count in done.counts.items()}
        self._said(
            began,
            f"Imported {done.rows:,} rows: {counts['created']} contacts of {counts['businesses_created']} businesses; "
            f"{counts['rejected']} rows rejected, {counts['repeated']} repeated",
        )

    def _until_over(
        self, people: People, runtime: Runtime, workspace_id: UUID, workflow_id: UUID
    ) -> tuple[Figures, str]:
        """Let people react until nothing is left to do. The last figures, and what is wrong if it takes too long."""
        deadline = time.monotonic() + PATIENCE
        with Progress(self.console) as progress:
            while True:
                began = time.monotonic()
                people.turn()
                now = read_figures(runtime.worker_engine, workspace_id, workflow_id)
                progress.show(now, people)
                if now.over and people.idle:
                    return now, ""
                if time.monotonic() > deadline:
                    return now, (
                        f"it did not come to an end in {PATIENCE:.0f} s: runs {now.runs}, mails {now.mails}"
                    )
                time.sleep(max(0.0, LOOK - (time.monotonic() - began)))

    def _leave_open(self, stack: BackgroundStack, slug: str, password: str) -> None:
        self.console.print(
            f"\nLook around: [bold]{stack.url}/w/{slug}[/]\n"
            f"Sign in as   [bold]{OWNER}[/]\nPassword     [bold]{password}[/]\n\nCtrl-C stops it.",
            highlight=False,
        )
        assert stack.process is not None
        try:
            stack.process.wait()
        except KeyboardInterrupt:
            self._say("\nStopping everything …")

    # Small things

    def _choose_port(self) -> int:
        if self.port:
            see_that_free("127.0.0.1", self.port)
            return self.port
        try:
            see_that_free("127.0.0.1", 8080)
        except PortTakenError:
            return free_port()
        return 8080

    def _runtime(self, stack: BackgroundStack) -> Runtime:
        from autoloop.base.registrations import Registrations
        from autoloop.base.runtime import Runtime
        from autoloop.cli.configuration import Configuration

        os.environ["AUTOLOOP_DATA"] = str(self.data)
        return Runtime(Configuration(Path(stack.state["config"])).settings, Registrations())

    @contextmanager
    def _doing(self, what: str) -> Iterator[Status | None]:
        if not self.console.is_terminal:
            yield None
            return
        with self.console.status(what) as status:
            yield status

    def _said(self, began: float, what: str) -> None:
        self.console.print(
            f"[dim]{time.monotonic() - began:5.1f} s[/]  {what}", highlight=False, soft_wrap=True
        )

    def _say(self, what: str) -> None:
        self.console.print(what, highlight=False, soft_wrap=True)


def _own(runtime: Runtime, password: str) -> tuple[UUID, str, str]:
    """An owner, their workspace, and an API key to it: (workspace id, slug, key)."""
    from autoloop.accounts.services import ApiKeys, Users
    from autoloop.workspaces.services import Workspaces

    with runtime.unit("web") as services:
        user = services(Users).create(OWNER, "Demo Owner", password, is_admin=True)
        services.user_id = user.id
        workspace = services(Workspaces).create(
            "Demo", user.id, postal_address="AutoLoop Demo, 1 Main Street, Springfield"
        )
        key: str = services(ApiKeys).create("demo", ["write"])[1]
        return workspace.id, workspace.slug, key


@contextmanager
def _ends_on_sigterm() -> Iterator[None]:
    """SIGTERM ends the demo like Ctrl-C: everything is stopped in order."""

    def asked(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, asked)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
