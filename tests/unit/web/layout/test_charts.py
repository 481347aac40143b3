"""Paths and rectangles stay in their box, whatever the numbers are."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from autoloop.web.layout.charts import bars, line

VALUES = st.lists(st.integers(0, 10**9), max_size=40)


@given(VALUES, st.booleans())
def test_a_line_has_a_point_for_each_value_inside_its_box(values: list[int], from_zero: bool):
    points = [
        tuple(map(float, each))
        for each in re.findall(r"([\d.]+) ([\d.]+)", line(values, 200, 30, from_zero=from_zero))
    ]
    assert len(points) == max(len(values), 2)
    assert all(0 <= x <= 200 and 0 <= y <= 30 for x, y in points)


@given(VALUES)
def test_bars_stand_on_the_ground_in_order_of_their_values(values: list[int]):
    drawn = bars(values, 600, 160, 4)
    assert len(drawn) == len(values)
    for x, y, width, height in drawn:
        assert 0 <= x <= 600 and x + width <= 601
        assert abs(y + height - 160) < 0.11
    tallest = sorted(zip(values, (each[3] for each in drawn), strict=True))
    assert [height for _, height in tallest] == sorted(height for _, height in tallest)
