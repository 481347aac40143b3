"""Segments over 100,000 contacts: the first build, a changed contact, and counting, beside the plain statements."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import text

from autoloop.businesses.services.segments import Segments
from autoloop.businesses.services.segments.keeping import work
from benchmarks.stand import Stand, report, stand, timed

CONTACTS = 100_000
BATCH = 2_000
CONDITION = {
    "all": [
        {"field": "contact.tags", "op": "has", "value": "vip"},
        {"field": "contact.fields.seats", "op": "gte", "value": 5},
        {
            "any": [
                {"field": "contact.fields.plan", "value": "Pro"},
                {"field": "contact.title", "op": "contains", "value": "chief"},
            ]
        },
        {"none": [{"email": "replied", "within_days": 30}]},
    ]
}
FILL = text("""
update business_contacts set tags = case when ascii(right(id::text, 1)) % 2 = 0 then array['vip'] else '{}' end,
  title = case when ascii(right(id::text, 2)) % 3 = 0 then 'Chief of all' else 'Clerk' end,
  fields = jsonb_build_object('seats', ascii(right(id::text, 3)) % 10, 'plan', 'pro') where workspace_id = :w""")
PLAIN = text("""
insert into segment_floor select workspace_id, id, true, now() from business_contacts
where workspace_id = :w and tags @> array['vip'] and (fields->>'seats')::int >= 5
  and (lower(fields->>'plan') = 'pro' or title ilike '%chief%')""")
COUNT = text("""
select count(*) from business_contacts where workspace_id = :w and tags @> array['vip']
  and (fields->>'seats')::int >= 5 and (lower(fields->>'plan') = 'pro' or title ilike '%chief%')""")
TOUCH = text("""
update business_contacts set title = title || '', tags = case when tags = '{}' then array['vip'] else '{}' end
where workspace_id = :w and id = any(:ids)""")


def main(rounds: int, seconds: float) -> None:
    with stand() as made:
        people = made.contacts(CONTACTS)
        touch = Touch(made, people)
        with made.runtime.unit("web", made.workspace_id) as services:
            services.session.execute(FILL, {"w": made.workspace_id})
        owner(
            made,
            "create table segment_floor (w uuid, c uuid, m boolean, at timestamptz, primary key (w, c));"
            "grant select, insert, delete, truncate on segment_floor to autoloop_web",
        )
        made.analyze()
        figures: dict[str, list[float]] = {
            name: []
            for name in ("plain insert", "first build", "plain count", "count", "touch", "touch, kept")
        }
        for n in range(rounds):
            owner(made, "truncate segment_floor")
            figures["plain insert"].append(CONTACTS * rate(lambda: written(made, PLAIN)))
            figures["plain count"].append(CONTACTS * rate(lambda: written(made, COUNT)))
            figures["count"].append(CONTACTS * rate(lambda: counted(made)))
            figures["touch"].append(timed(touch))
            key = segment(made, n)
            figures["first build"].append(CONTACTS * rate(lambda: settled(made)))
            figures["touch, kept"].append(timed(lambda: touch() + 0 * settled(made)))
            with made.runtime.unit("web", made.workspace_id) as services:
                services(Segments).delete(services(Segments).find(key))
            settled(made)
        names = ("plain insert", "first build")
        report(
            "First build of a segment", "contacts/s", {name: figures[name] for name in names}, floor=names[0]
        )
        names = ("plain count", "count")
        report("Live count", "contacts/s", {name: figures[name] for name in names}, floor=names[0])
        names = ("touch", "touch, kept")
        report(
            f"Change {BATCH:,} contacts, half flip",
            "contacts/s",
            {name: figures[name] for name in names},
            floor=names[0],
        )


class Touch:
    """Flip the tag of some contacts, in one transaction."""

    def __init__(self, made: Stand, people: list[UUID]) -> None:
        self.made, self.people, self.chance = made, people, random.Random(1)

    def __call__(self) -> int:
        ids = self.chance.sample(self.people, BATCH)
        with self.made.runtime.unit("web", self.made.workspace_id) as services:
            services.session.execute(TOUCH, {"w": self.made.workspace_id, "ids": ids})
        return len(ids)


def rate(work_once: Callable[[], Any]) -> float:
    return timed(lambda: work_once() * 0 + 1)


def written(made: Stand, statement: Any) -> int:
    with made.runtime.unit("web", made.workspace_id) as services:
        services.session.execute(statement, {"w": made.workspace_id})
    return 1


def counted(made: Stand) -> int:
    with made.runtime.unit("web", made.workspace_id) as services:
        return int(services(Segments).count(CONDITION)["count"])


def segment(made: Stand, n: int) -> UUID:
    with made.runtime.unit("web", made.workspace_id) as services:
        return services(Segments).create({"name": f"Bench {n}", "condition": CONDITION}).id


def settled(made: Stand) -> int:
    while work(made.runtime):
        pass
    return 1


def owner(made: Stand, statements: str) -> None:
    import psycopg

    with psycopg.connect(made.owner_dsn(), autocommit=True) as connection:
        connection.execute(statements)  # type: ignore[arg-type]
