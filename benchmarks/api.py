"""A list of 50 businesses over HTTP, cold and warm, beside Core rows and orjson in an empty Pyramid view."""

from __future__ import annotations

import multiprocessing
import socket
import statistics
import time
from collections.abc import Callable
from typing import Any

import orjson
from pyramid.config import Configurator
from pyramid.response import Response
from sqlalchemy import text

from autoloop.accounts.services import ApiKeys
from autoloop.base.ids import new_id
from autoloop.base.runtime import Runtime
from autoloop.config import configure
from autoloop.settings import Settings
from benchmarks.load import Load, drive
from benchmarks.stand import Stand, stand

ROWS = 5_000
CONNECTIONS = 16
FLOOR = text("""
select id, name, domain, email, phone, city, country, status, tags, created_at, updated_at from businesses
where workspace_id = :workspace order by created_at desc, id desc limit 50""")


def product(settings: Settings) -> Any:
    return configure(settings).make_wsgi_app()


def floor(settings: Settings) -> Any:
    runtime = Runtime(settings, None)  # type: ignore[arg-type]

    def businesses(request: Any) -> Response:
        with runtime.worker_engine.connect() as connection:
            rows = connection.execute(FLOOR, {"workspace": request.matchdict["workspace"]}).mappings().all()
        return Response(
            orjson.dumps({"success": True, "data": [dict(row) for row in rows]}),
            content_type="application/json",
        )

    config = Configurator()
    config.add_route("businesses", "/{workspace}")
    config.add_view(businesses, route_name="businesses")
    return config.make_wsgi_app()


def serve(make: Callable[[Settings], Any], settings: Settings, port: int) -> None:
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        "autoloop",
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=8,
        log_level="error",  # type: ignore[arg-type]
    ).serve(target_loader=lambda *_: make(settings), wrap_loader=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def started(make: Callable[[Settings], Any], settings: Settings) -> tuple[multiprocessing.Process, int]:
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(make, settings, port))
    process.start()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process, port
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
        processes = []
        try:
            app, app_port = started(product, standing.settings)
            processes.append(app)
            bare, bare_port = started(floor, standing.settings)
            processes.append(bare)
            path = "/api/v1/w/bench/businesses?limit=50&sort=-created_at"
            head = f"GET {path} HTTP/1.1\r\nHost: localhost:8080\r\nAuthorization: Bearer {key}\r\n"
            requests = {
                "empty view, Core rows, orjson": (
                    bare_port,
                    f"GET /{standing.workspace_id} HTTP/1.1\r\nHost: x\r\n\r\n",
                ),
                "AutoLoop, cache bypassed": (app_port, head + "Cache-Control: no-cache\r\n\r\n"),
                "AutoLoop, cache warm": (app_port, head + "\r\n"),
            }
            measured: dict[str, list[Load]] = {name: [] for name in requests}
            for _ in range(rounds):
                for name, (port, request) in requests.items():
                    measured[name].append(
                        drive("127.0.0.1", port, request, connections=CONNECTIONS, seconds=seconds)
                    )
            show(measured)
        finally:
            for process in processes:
                process.terminate()
                process.join(10)


def show(measured: dict[str, list[Load]]) -> None:
    print(f"\nAPI: a list of 50 businesses of {ROWS:,}, one web process, {CONNECTIONS} connections")
    base = statistics.median(load.rate for load in measured["empty view, Core rows, orjson"])
    for name, loads in measured.items():
        rate, p50, p95 = (
            statistics.median(getattr(load, field) for load in loads) for field in ("rate", "p50", "p95")
        )
        print(
            f"  {name:38} {rate:>8,.0f} requests/s  p50 {p50:6.1f} ms  p95 {p95:6.1f} ms  {rate / base:6.0%} of the floor"
        )
