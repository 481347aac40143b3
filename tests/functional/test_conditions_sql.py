"""A condition answers the same in Python, as runs ask it, and in SQL, as segments and filters do."""

from __future__ import annotations

import json
import random
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from autoloop.base.ids import id_floor, new_id
from autoloop.businesses.conditions_sql import compile_set, happenings, joined
from autoloop.businesses.models import Business, Contact
from autoloop.businesses.services.facts import load_contacts
from autoloop.plugins.conditions import FIELD_OPERATORS, BadCondition, compile_condition
from autoloop.plugins.conditions.folding import fold
from autoloop.plugins.conditions.values import contains, moment, number
from tests.factories import make_tenant

NOW = datetime.now(UTC).replace(microsecond=250_000)
DAY = timedelta(days=1)
WORDS = (
    *(
        "pro",
        "PRO",
        "Straße",
        "STRASSE",
        "ΟΔΟΣ",
        "οδος",
        "İ",
        "i",
        "ß",
        "ẞ",
        "naïve",
        "NAÏVE",
        "K",
        "k",
        "",
        " ",
    ),
    *("3", "3.0", "true", "2026-02-30", "2026-13-01", "0000-01-01", "9999-12-31T23:59:59-14:00"),
    *(
        "2026-03-01",
        "2026-03-01T09:00",
        "2026-03-01 09:00:00.5+05:30",
        "2026-03-01T24:00:00",
        "%",
        "_",
        "a%b",
        "\\",
    ),
)
NUMBERS = (
    0,
    -0.0,
    3,
    3.0,
    -1,
    2.5,
    1e299,
    1e300,
    1e301,
    5e-324,
    1e-300,
    2**53,
    2**53 + 1,
    0.1,
    0.30000000000000004,
)
NEAR = tuple(
    (NOW + timedelta(days=d, microseconds=m)).isoformat()
    for d in (-400, -8, -7, -1, 0, 1, 7)
    for m in (-1, 0, 1)
)
SCALARS = (*WORDS, *NUMBERS, *NEAR, True, False)
EVENTS = ("order.paid", "email.opened", "email.replied")


def a_value(chance: random.Random, deep: int = 0) -> Any:
    kind = chance.random()
    if kind > 0.75:
        return chance.choice((*NUMBERS, *NEAR))
    if kind < 0.1 and deep < 2:
        return [a_value(chance, deep + 1) for _ in range(chance.randrange(4))]
    if kind < 0.2 and deep < 2:
        return {key: a_value(chance, deep + 1) for key in chance.sample(("a", "b", "0"), 2)}
    return None if kind < 0.25 else chance.choice(SCALARS)


def some_fields(chance: random.Random) -> dict[str, Any]:
    return {key: a_value(chance) for key in ("x", "y", "z") if chance.random() < 0.7}


@dataclass
class World:
    """Contacts with all kinds of values, what SQL sees of them, and what Python does."""

    services: Any
    known: dict[UUID, Any] = field(default_factory=dict)


@dataclass
class Known:
    now: datetime
    contact: Any
    business: Any
    happenings: Any
    run_id: str = ""


@pytest.fixture(scope="module")
def world(runtime) -> Any:
    chance = random.Random(20260301)
    tenant = make_tenant(runtime)
    with runtime.unit("web", tenant.id) as services:
        companies = [
            Business(
                workspace_id=tenant.id,
                id=new_id(),
                name=f"{chance.choice(WORDS)} {n}",
                city=chance.choice(WORDS),
                tags=chance.sample(WORDS, 2),
                fields=some_fields(chance),
                created_at=NOW - n * DAY,
            )
            for n in range(8)
        ]
        services.session.add_all(companies)
        services.session.flush()
        contacts = [
            Contact(
                workspace_id=tenant.id,
                id=new_id(),
                email=chance.choice((None, f"P{n}@Example.com")),
                business_id=chance.choice((None, *(each.id for each in companies))),
                title=chance.choice(WORDS),
                first_name=chance.choice(WORDS),
                last_name=chance.choice((*WORDS, "\u3000x\t")),
                status=chance.choice(("active", "unsubscribed")),
                consent_at=chance.choice((None, NOW, NOW - 7 * DAY)),
                tags=sorted(chance.sample(WORDS, chance.randrange(4))),
                topics=chance.sample(("news", "offers"), 1),
                fields=some_fields(chance),
                created_at=NOW - timedelta(days=n % 10, microseconds=n % 3),
            )
            for n in range(120)
        ]
        services.session.add_all(contacts)
        services.session.flush()
        for each in contacts:
            for _ in range(chance.randrange(5)):
                at = NOW - timedelta(
                    days=chance.choice((0, 1, 7, 7, 30, 90, 120)), microseconds=chance.randrange(-1, 2)
                )
                key = UUID(int=id_floor(at).int | chance.getrandbits(60))
                services.session.execute(
                    text(
                        "insert into events (workspace_id, id, name, contact_id, data, pending, occurred_at, received_at)"
                        " values (:w, :i, :n, :c, cast(:d as jsonb), false, :a, :a)"
                    ),
                    {
                        "w": tenant.id,
                        "i": key,
                        "n": chance.choice(EVENTS),
                        "c": each.id,
                        "a": at,
                        "d": orjson.dumps(
                            {"sum": a_value(chance), "node": chance.choice(("m1", "m2"))}
                        ).decode(),
                    },
                )
    with runtime.unit("web", tenant.id) as services:
        made = World(services)
        facts = load_contacts(services, [(tenant.id, each.id) for each in contacts])
        for key, each in facts.items():
            made.known[key] = Known(
                NOW, each["contact"], each["business"] or {}, happenings(services, key, EVENTS, NOW)
            )
        yield made


PATHS = st.sampled_from(
    [
        *(
            f"contact.{name}"
            for name in ("name", "email", "title", "tags", "topics", "created_at", "consent.at", "consent")
        ),
        *(f"contact.fields{rest}" for rest in (".x", ".y", ".x.a", ".x.0", ".z.b", "")),
        *(
            "contact.fields.x",
            "contact.fields.y",
            "contact.fields.z",
            "business.fields.x",
            "contact.created_at",
        )
        * 3,
        *("contact.id", "contact.nothing", "contact.email.x", "contact.consent.marketing", "contact.status"),
        *(
            "business.name",
            "business.city",
            "business.tags",
            "business.fields.x",
            "business.created_at",
            "business.id",
        ),
    ]
)
SCALAR = st.sampled_from(SCALARS)
DATES = [text for text in (*WORDS, *NEAR) if moment(text)]
VALUES = {
    "scalar": SCALAR,
    "text": st.sampled_from([word for word in WORDS if word]),
    "number": st.sampled_from([each for each in NUMBERS if number(each) is not None]),
    "list": st.lists(SCALAR, min_size=1, max_size=4),
    "moment": st.sampled_from(DATES),
    "days": st.sampled_from([0, 1, 7, 7.5, 90, 0.1]),
}
DAYS = VALUES["days"]
PARTS = st.recursive(
    st.one_of(SCALAR, st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("ab0"), inner, max_size=2)
    ),
    max_leaves=3,
)
CENTURY = timedelta(days=36_500)


@st.composite
def leaves(draw: Any) -> dict[str, Any]:
    kind = draw(st.integers(0, 9))
    if kind < 7:
        op = draw(st.sampled_from(sorted(FIELD_OPERATORS)))
        takes = FIELD_OPERATORS[op].takes
        spec: dict[str, Any] = {"field": draw(PATHS), "op": op}
        if takes != "nothing":
            spec["value"] = draw(VALUES[takes])
        return spec
    spec = {"op": draw(st.sampled_from(("happened", "never")))}
    if draw(st.booleans()):
        spec["within_days"] = draw(DAYS)
    if draw(st.booleans()):
        spec["at_least"] = draw(st.integers(1, 3))
    if kind < 9:
        spec["event"] = draw(st.sampled_from(EVENTS))
        if draw(st.booleans()):
            spec["match"] = draw(
                st.one_of(st.just({"node": "m1"}), st.builds(lambda each: {"sum": each}, PARTS))
            )
        return spec
    return spec | {
        "email": draw(st.sampled_from(("opened", "replied"))),
        "node": draw(st.sampled_from(("m1", None))),
    }


CONDITIONS = st.recursive(
    leaves(),
    lambda inner: st.builds(
        lambda kind, members: {kind: members},
        st.sampled_from(("all", "any", "none")),
        st.lists(inner, max_size=3),
    ),
    max_leaves=4,
)


@settings(
    max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
@given(CONDITIONS)
@example({"field": "contact.fields.x", "op": "is", "value": "strasse"})
@example({"any": []})
def test_python_and_sql_agree(world: World, spec: dict[str, Any]) -> None:
    try:
        condition = compile_condition(spec, of_sets=True)
    except BadCondition:
        return
    compiled = compile_set(condition, NOW)
    rows = world.services.session.execute(
        joined(
            select(
                Contact.id,
                compiled.matches,
                compiled.next_change if compiled.next_change is not None else text("null"),
            )
        )
    ).all()
    assert len(rows) == len(world.known)
    for key, answer, following in rows:
        known = world.known[key]
        assert condition.test(known) is answer, (spec, condition.explain(known), known)
        assert following is None or following > NOW
        if following is None and not condition.needs.events:  # what happened will be forgotten one day
            until = NOW + CENTURY
        else:
            until = following - timedelta(microseconds=1) if following else NOW
        later = Known(until, known.contact, known.business, known.happenings)
        assert condition.test(later) is answer, (spec, following, known)


def a_part(chance: random.Random, data: Any) -> Any:
    """Something that the data may contain: less of it, in another order, now and then another value."""
    if chance.random() < 0.1:
        return a_value(chance, 1)
    if isinstance(data, dict):
        return {key: a_part(chance, value) for key, value in data.items() if chance.random() < 0.7}
    if isinstance(data, list):
        return [a_part(chance, each) for each in chance.sample(data, chance.randint(0, len(data)))]
    return chance.choice((data, float(data))) if type(data) is int else data


def test_data_contain_the_same_here_and_there(world: World) -> None:
    chance = random.Random(11)
    held = [{"sum": a_value(chance), "more": [a_value(chance, 1), a_value(chance)]} for _ in range(4000)]
    asked = [a_part(chance, each) for each in held]
    found = world.services.session.execute(
        text(
            "select cast(d as jsonb) @> cast(m as jsonb) from unnest(cast(:d as text[]), cast(:m as text[])) with ordinality u(d, m, n) order by n"
        ),
        {"d": [json.dumps(each) for each in held], "m": [json.dumps(each) for each in asked]},
    ).scalars()
    answers = [contains(data, match) for data, match in zip(held, asked, strict=True)]
    assert 500 < sum(answers) < 3500
    for answer, there, data, match in zip(answers, found, held, asked, strict=True):
        assert answer is there, (data, match)


def test_case_is_the_same_for_every_letter(world: World) -> None:
    letters = [chr(code) for code in range(1, sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
    pieces = ["".join(letters[start : start + 1000]) for start in range(0, len(letters), 1000)]
    found = world.services.session.execute(
        text(
            "select autoloop_fold(each) from unnest(cast(:pieces as text[])) with ordinality u(each, n) order by n"
        ),
        {"pieces": pieces},
    ).scalars()
    assert list(found) == [fold(piece) for piece in pieces]


def test_moments_and_numbers_are_read_alike(world: World) -> None:
    chance = random.Random(7)
    texts = [
        *WORDS,
        *NEAR,
        "2024-02-29",
        "2023-02-29",
        "0001-01-01T00:00+00:01",
        "9999-12-31",
        "2026-03-01T09:00Z\n",
    ]
    texts += ["2026-03-01T09:00:00+2400", "2026-03-01T09:00:00-23:60", "2026-03-01T09:00:61", "٢٠٢٦-03-01"]
    for _ in range(3000):
        letters = list(chance.choice((*NEAR, "2026-02-28", "2026-03-01T09:00:00.123456+05:30")))
        for _ in range(chance.randrange(3)):
            letters[chance.randrange(len(letters))] = chance.choice("0123456789:-+.TZ ")
        texts.append("".join(letters))
    found = world.services.session.execute(
        text(
            "select autoloop_moment(each) from unnest(cast(:texts as text[])) with ordinality u(each, n) order by n"
        ),
        {"texts": texts},
    ).scalars()
    for given_text, at in zip(texts, found, strict=True):
        assert at == moment(given_text), given_text
    numbers = [*NUMBERS, 10**400, -(10**300), float("1e-310"), True, "3", None, [3]]
    read = world.services.session.execute(
        text(
            "select autoloop_number(cast(each as jsonb)) from unnest(cast(:n as text[])) with ordinality u(each, n) order by n"
        ),
        {"n": [json.dumps(each) for each in numbers]},
    ).scalars()
    assert list(read) == [number(each) for each in numbers]
