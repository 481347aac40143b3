"""What many functional tests stand on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autoloop.embedded.smtp_sink import Sink


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A mail server on this machine that keeps what it takes."""
    with Sink() as running:
        yield running
