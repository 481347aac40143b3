"""A serialization failure, even at commit, is repeated and never reaches the caller."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from pyramid.response import Response
from sqlalchemy import create_engine, text
from webtest import TestApp

from autoloop.config import configure
from autoloop.web.permissions import Permission

ROUNDS = 20


def test_two_requests_that_skew_each_other_both_succeed(settings, postgres, database) -> None:
    owner = create_engine(postgres.dsn("autoloop_owner", database, driver="psycopg"))
    with owner.begin() as connection:
        connection.execute(text("create table skew (name text primary key, n int not null)"))
        connection.execute(text("grant select, update on skew to autoloop_web"))
        connection.execute(text("insert into skew values ('a', 0), ('b', 0)"))
    meeting = threading.Barrier(2)
    attempts: list[str] = []

    def clash(request):
        mine = request.params["mine"]
        request.db.connection(execution_options={"isolation_level": "SERIALIZABLE"})
        total = request.db.execute(text("select sum(n) from skew")).scalar_one()
        first = not request.environ.get("retry.attempt")
        attempts.append(mine)
        if first:
            meeting.wait(10)
        request.db.execute(text("update skew set n = :n where name = :name"), {"n": total + 1, "name": mine})
        return Response("done")

    config = configure(settings)
    config.add_route("clash", "/clash")
    config.add_view(clash, route_name="clash", permission=Permission.PUBLIC)
    wsgi = config.make_wsgi_app()
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            answers = list(
                pool.map(
                    lambda name: TestApp(wsgi).get(f"/clash?mine={name}", expect_errors=True).status_int, "ab"
                )
            )
            assert answers == [200, 200]
    config.registry.runtime.dispose()
    owner.dispose()
    assert len(attempts) >= ROUNDS * 3  # in each round one of the two had to go again
