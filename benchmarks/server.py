"""A web process of its own for the API benchmark: `python -m benchmarks.server product|floor|insert PORT < settings`."""

from __future__ import annotations

import json
import sys
from typing import Any

import orjson
from granian import Granian
from granian.constants import Interfaces
from pyramid.config import Configurator
from pyramid.response import Response
from sqlalchemy import text

from autoloop.base.runtime import Runtime
from autoloop.cli.serve import THREADS
from autoloop.config import configure
from autoloop.settings import Settings

FEW = 8  # the bare views answer half as many with sixteen: they wait for the lock and for connections

FLOOR = text("""
select id, name, domain, email, phone, city, country, status, tags, created_at, updated_at from businesses
where workspace_id = :workspace order by created_at desc, id desc limit 50""")


def product(settings: Settings) -> Any:
    return configure(settings).make_wsgi_app()


def floor(settings: Settings) -> Any:
    """An empty Pyramid view: rows of Core, orjson, nothing of a product."""
    runtime = Runtime(settings, None)  # type: ignore[arg-type]

    def businesses(request: Any) -> Response:
        with runtime.worker_engine.connect() as connection:
            rows = connection.execute(FLOOR, {"workspace": request.matchdict["workspace"]}).mappings().all()
        body = orjson.dumps({"success": True, "data": [dict(row) for row in rows]})
        return Response(body, content_type="application/json")

    config = Configurator()
    config.add_route("businesses", "/{workspace}")
    config.add_view(businesses, route_name="businesses")
    return config.make_wsgi_app()


def insert(settings: Settings) -> Any:
    """An empty Pyramid view that keeps a body durably and says so."""
    runtime = Runtime(settings, None)  # type: ignore[arg-type]
    sql = text("insert into floor_hook (body) values (cast(:body as jsonb)) returning id")

    def keep(request: Any) -> Response:
        with runtime.worker_engine.begin() as connection:
            id = connection.execute(sql, {"body": request.body.decode()}).scalar_one()
        return Response(orjson.dumps({"id": id}), status=202, content_type="application/json")

    config = Configurator()
    config.add_route("keep", "/")
    config.add_view(keep, route_name="keep", request_method="POST")
    return config.make_wsgi_app()


def main() -> None:
    make = {"product": product, "floor": floor, "insert": insert}[sys.argv[1]]
    given = json.load(sys.stdin)
    settings = Settings(
        **{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    )
    server = Granian(
        "autoloop",
        address="127.0.0.1",
        port=int(sys.argv[2]),
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS if sys.argv[1] == "product" else FEW,  # each at its best
        websockets=False,
        log_level="error",  # type: ignore[arg-type]
    )
    server.serve(target_loader=lambda *_: make(settings), wrap_loader=False)


if __name__ == "__main__":
    main()
