"""The demo's own manners: whose data it removes, and that its people always do the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoloop.demo.files import example
from autoloop.demo.folder import NotADemoError, wipe
from autoloop.demo.people import deeds
from autoloop.embedded.lock import AlreadyRunningError, StackLock


def test_it_empties_only_what_a_demo_made(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("all I have")
    with pytest.raises(NotADemoError, match="--data"):
        wipe(mine)
    assert (mine / "thesis.txt").exists()
    demo = tmp_path / "demo"
    assert wipe(demo) is False
    (demo / "sink.journal").write_text("old")
    wipe(demo)
    assert not (demo / "sink.journal").exists()


def test_it_does_not_empty_a_demo_that_runs(tmp_path: Path) -> None:
    wipe(tmp_path)
    (tmp_path / "sink.journal").touch()
    running = StackLock(tmp_path)
    running.take()
    try:
        with pytest.raises(AlreadyRunningError):
            wipe(tmp_path)
    finally:
        running.release()
    assert (tmp_path / "sink.journal").exists()


def test_people_react_the_same_way_each_time_and_in_all_ways() -> None:
    addresses = [f"person{number}@example.com" for number in range(2000)]
    first = [deed.event for address in addresses for deed in deeds(address, 1)]
    assert first == [deed.event for address in addresses for deed in deeds(address, 1)]
    assert 900 < first.count("email.opened") < 1300
    assert 180 < first.count("email.replied") < 300
    assert 15 < first.count("email.bounced") < 70
    assert 10 < first.count(None) < 60


def test_the_examples_are_there() -> None:
    assert example("businesses.csv").stat().st_size > 100_000
    assert example("workflows/three-step-outreach.json").exists()
