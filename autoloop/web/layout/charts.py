"""Small charts as SVG paths: printable, testable, no script. Each page shows the numbers as a table too."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["bars", "spark"]


def spark(values: Sequence[float], width: int = 200, height: int = 34) -> str:
    """The path of a line through `values`, in a box of width × height."""
    if len(values) < 2:
        values = [*values, *values] or [0, 0]
    low, high = min(values), max(values)
    reach = (high - low) or 1
    points = [
        (round(index * width / (len(values) - 1), 1), round(height - 3 - (value - low) / reach * (height - 6), 1))
        for index, value in enumerate(values)
    ]
    return "M" + "L".join(f"{x} {y}" for x, y in points)


def bars(values: Sequence[float], width: int = 200, height: int = 60, gap: float = 2) -> list[tuple[float, float, float, float]]:
    """Rectangles (x, y, width, height) of a bar for each value."""
    if not values:
        return []
    highest = max(values) or 1
    step = width / len(values)
    return [
        (round(index * step, 1), round(height - value / highest * height, 1), round(max(step - gap, 1), 1), round(value / highest * height, 1))
        for index, value in enumerate(values)
    ]
