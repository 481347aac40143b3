"""How long a provider asks to wait: a number of seconds, or a date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from autoloop_plugins.email.answers import read_wait


@pytest.mark.parametrize(
    ("given", "wait"),
    [
        ("9", 9),
        (" 0 ", 0),
        ("9" * 400, 86_400),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("٣", None),
        ("1e9", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("Fri, 31 Dec 99999999999999999999 23:59:59 GMT", None),
    ],
)
def test_what_is_asked_for(given: str, wait: float | None) -> None:
    assert read_wait(given) == wait


def test_a_date_that_comes() -> None:
    at = datetime.now(UTC) + timedelta(minutes=10)
    assert read_wait(format_datetime(at, usegmt=True)) == pytest.approx(600, abs=10)
