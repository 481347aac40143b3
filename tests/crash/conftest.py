"""Options of the crash test: `--runs`, `--kills`, `--flushes`, `--seed`."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("crash")
    group.addoption("--runs", type=int, default=300, help="Runs to walk while workers are killed")
    group.addoption("--kills", type=int, default=60, help="How often processes are killed")
    group.addoption("--flushes", type=int, default=5, help="How often Redis is emptied")
    group.addoption("--seed", type=int, default=None, help="Repeat the chances of an earlier test")
