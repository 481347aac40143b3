"""Names that the builder's forms offer for expressions stand for something."""

from __future__ import annotations

import pytest

from autoloop.businesses.conditions_sql.paths import NOTHING, value_at
from autoloop.workflows.pages.builder.rooms import BUSINESS, CONTACT


@pytest.mark.parametrize(
    "path", [*(("contact", name) for name in CONTACT), *(("business", name) for name in BUSINESS)]
)
def test_what_is_offered_is_there(path: tuple[str, str]) -> None:
    assert value_at(path) != NOTHING
