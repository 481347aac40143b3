"""How people come in, while those who let them in are killed: each accepted entry is one run, and no more."""

from __future__ import annotations

import http.client
import json
import random
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from autoloop.businesses.services import Contacts
from autoloop.businesses.services.segments import Segments, member_ids
from autoloop.embedded.ports import free_port
from autoloop.engine.hooks.services import Hooks
from autoloop.settings import Settings
from tests.crash.faults import HOWS, Fault
from tests.crash.fleet import Fleet
from tests.crash.story import Story
from tests.crash.test_commits import KILLING, hit_once
from tests.crash.worker import UNHIT, start_worker
from tests.functional.mail_world import until
from tests.unit.engine.graphs import graph

pytestmark = pytest.mark.timeout(0)

VIP = {"field": "contact.tags", "op": "has", "value": "vip"}
SENDERS, ENTRIES, KILLS = 4, 60, 8
RUNS = """select e.data -> 'body' ->> 'id', count(r.id) from events e
left join workflow_runs r on r.workspace_id = e.workspace_id and r.entry_key = 'event:' || e.id
where e.workspace_id = :w and e.name = 'webhook.received' group by 1"""


@dataclass
class Sender:
    """A program that posts bodies to a webhook, each again and again until it is accepted, and some once more."""

    port: int
    path: str
    ids: list[str]
    chance: random.Random
    tries: int = 0
    wrong: list[int] = field(default_factory=list)

    def run(self) -> None:
        for id in self.ids:
            while not self.accepted(id):
                time.sleep(0.05)
            if self.chance.random() < 0.3:
                self.accepted(id)

    def accepted(self, id: str) -> bool:
        body = json.dumps({"id": id, "email": f"{id}@crash.example"})
        self.tries += 1
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", self.path, body, {"Content-Type": "application/json"})
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        if status not in (202, 502, 503):
            self.wrong.append(status)
        return status == 202


def hooked(story: Story) -> str:
    """The path of a webhook that starts runs."""
    with story.runtime.unit("web", story.tenant.id) as services:
        services.user_id = story.tenant.user_id
        given = {"name": "Shop", "mapping": {"email": "email"}, "event_id_path": "id"}
        row, token = services(Hooks).create(given)
        hook_id, path = str(row.id), urlsplit(services(Hooks).url(token)).path
    drawn = graph(("tag", "add_tag", {"tag": "came"}), reentry="always")
    story.publish(drawn, {"type": "incoming_webhook", "config": {"hook_id": hook_id}})
    return path


def test_what_a_killed_web_process_accepted_is_one_run(
    story: Story, hit: Settings, chance: random.Random, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    times = 10 if pytestconfig.getoption("--thorough", False) else 1
    path, port = hooked(story), free_port()
    ids = [f"i{n}x{chance.randrange(10**9)}" for n in range(ENTRIES * times)]
    senders = [Sender(port, path, ids[n::SENDERS], random.Random(chance.random())) for n in range(SENDERS)]
    threads = [threading.Thread(target=sender.run, daemon=True) for sender in senders]
    with Fleet(hit, tmp_path, workers=0, schedulers=0, web=port) as fleet:
        for thread in threads:
            thread.start()
        aim = 0
        while any(thread.is_alive() for thread in threads):
            fleet.tend()
            tries = sum(sender.tries for sender in senders)
            if tries >= aim and sum(fleet.killed.values()) < KILLS * times and fleet.kill(chance, "web"):
                aim = tries + chance.randrange(2 * ENTRIES // KILLS)
            time.sleep(0.02)
    assert not [status for sender in senders for status in sender.wrong]
    story.work()
    assert dict(story.sql(RUNS)) == dict.fromkeys(ids, 1)
    people = story.sql(
        "select count(*), count(distinct email) from business_contacts where workspace_id = :w"
    )
    assert people == [(len(ids), len(ids))]
    assert story.broken() == []
    print(f"crash: {len(ids)} entries in {sum(s.tries for s in senders)} tries, {fleet.killed} killed")


@dataclass
class Club:
    """A segment of who has the tag “vip”, and the workflow that begins when somebody enters it."""

    story: Story
    segment: UUID = field(init=False)
    workflow: UUID = field(init=False)

    def __post_init__(self) -> None:
        with self.story.runtime.unit("web", self.story.tenant.id) as services:
            services.user_id = self.story.tenant.user_id
            self.segment = services(Segments).create({"name": "VIPs", "condition": VIP}).id
        until(self.built, 60)
        config = {"segment_id": str(self.segment)}
        drawn = graph(("tag", "add_tag", {"tag": "met"}), reentry="always")
        self.workflow = self.story.publish(drawn, {"type": "segment_entered", "config": config})

    def built(self) -> bool:
        """A build waits for transactions of other tests to end."""
        self.story.work()
        return bool(
            self.story.sql("select 1 from segments where id = :id and status = 'ready'", id=self.segment)
        )

    def change(self, contact: UUID, *tags: str) -> None:
        with self.story.runtime.unit("web", self.story.tenant.id) as services:
            row = services(Contacts).find(contact)
            assert row is not None
            services(Contacts).update(row, {"tags": list(tags)})

    def told(self, contact: UUID) -> list[str]:
        """The names of what was said of this contact and the segment, in order."""
        rows = self.story.sql(
            "select name from events where workspace_id = :w and contact_id = :id and name like 'segment.%' order by id",
            id=contact,
        )
        return [row[0] for row in rows]

    @property
    def members(self) -> set[UUID]:
        with self.story.runtime.unit("web", self.story.tenant.id) as services:
            return set(member_ids(services, self.segment))


@pytest.mark.parametrize("how", HOWS)
def test_a_change_is_told_once(
    story: Story, hit: Settings, how: str, chance: random.Random, pytestconfig: pytest.Config
) -> None:
    club = Club(story)

    def is_hit(nth: int) -> bool:
        comes, goes = story.contact(), story.contact(tags=["vip"])
        story.work()
        club.change(comes, "vip")
        club.change(goes)
        worker = start_worker(hit, f"segments{nth}{how}", Fault("segments", nth, how))
        worker.join(60)
        came = worker.exitcode != UNHIT
        assert not came or worker.exitcode == (-signal.SIGKILL if how in KILLING else 0)
        assert story.to_rest(), story.why
        assert story.sql("select count(*) from segment_changes where workspace_id = :w") == [(0,)]
        assert club.told(comes) == ["segment.entered"]
        assert club.told(goes) == ["segment.entered", "segment.left"]
        assert comes in club.members and goes not in club.members
        runs = "select count(*) from workflow_runs where workflow_id = :flow and contact_id = :id"
        found: list[Any] = [story.sql(runs, flow=club.workflow, id=id)[0][0] for id in (comes, goes)]
        assert found == [1, 1] and story.broken() == [], f"commit {nth}, {how}"
        return came

    hit_once(is_hit, chance.randint(1, 3), thorough=pytestconfig.getoption("--thorough", False))
