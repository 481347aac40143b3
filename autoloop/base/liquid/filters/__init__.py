"""The filters of the dialect. One whose cost cannot be known beforehand is not here."""

from __future__ import annotations

from autoloop.base.liquid.filters.contract import Filter, Work, whole
from autoloop.base.liquid.filters.dates import DATES
from autoloop.base.liquid.filters.lists import LISTS
from autoloop.base.liquid.filters.numbers import NUMBERS
from autoloop.base.liquid.filters.texts import TEXTS

__all__ = ["FILTERS", "Filter", "Work", "whole"]

FILTERS: dict[str, Filter] = {**TEXTS, **NUMBERS, **LISTS, **DATES}
