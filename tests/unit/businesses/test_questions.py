"""Questions that forms offer can be answered."""

from __future__ import annotations

import pytest

from autoloop.businesses.conditions_sql.paths import NOTHING, value_at
from autoloop.businesses.questions.words import OWN


@pytest.mark.parametrize("path", OWN)
def test_what_can_be_asked_is_there(path: str) -> None:
    assert value_at(path.split(".")) != NOTHING
