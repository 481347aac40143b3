"""How many emails a worker claims at once."""

from __future__ import annotations

from autoloop.mail.delivery.worker import next_batch


def test_grows_while_servers_are_quick_and_shrinks_while_they_are_slow() -> None:
    batch, seen = 100, []
    for claimed, seconds in (
        (100, 0.1),
        (200, 0.2),
        (400, 0.2),
        (400, 0.5),
        (60, 0.1),
        (400, 5.0),
        (200, 5.0),
    ):
        batch = next_batch(batch, claimed, seconds, usual=100)
        seen.append(batch)
    assert seen == [200, 400, 400, 400, 400, 200, 100]


def test_a_very_slow_server_holds_a_handful_at_a_time() -> None:
    batch = 100
    for _ in range(10):
        batch = next_batch(batch, batch, 30.0, usual=100)
    assert batch == 10


def test_a_smaller_batch_of_the_settings_is_never_raised_by_slowness() -> None:
    assert next_batch(2, 2, 30.0, usual=2) == 2
