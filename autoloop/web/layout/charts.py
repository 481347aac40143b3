"""Small charts as SVG paths: printable, testable, no script. Each has the numbers as a table beside it."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["bars", "line"]

EDGE = 3  # room for the stroke above and below


def line(values: Sequence[float], width: float, height: float, *, from_zero: bool = False) -> str:
    """The path of a line through `values`, filling width × height; its foot is 0 or the lowest value."""
    if len(values) < 2:
        values = [*values, *values] or [0, 0]
    low, high = 0 if from_zero else min(values), max(values)
    reach = (high - low) or 1
    points = [
        (
            round(index * width / (len(values) - 1), 1),
            round(height - EDGE - (value - low) / reach * (height - 2 * EDGE), 1),
        )
        for index, value in enumerate(values)
    ]
    return "M" + "L".join(f"{x} {y}" for x, y in points)


def bars(
    values: Sequence[float], width: float, height: float, gap: float = 2
) -> list[tuple[float, float, float, float]]:
    """Rectangles (x, y, width, height), one for each value, standing on the foot of width × height."""
    highest = max(values, default=0) or 1
    step = width / (len(values) or 1)
    broad = round(max(step - gap, 1), 1)
    heights = [round(value / highest * height, 1) for value in values]
    return [
        (round(index * step + gap / 2, 1), round(height - tall, 1), broad, tall)
        for index, tall in enumerate(heights)
    ]
