"""Segments: members are built once and kept, each flip is told exactly once, and why can be asked."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text

from autoloop.base.events import Event, emit
from autoloop.businesses.services import Businesses, Contacts, Fields
from autoloop.businesses.services.segments import Segments, keeping, member_ids
from autoloop.businesses.services.segments.keeping import work
from tests.factories import make_tenant
from tests.functional.engine_world import World

VIP = {"field": "contact.tags", "op": "has", "value": "vip"}


class Room:
    """One workspace, its segments kept by hand."""

    def __init__(self, runtime: Any, tenant: Any) -> None:
        self.runtime, self.tenant = runtime, tenant

    def unit(self) -> Any:
        return self.runtime.unit("web", self.tenant.id)

    def contact(self, **given: Any) -> UUID:
        with self.unit() as services:
            given.setdefault("last_name", "Someone")
            return services(Contacts).create(given).id

    def change(self, contact: UUID, **given: Any) -> None:
        with self.unit() as services:
            services(Contacts).update(services(Contacts).find(contact), given)

    def segment(self, condition: dict[str, Any], **given: Any) -> UUID:
        with self.unit() as services:
            row = services(Segments).create(
                {"name": f"S{time.monotonic_ns()}", "condition": condition} | given
            )
        self.keep()
        return row.id

    def keep(self, now: datetime | None = None) -> None:
        """Work until nothing is due. A build waits for transactions of other tests to end."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            while work(self.runtime, now):
                pass
            with self.unit() as services:
                if not services.session.scalar(
                    text("select count(*) from segments where status = 'building'")
                ):
                    return
        raise AssertionError("a segment is still building")

    def members(self, segment: UUID) -> list[UUID]:
        with self.unit() as services:
            return member_ids(services, segment)

    def told(self, segment: UUID) -> list[tuple[str, UUID]]:
        with self.unit() as services:
            found = services.session.execute(
                text(
                    "select name, contact_id from events where data @> jsonb_build_object('segment_id', cast(:s as text)) order by id"
                ),
                {"s": str(segment)},
            )
            return [tuple(row) for row in found]


@pytest.fixture
def room(runtime, tenant) -> Room:
    return Room(runtime, tenant)


def test_a_segment_is_built_silently_and_kept_exactly_once(room: Room) -> None:
    first, second = room.contact(tags=["vip"]), room.contact()
    segment = room.segment(VIP)
    assert room.members(segment) == [first] and room.told(segment) == []
    room.change(second, tags=["VIP"])
    room.change(second, title="Boss")
    room.keep()
    room.keep()
    assert room.members(segment) == [first, second]
    room.change(first, tags=[])
    room.keep()
    assert room.told(segment) == [("segment.entered", second), ("segment.left", first)]
    with room.unit() as services:
        row = services(Segments).find(segment)
        assert (row.status, row.member_count, row.problem) == ("ready", 1, "")
        assert services.session.scalar(text("select count(*) from segment_changes")) == 0
        assert services.session.scalar(text("select count(*) from segment_members")) == 1
        services(Contacts).delete(services(Contacts).find(second))
    room.keep()
    assert room.members(segment) == []


def test_changes_of_a_business_and_events_reach_its_contacts(room: Room) -> None:
    with room.unit() as services:
        business = services(Businesses).create({"name": "Acme", "city": "Rome"}).id
    ada, bob = room.contact(business_id=str(business)), room.contact()
    in_paris = room.segment({"field": "business.city", "value": "paris"})
    payers = room.segment({"event": "order.paid", "at_least": 2, "match": {"plan": "pro"}})
    with room.unit() as services:
        services(Businesses).update(services(Businesses).find(business), {"city": "Paris"})
        emit(services, [Event(room.tenant.id, "order.paid", bob, {"plan": "pro"}) for _ in range(2)])
        emit(services, [Event(room.tenant.id, "order.lost", ada, {"plan": "pro"})])
    room.keep()
    assert room.members(in_paris) == [ada] and room.members(payers) == [bob]
    with room.unit() as services:
        services(Businesses).delete(services(Businesses).find(business))
    room.keep()
    assert room.members(in_paris) == []


def test_time_alone_flips_answers_at_their_moment(room: Room) -> None:
    with room.unit() as services:
        services(Fields).create("contact", "renews", "Renews", "date")
    now = datetime.now(UTC)
    day = (now + timedelta(days=10)).date().isoformat()
    contact = room.contact(fields={"renews": day})
    soon = room.segment({"field": "contact.fields.renews", "op": "in_next_days", "value": 5})
    fresh = room.segment({"field": "contact.created_at", "op": "within_days", "value": 7})
    assert room.members(soon) == [] and room.members(fresh) == [contact]
    room.keep(now + timedelta(days=3))
    assert room.members(soon) == [] and room.members(fresh) == [contact]
    for days in (6, 6, 7.5):
        room.keep(now + timedelta(days=days))
    assert room.members(soon) == [contact] and room.members(fresh) == []
    room.keep(now + timedelta(days=12))
    assert [name for name, _ in room.told(soon)] == ["segment.entered", "segment.left"]
    assert room.told(fresh) == [("segment.left", contact)]
    with room.unit() as services:
        assert services.session.scalar(text("select count(*) from segment_members")) == 0


def test_a_date_at_the_end_of_time_can_be_listed(room: Room, api: Any) -> None:
    api.post("fields", {"key": "ends", "title": "Ends", "kind": "date"})
    ada = room.contact(fields={"ends": "9999-12-31"})
    old = {"field": "contact.fields.ends", "op": "older_than_days", "value": 1}
    segment = room.segment({"none": [old]})
    assert [row["id"] for row in api.data(f"segments/{segment}/contacts")] == [str(ada)]


def test_an_edit_builds_anew_and_tells_only_if_asked(room: Room) -> None:
    vip, plain = room.contact(tags=["vip"]), room.contact()
    segment = room.segment(VIP)
    for condition, announce, told in (
        ({"none": [VIP]}, False, []),
        (VIP, True, [("segment.entered", vip), ("segment.left", plain)]),
    ):
        with room.unit() as services:
            services(Segments).change(
                services(Segments).find(segment), {"condition": condition, "announce": announce}
            )
        room.keep()
        assert room.told(segment) == told
    assert room.members(segment) == [vip]


def test_what_cannot_be_asked_keeps_nobody_waiting(room: Room, monkeypatch: Any) -> None:
    """Neither a segment that is broken nor one that waits to be built stands before others with its due rows."""
    contact, later = room.contact(), datetime.now(UTC) + timedelta(days=8)
    fresh = {"field": "contact.created_at", "op": "within_days", "value": 7}
    first, second, third = (room.segment(fresh) for _ in range(3))
    monkeypatch.setattr(keeping, "CHECKS", text(f"{keeping.CHECKS.text.rsplit(' ', 1)[0]} 1"))
    put = text("update segments set status = :s, barrier = :b, condition = cast(:c as jsonb) where id = :i")
    with room.unit() as services:
        services.session.execute(put, {"s": "ready", "b": None, "c": '{"field": "gone"}', "i": first})
        services.session.execute(
            put, {"s": "building", "b": str(2**62), "c": orjson.dumps(fresh).decode(), "i": second}
        )
    with room.unit() as services:
        services.session.execute(text("select pg_current_xact_id()"))
        for _ in range(4):
            work(room.runtime, later)
        assert room.members(third) == [] and room.told(third) == [("segment.left", contact)]
        assert services(Segments).find(first).status == "broken"
        due = text("select count(*) from segment_members where segment_id = :i and next_check_at is not null")
        assert services.session.scalar(due, {"i": first}) == 0


def test_workspaces_take_turns(room: Room, runtime: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(keeping, "TENANTS", 1)
    rooms = [room, Room(runtime, make_tenant(runtime))]
    segments = [each.segment(VIP) for each in rooms]
    people = [each.contact(tags=["vip"]) for each in rooms]
    for _ in range(2):
        work(runtime)
        for each in rooms:  # there is always more to do for both
            each.contact()
    assert [each.members(segment) for each, segment in zip(rooms, segments, strict=True)] == [
        [id] for id in people
    ]


def test_a_writer_that_began_before_the_segment_is_not_lost(room: Room) -> None:
    contact = room.contact()
    with room.unit() as services:  # its trigger sees no segment yet, so it leaves no note
        services(Contacts).update(services(Contacts).find(contact), {"tags": ["vip"]})
        with room.unit() as other:
            segment = other(Segments).create({"name": "VIPs", "condition": VIP}).id
        for _ in range(3):
            work(room.runtime)
        with room.unit() as other:
            assert other(Segments).find(segment).status == "building"
    room.keep()
    assert room.members(segment) == [contact]


def test_the_json_door(room: Room, api: Any) -> None:
    vip, plain = room.contact(tags=["vip"], email="ada@example.com"), room.contact()
    counted = api.post("segments/count", {"condition": VIP}).json["data"]
    assert counted["count"] == 1 and counted["sample"][0]["email"] == "ada@example.com"
    made = api.post("segments", {"name": "VIPs", "condition": VIP}).json["data"]
    assert made["status"] == "building"
    api.post("segments", {"name": "VIPs", "condition": VIP}, status=409)
    room.keep()
    path = f"segments/{made['id']}"
    assert api.data(path)["member_count"] == 1 and api.data("segments")[0]["name"] == "VIPs"
    assert [row["id"] for row in api.data(f"{path}/contacts")] == [str(vip)]
    why = api.data(f"{path}/contacts/{plain}/why")
    assert (why["matches"], why["is_member"]) == (False, False)
    assert why["trail"] == [
        {"field": "contact.tags", "op": "has", "value": "vip", "found": [], "answer": False}
    ]
    assert [row["id"] for row in api.data("contacts", segment=made["id"])] == [str(vip)]
    assert [
        row["id"]
        for row in api.data(
            "contacts", filter='{"none": [{"field": "contact.tags", "op": "has", "value": "VIP"}]}'
        )
    ] == [str(plain)]
    api.patch(path, {"description": "Our best"})
    api.delete(path)
    api.get(path, status=404)
    api.get(f"{path}/contacts", status=404)


@pytest.mark.parametrize(
    ("condition", "place"),
    [
        ({"field": "contact.fields.x", "op": "gt", "value": "ten"}, "condition.value"),
        ({"all": [{"field": "contact.title", "op": "like", "value": "x"}]}, "condition.all.0.op"),
        ({"any": [{"field": "contact.title", "value": "x"}] * 10_000}, "condition.any.200"),
        ({"any": [{"event": "a.b"}] * 50}, "condition.any.20"),
        ({"field": "event.data.x", "value": 1}, "condition.field"),
        ({"field": "contact.title", "op": "before", "value": "2026-02-30"}, "condition.value"),
        ({"email": "opened", "of": "run"}, "condition.of"),
        ({}, "condition"),
    ],
)
def test_bad_conditions_are_refused_with_their_place(api: Any, condition: Any, place: str) -> None:
    for path, body in (("segments/count", {}), ("segments", {"name": "Bad"})):
        answer = api.post(path, body | {"condition": condition}, status=400).json
        assert list(answer["details"]) == [place]


def test_bad_filters_are_refused(api: Any) -> None:
    for given in ("{", "[]", "3", '{"field": "contact.x", "op": "?"}', '{"event": "a", "within_days": NaN}'):
        assert any(
            key.startswith("filter") for key in api.get("contacts", filter=given, status=400).json["details"]
        )
    api.get("contacts", segment="nonsense", status=400)


def test_entering_a_segment_starts_a_run_and_only_then(runtime, room: Room) -> None:
    early, late = room.contact(tags=["vip"]), room.contact()
    segment = room.segment(VIP)
    world = World(runtime, room.tenant.id)
    graph = {
        "schema": 1,
        "nodes": [{"id": "end", "type": "stop", "config_version": 1, "config": {}}],
        "edges": [],
    }
    flow = world.workflow(graph, ("segment_entered", {"segment_id": str(segment)}))
    room.change(late, tags=["vip"])
    room.keep()
    world.settle()
    with room.unit() as services:
        query = text("select contact_id from workflow_runs where workflow_id = :flow")
        assert list(services.session.scalars(query, {"flow": flow})) == [late] != [early]


def test_many_workers_tell_each_flip_once(room: Room) -> None:
    people = [room.contact() for _ in range(12)]
    segment = room.segment(VIP)
    over = threading.Event()
    workers = [threading.Thread(target=keep_working, args=(room, over)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for n in range(4):
        for each in people[n::2]:
            room.change(each, tags=["vip"] if n % 2 == 0 else [])
    over.set()
    for worker in workers:
        worker.join(60)
    room.keep()
    told: dict[UUID, list[str]] = {}
    for name, contact in room.told(segment):
        told.setdefault(contact, []).append(name)
    for names in told.values():  # never twice the same in a row
        assert all(one != two for one, two in pairwise(names)) and names[0] == "segment.entered"
    inside = {contact for contact, names in told.items() if names[-1] == "segment.entered"}
    with room.unit() as services:
        tagged = services.session.scalars(text("select id from business_contacts where tags = '{vip}'"))
        assert set(room.members(segment)) == set(tagged) == inside


def keep_working(room: Room, over: Any) -> None:
    while not over.is_set():
        work(room.runtime)
