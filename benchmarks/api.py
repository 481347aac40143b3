"""A list of 50 businesses over HTTP, cold and warm, beside Core rows and orjson in an empty Pyramid view."""

from __future__ import annotations

import dataclasses
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from autoloop.accounts.services import ApiKeys
from autoloop.base.ids import new_id
from autoloop.settings import Settings
from benchmarks.load import Load, drive
from benchmarks.stand import Stand, stand

ROWS = 5_000
CONNECTIONS = 16
FLOOR_NAME = "empty view, Core rows, orjson"


@contextmanager
def serving(which: str, settings: Settings) -> Iterator[int]:
    """A web process of its own; gives its port."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.server", which, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        json.dump(dataclasses.asdict(settings), process.stdin)
        process.stdin.close()
        try:
            wait_for(port)
            yield port
        finally:
            process.terminate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the server did not start")


def prepare(standing: Stand) -> str:
    """Fill in businesses; returns an API key."""
    with standing.runtime.unit("web", standing.workspace_id) as services:
        services.user_id = standing.user_id
        services.session.execute(
            text("""
            insert into businesses (workspace_id, id, name, domain, city, country, user_id)
            select :workspace, id, 'Business ' || n, 'b' || n || '.example', 'Lisbon', 'PT', :user
            from unnest(cast(:ids as uuid[])) with ordinality u(id, n)"""),
            {
                "workspace": standing.workspace_id,
                "user": standing.user_id,
                "ids": [new_id() for _ in range(ROWS)],
            },
        )
        key = services(ApiKeys).create("bench", ["write"])[1]
    standing.analyze()
    return key


def main(rounds: int, seconds: float) -> None:
    with stand() as standing:
        key = prepare(standing)
        with serving("product", standing.settings) as app, serving("floor", standing.settings) as bare:
            path = "/api/v1/w/bench/businesses?limit=50&sort=-created_at"
            head = f"GET {path} HTTP/1.1\r\nHost: localhost:8080\r\nAuthorization: Bearer {key}\r\n"
            requests = {
                FLOOR_NAME: (bare, f"GET /{standing.workspace_id} HTTP/1.1\r\nHost: x\r\n\r\n"),
                "AutoLoop, cache bypassed": (app, head + "Cache-Control: no-cache\r\n\r\n"),
                "AutoLoop, cache warm": (app, head + "\r\n"),
            }
            measured: dict[str, list[Load]] = {name: [] for name in requests}
            for _ in range(rounds):
                for name, (port, request) in requests.items():
                    measured[name].append(
                        drive("127.0.0.1", port, request, connections=CONNECTIONS, seconds=seconds)
                    )
            show(measured)


def show(measured: dict[str, list[Load]]) -> None:
    print(f"\nAPI: a list of 50 businesses of {ROWS:,}, one web process, {CONNECTIONS} connections")
    base = statistics.median(load.rate for load in measured[FLOOR_NAME])
    for name, loads in measured.items():
        rate, p50, p95 = (
            statistics.median(getattr(load, field) for load in loads) for field in ("rate", "p50", "p95")
        )
        print(
            f"  {name:38} {rate:>8,.0f} requests/s  p50 {p50:6.1f} ms  p95 {p95:6.1f} ms  {rate / base:6.0%} of the floor"
        )
