from __future__ import annotations

from datetime import UTC, datetime, timedelta

from autoloop.base.ids import id_floor, id_time, new_id, parse_id


def test_ids_are_in_order_of_time_and_know_it() -> None:
    before = datetime.now(UTC)
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 1000
    assert all(each.version == 7 for each in ids)
    assert abs(id_time(ids[0]) - before) < timedelta(seconds=1)


def test_the_floor_of_a_moment_is_below_every_id_made_then() -> None:
    moment = datetime.now(UTC)
    assert id_floor(moment) <= new_id()
    assert id_floor(moment + timedelta(seconds=2)) > new_id()


def test_only_the_canonical_form_is_an_id() -> None:
    key = new_id()
    assert parse_id(str(key)) == key
    for text in (str(key).upper(), key.hex, f"{{{key}}}", str(key) + " ", "", "z" * 36, f"urn:uuid:{key}"):
        assert parse_id(text) is None
