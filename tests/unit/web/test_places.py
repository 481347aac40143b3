"""Places: as many at a time as there are, and nobody overtakes."""

from __future__ import annotations

import threading

from autoloop.web.places import Places


def test_who_waits_longest_is_next_and_newcomers_do_not_overtake() -> None:
    places, order = Places(1), []

    def come(name: str) -> None:
        with places:
            order.append(name)

    waiting = []
    with places:
        for name in "abc":
            thread = threading.Thread(target=come, args=(name,))
            thread.start()
            waiting.append(thread)
            while places.waiting < len(waiting):
                thread.join(0.001)
        assert order == []
    come("late")
    for thread in waiting:
        thread.join(10)
    assert order == ["a", "b", "c", "late"]
