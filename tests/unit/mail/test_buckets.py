"""Token buckets: who may go, and when the others have their turn."""

from __future__ import annotations

from autoloop.mail.governor.buckets import BULK, HORIZON, PROMPT, Bucket, Demand, Level, spend

TEN = Bucket("ten", rate=10, burst=10)
SLOW = Bucket("slow", rate=0.1, burst=1)


def test_a_burst_goes_and_the_rest_gets_turns_of_its_own() -> None:
    waits, causes, after = spend([TEN], {}, [Demand(BULK, (0,))] * 15, 1000.0)
    assert waits[:10] == [0] * 10 and causes[:10] == [-1] * 10
    assert [round(wait, 3) for wait in waits[10:]] == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert causes[10:] == [0] * 5
    waits, _, _ = spend([TEN], after, [Demand(BULK, (0,))] * 2, 1000.0)
    assert [round(wait, 3) for wait in waits] == [0.6, 0.7], "behind those who wait already"
    waits, _, _ = spend([TEN], after, [Demand(BULK, (0,))] * 6, 1000.5)
    assert waits[:5] == [0] * 5, "what the bucket gained meanwhile"


def test_what_is_prompt_does_not_queue_behind_a_campaign() -> None:
    _, _, after = spend([SLOW], {}, [Demand(BULK, (0,))] * 50, 1000.0)
    waits, _, _ = spend([SLOW], after, [Demand(PROMPT, (0,))], 1001.0)
    assert round(waits[0], 3) == 9


def test_a_mail_takes_from_all_its_buckets_or_from_none() -> None:
    waits, causes, after = spend(
        [TEN, SLOW], {"slow": Level(0.0, 1000.0)}, [Demand(BULK, (0, 1)), Demand(BULK, (0,))], 1000.0
    )
    assert [round(wait, 3) for wait in waits] == [10, 0]
    assert causes == [1, -1]
    assert after["ten"].tokens == 9


def test_nobody_is_put_off_for_longer_than_the_horizon() -> None:
    waits, _, _ = spend([SLOW], {}, [Demand(BULK, (0,))] * 1000, 1000.0)
    assert max(waits) == HORIZON


def test_a_clock_that_jumps_back_takes_no_tokens() -> None:
    waits, _, after = spend([TEN], {"ten": Level(3.0, 2000.0)}, [Demand(BULK, (0,))] * 3, 1000.0)
    assert waits == [0, 0, 0]
    assert after["ten"].tokens == 0
