"""Options of the crash tests: `--runs`, `--kills`, `--flushes`, `--aim`, `--seed`; and the story that most of them tell."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from autoloop.base.runtime import Runtime
from autoloop.settings import Settings
from tests.crash.audit import watch_fences
from tests.crash.outside import PostOffice, Server
from tests.crash.story import Story
from tests.crash.worker import named, registrations, warm_up
from tests.factories import Tenant


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("crash")
    group.addoption("--runs", type=int, default=500, help="Runs to walk while workers are killed")
    group.addoption("--kills", type=int, default=150, help="How often processes are killed")
    group.addoption("--flushes", type=int, default=5, help="How often Redis is emptied")
    group.addoption(
        "--aim", type=float, default=0.5, help="Share of the kills that wait for a mail on the wire"
    )
    group.addoption("--seed", type=int, default=None, help="Repeat the chances of an earlier test")
    group.addoption("--thorough", action="store_true", help="Every commit, every planted bug; takes an hour")


@pytest.fixture
def seed(pytestconfig: pytest.Config) -> int:
    given = pytestconfig.getoption("--seed", None)
    return random.SystemRandom().randrange(10**6) if given is None else int(given)


@pytest.fixture
def chance(seed: int) -> random.Random:
    """Printed with a failure, so that it can be had again by `--seed`."""
    print(f"crash: seed {seed}")
    return random.Random(seed)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as made:
        yield made


@pytest.fixture(scope="module")
def post() -> Iterator[PostOffice]:
    with PostOffice() as made:
        yield made


@pytest.fixture(scope="module")
def hit(settings: Settings, server: Server) -> Settings:
    """The settings of workers that are hit; their database notes who holds which fence."""
    watch_fences(settings)
    warm_up()
    return replace(settings, outbound_ports=(str(server.port),), worker_batch=20)


@pytest.fixture(scope="module")
def healthy(hit: Settings) -> Iterator[Runtime]:
    """The runtime of a worker that nobody hits: this process."""
    held = Runtime(named(hit, "healthy"), registrations())
    yield held
    held.dispose()


@pytest.fixture
def story(healthy: Runtime, tenant: Tenant, post: PostOffice, server: Server) -> Iterator[Story]:
    yield Story(healthy, tenant, post, server)
    post.behave()
