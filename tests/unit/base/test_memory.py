"""What a process gives back of its memory."""

from __future__ import annotations

import platform

import psutil
import pytest

from autoloop.base import memory

MIB = 2**20


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps it")
def test_freed_memory_goes_back_to_the_system_at_most_every_few_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def after_much_work() -> int:
        kept = [bytes(700) for _ in range(100_000)][::200]
        before = psutil.Process().memory_info().rss
        memory.give_back()
        assert kept
        return before - psutil.Process().memory_info().rss

    monkeypatch.setattr(memory, "_given_back", -memory._SELDOM)
    assert after_much_work() > 30 * MIB
    assert after_much_work() < 30 * MIB
