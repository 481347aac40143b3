"""Executions started by webhook, finished per second, beside a bare Pyramid view that does one durable insert."""

from __future__ import annotations

import asyncio
import dataclasses
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen
from typing import Any
from urllib.parse import urlsplit

import psycopg
from sqlalchemy import text

from autoloop.base.ids import id_floor
from autoloop.embedded.launch import spawn
from autoloop.embedded.smtp_sink import Sink
from autoloop.engine.hooks.services import Hooks
from autoloop.engine.models import Workflow, WorkflowTrigger
from autoloop.engine.services import versions
from autoloop.engine.services.workflows import WorkflowStatus
from autoloop.mail.templates.services import Templates
from autoloop.settings import Settings
from benchmarks.api import serving
from benchmarks.mail import prepare
from benchmarks.stand import Stand, environment, stand

CONNECTIONS = 16
PEOPLE = 20_000
FLOOR = "bare Pyramid view, one durable insert"
PLAIN, MAILING = "AutoLoop, webhook to end", "the same with one small email each"
FLOOR_TABLE = """
create table floor_hook (id bigint generated always as identity primary key, body jsonb, at timestamptz default now());
grant all on floor_hook to autoloop_web, autoloop_worker"""


@dataclasses.dataclass(frozen=True)
class Round:
    """Answers per second and what one took (ms); for AutoLoop also executions finished per second."""

    answered: float
    p50: float
    p95: float
    finished: float


@contextmanager
def working(settings: Settings, processes: int) -> Iterator[dict[str, Popen[bytes]]]:
    """One real worker with its processes, and a scheduler."""
    with tempfile.TemporaryDirectory() as folder:
        ini = Path(folder) / "bench.ini"
        ini.write_text("[app:main]\nuse = egg:autoloop\n")
        words = {"worker": ["worker", "--processes", str(processes)], "scheduler": ["scheduler"]}
        started = {name: command(each, ini, settings) for name, each in words.items()}
        try:
            yield started
        finally:
            for process in started.values():
                process.terminate()
            for process in started.values():
                process.wait(60)


def command(words: list[str], ini: Path, settings: Settings) -> Popen[bytes]:
    """A command of AutoLoop as a process of its own, with these settings."""
    where = [str(ini)] if words[0] == "serve" else ["--config", str(ini)]
    return spawn(
        [sys.executable, "-m", "autoloop.cli", *words, *where],
        death_signal=signal.SIGKILL,
        env=environment(settings),
    )


def publish(standing: Stand, template: Any = None) -> tuple[str, Any]:
    """A workflow that sets, branches, sends a mail of the template if there is one, and ends, behind a webhook.

    Gives the webhook's path and the workflow's id.
    """
    plugins = standing.runtime.registrations.plugins
    setting = (
        ("set_variables", {"set": [{"name": "plan", "value": "{{ event.data.body.plan }}"}]})
        if plugins.step("set_variables")
        else ("update_contact", {"set": [{"field": "title", "value": "Buyer"}]})
    )
    branch = {"condition": {"field": "event.data.body.plan", "op": "is", "value": "pro"}}
    nodes = [
        {"id": "set", "type": setting[0], "config": setting[1]},
        {"id": "branch", "type": "branch", "config": branch},
        {"id": "end", "type": "stop", "config": {}},
    ]
    edges = [{"id": "e1", "from": "set", "port": "next", "to": "branch"}]
    if template is not None:
        nodes.append({"id": "mail", "type": "send_email", "config": {"template_id": str(template)}})
        edges.append({"id": "e2", "from": "branch", "port": "yes", "to": "mail"})
        edges.append({"id": "e3", "from": "mail", "port": "sent", "to": "end"})
    else:
        edges.append({"id": "e2", "from": "branch", "port": "yes", "to": "end"})
    graph = {"schema": 1, "nodes": nodes, "edges": edges, "settings": {"reentry": "always", "start": "set"}}
    with standing.runtime.unit("web", standing.workspace_id) as services:
        mapping = {"email": "customer.email"}
        hook, token = services(Hooks).create({"name": "Bench", "mapping": mapping, "event_id_path": "id"})
        workflow = live(services, standing, graph)
        services.session.add(
            WorkflowTrigger(
                workspace_id=standing.workspace_id,
                workflow_id=workflow.id,
                type="incoming_webhook",
                config={"hook_id": str(hook.id)},
                event_name="webhook.received",
            )
        )
        return urlsplit(services(Hooks).url(token)).path, workflow.id


def live(services: Any, standing: Stand, graph: dict[str, Any]) -> Workflow:
    workflow = Workflow(
        workspace_id=standing.workspace_id, name="Bench", user_id=standing.user_id, settings={}
    )
    services.session.add(workflow)
    services.session.flush()
    versions.add(services, workflow, graph, published_by=standing.user_id)
    services(WorkflowStatus).move(workflow.id, "live")
    return workflow


def requests(path: str, emails: list[str], stamp: str) -> Iterator[bytes]:
    """Different bodies for ever, each with an id of its own."""
    number = 0
    while True:
        email = emails[number * 7919 % len(emails)]
        body = (
            f'{{"id": "{stamp}-{number}", "plan": "pro", "amount": 12.5, '
            f'"customer": {{"email": "{email}", "name": "Ada Lovelace"}}}}'
        )
        yield (
            f"POST {path} HTTP/1.1\r\nHost: localhost:8080\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
        number += 1


async def drive(port: int, bodies: Iterator[bytes], seconds: float) -> tuple[list[float], float]:
    """What each answer took, and how long all of it."""
    times: list[float] = []
    until = time.perf_counter() + seconds

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < until:
            started = time.perf_counter()
            writer.write(next(bodies))
            answer = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.partition(b":")[2])
                for line in answer.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            )
            rest = await reader.readexactly(length)
            if b" 202 " not in answer.split(b"\r\n", 1)[0]:
                raise RuntimeError((answer + rest).decode(errors="replace"))
            times.append(time.perf_counter() - started)
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return times, time.perf_counter() - started


def measure(port: int, bodies: Iterator[bytes], seconds: float, wait: Any = None) -> Round:
    started = time.perf_counter()
    times, took = asyncio.run(drive(port, bodies, seconds))
    if wait is not None:
        wait(len(times))
    whole = time.perf_counter() - started
    cuts = statistics.quantiles(times, n=100)
    return Round(len(times) / took, cuts[49] * 1000, cuts[94] * 1000, len(times) / whole)


class Finished:
    """Waits until as many more runs have ended, with every step journalled. Looks at runs that are newer only:
    counting them costs the server, which is being measured."""

    def __init__(self, standing: Stand, workflow: Any) -> None:
        self._connection = psycopg.connect(standing.owner_dsn(), autocommit=True)
        self._key, self._newest = (standing.workspace_id, workflow), id_floor(datetime.now(UTC))

    def __call__(self, count: int) -> None:
        sql = """
        select count(*) from workflow_runs where workspace_id = %s and workflow_id = %s and id >= %s
          and status in ('completed', 'stopped')"""
        deadline, before, pause = time.monotonic() + 120, 0, 0.05
        while time.monotonic() < deadline:
            row = self._connection.execute(sql, (*self._key, self._newest)).fetchone()
            assert row is not None
            if row[0] >= count:
                self._newest = id_floor(datetime.now(UTC))
                return
            # Half of what the rest will take: to look more often would cost a tenth of the rate.
            pace, before = (row[0] - before) / pause, row[0]
            pause = min(max((count - row[0]) / pace / 2, 0.02), 1.0) if pace > 0 else 0.05
            time.sleep(pause)
        raise RuntimeError("the runs did not end")


def main(rounds: int, seconds: float) -> float:
    with stand() as standing, Sink(lambda _mail: None) as sink:
        with psycopg.connect(standing.owner_dsn(), autocommit=True) as owner:
            owner.execute(FLOOR_TABLE)
        standing.contacts(PEOPLE)
        prepare(standing, sink.port)
        plain, mailing = publish(standing), publish(standing, small(standing))
        standing.analyze()
        with standing.runtime.unit("web", standing.workspace_id) as services:
            emails = list(services.session.execute(text("select email from business_contacts")).scalars())
        ways = {
            PLAIN: (plain[0], Finished(standing, plain[1])),
            MAILING: (mailing[0], Finished(standing, mailing[1])),
        }
        measured: dict[str, list[Round]] = {FLOOR: [], **{name: [] for name in ways}}
        settings = standing.settings
        processes = settings.worker_processes
        with (
            serving("product", settings) as app,
            serving("insert", settings) as bare,
            working(settings, processes),
        ):
            for path, finished in ways.values():
                measure(app, requests(path, emails, "warm"), 1.0, finished)
            measure(bare, requests("/", emails, "warm"), 0.5)
            for number in range(rounds):
                measured[FLOOR].append(measure(bare, requests("/", emails, "f"), seconds))
                for name, (path, finished) in ways.items():
                    measured[name].append(
                        measure(app, requests(path, emails, f"r{number}"), seconds, finished)
                    )
        return show(measured)


def small(standing: Stand) -> Any:
    """A template of a few lines."""
    source = "Dear {{ contact.first_name }},\n\nthank you."
    given = {"name": "Small", "kind": "markdown", "subject": "Thank you", "source": source}
    with standing.runtime.unit("web", standing.workspace_id) as services:
        services.user_id = standing.user_id
        whole = services(Templates).create(given | {"preheader": "", "text_source": None, "field_rules": {}})
        return whole.template.id


def show(measured: dict[str, list[Round]]) -> float:
    print(
        f"\nExecutions by webhook: set, branch, end; one web process, the worker's two, {CONNECTIONS} connections"
    )
    middle = {
        name: Round(*(statistics.median(getattr(each, field.name) for each in found) for field in FIELDS))
        for name, found in measured.items()
    }
    base = middle[FLOOR]
    for name, each in middle.items():
        print(
            f"  {name:38} {each.finished:>7,.0f} finished/s  {each.answered:>7,.0f} answered/s  "
            f"p50 {each.p50:5.1f} ms  p95 {each.p95:5.1f} ms ({each.p95 / base.p95:4.1f}x)  "
            f"{each.finished / base.finished:5.0%} of the floor"
        )
    return middle[PLAIN].finished / base.finished


FIELDS = dataclasses.fields(Round)
