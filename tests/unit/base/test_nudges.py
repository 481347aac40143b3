from __future__ import annotations

import socket
import threading
import time

import pytest

from autoloop.base.nudges import Nudger


@pytest.fixture
def silent_broker():
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []
        threading.Thread(target=lambda: [held.append(server.accept()) for _ in range(3)], daemon=True).start()
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def test_a_broker_that_never_answers_does_not_hold_up_the_caller_and_nothing_the_next_time(
    silent_broker,
) -> None:
    nudger = Nudger(silent_broker)
    started = time.monotonic()
    assert nudger.nudge("advance") is False
    assert time.monotonic() - started < 2
    started = time.monotonic()
    assert nudger.nudge("advance") is False
    assert time.monotonic() - started < 0.05


def test_a_broker_that_is_gone_raises_nothing() -> None:
    assert Nudger("redis://127.0.0.1:1/0").nudge("advance") is False
