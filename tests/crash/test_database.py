"""The database goes away under workers at work and comes back: restarted, crashed, killed."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import psutil
import pytest

from autoloop.base.migrate import migrate
from autoloop.base.runtime import Runtime
from autoloop.embedded.postgres import DATABASE, ROLES, Postgres
from autoloop.embedded.redis import Redis
from autoloop.settings import Settings
from tests.conftest import settings_for
from tests.crash.story import Story
from tests.crash.test_planted import begin, one_mail
from tests.crash.worker import start_worker
from tests.functional.mail_world import until

pytestmark = pytest.mark.timeout(0)

PEOPLE = 12


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server of our own, as durable as a real one."""
    with Postgres(tmp_path_factory.mktemp("pg")) as server:
        server.prepare()
        yield server


@pytest.fixture(scope="module")
def settings(postgres: Postgres, redis: Redis) -> Settings:
    migrate(*(postgres.dsn(role, DATABASE, driver="psycopg") for role in ROLES))
    return settings_for(postgres, DATABASE, redis)


@pytest.fixture(scope="module")
def runtime(healthy: Runtime) -> Runtime:
    return healthy


@pytest.mark.parametrize(
    "how", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL], ids=["fast", "immediate", "kill"]
)
def test_it_goes_away_with_mail_on_the_wire(
    story: Story, hit: Settings, postgres: Postgres, how: signal.Signals
) -> None:
    """Replies that come while it is away are written once it is back: nothing accepted becomes unknown."""
    begin(story, one_mail(story), people=PEOPLE)
    story.enter()
    worker = start_worker(hit, "first")
    until(lambda: len(story.taken) >= 3)
    server = psutil.Process(postgres.cluster.pid())
    family = [server, *server.children(recursive=True)]
    story.runtime.dispose()
    server.send_signal(how)
    psutil.wait_procs(family, timeout=20)
    assert not postgres.running
    postgres.start()
    worker.join(60)
    assert worker.exitcode == 0
    assert story.to_rest(lambda: start_worker(hit, "later").join(60)), story.why
    assert story.broken() == []
    states = dict(story.sql("select status, count(*) from email_logs where workspace_id = :w group by 1"))
    assert states == {"accepted": PEOPLE + 3} and len(story.taken) == PEOPLE + 3
