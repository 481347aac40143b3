"""From places to SVG. Colours are the style sheet's custom properties, so both themes are served."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup, escape

from autoloop.workflows.picture.boxes import FAMILIES, Box, Figure
from autoloop.workflows.picture.layout import Layout, lay_out

__all__ = ["draw", "draw_small"]

WIDE, HIGH = 212, 56
APART, DOWN = 32, 52
EDGE = 12


def draw(
    shown: Figure,
    *,
    label: str,
    counts: Mapping[str, str] | None = None,
    left: Mapping[str, Mapping[str, int]] | None = None,
    problems: Iterable[str | None] = (),
    links: Mapping[str, str] | None = None,
) -> Markup:
    """The whole graph, top to bottom.

    `counts`: node → a short text (“12 here”); `left`: node → port → how many went that way; `problems`:
    nodes to mark; `links`: node → where its box leads.
    """
    order = list(shown.boxes)
    ways = _ways(shown)
    layout = lay_out(order, list(ways), _first(shown))
    if not order:
        return Markup("")
    width = round(layout.width * (WIDE + APART) - APART + 2 * EDGE)
    height = layout.ranks * (HIGH + DOWN) - DOWN + 2 * EDGE
    parts = [
        (
            f'<svg class="graph{" wide" if width > 460 else ""}" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="{"group" if links else "img"}" aria-label="{escape(label)}" '
            'font-size="13" fill="currentColor">'
            '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto"><path d="M0 0 8 4 0 8Z" fill="var(--line-strong)"/></marker></defs>'
        )
    ]
    parts += _arrows(ways, layout, left or {})
    wrong = set(problems)
    for key, box in shown.boxes.items():
        drawn = _box(box, layout.places[key], (counts or {}).get(key, ""), wrong=key in wrong)
        href = (links or {}).get(key)
        parts.append(f'<a href="{escape(href)}">{drawn}</a>' if href else drawn)
    parts.append("</svg>")
    return Markup("".join(parts))  # noqa: S704 — every text in it went through escape


def draw_small(shown: Figure) -> Markup:
    """The graph's shape, left to right, for a row of a list. Says nothing to screen readers."""
    order = list(shown.boxes)
    ways = _ways(shown)
    layout = lay_out(order, list(ways), _first(shown))
    if not order:
        return Markup("")
    width, height = layout.ranks * 22 - 8 + 4, round(layout.width * 13 - 5 + 4)
    scale = min(1.0, 160 / width, 40 / height)

    def place(point: tuple[int, float]) -> tuple[float, float]:
        return point[0] * 22 + 2, point[1] * 13 + 2

    lines = []
    for route in layout.routes:
        way = [place(point) for point in route]
        way = [
            (way[0][0] + 7, way[0][1] + 4),
            *((x + 7, y + 4) for x, y in way[1:-1]),
            (way[-1][0] + 7, way[-1][1] + 4),
        ]
        lines.append("M" + "L".join(f"{x:.0f} {y:.1f}" for x, y in way))
    boxes = []
    for key, box in shown.boxes.items():
        x, y = place(layout.places[key])
        boxes.append(
            f'<rect x="{x:.0f}" y="{y:.1f}" width="14" height="8" rx="3" fill="var({FAMILIES[box.family]})"/>'
        )
    return Markup(  # noqa: S704 — numbers and our own names only
        f'<svg class="graph-small" viewBox="0 0 {width} {height}" width="{width * scale:.0f}" '
        f'height="{height * scale:.0f}" aria-hidden="true"><path d="{"".join(lines)}" fill="none" '
        f'stroke="var(--line-strong)"/>{"".join(boxes)}</svg>'
    )


def _first(shown: Figure) -> str | None:
    triggers = [key for key, box in shown.boxes.items() if box.family == "trigger"]
    return triggers[0] if triggers else shown.start


def _corner(point: tuple[int, float]) -> tuple[float, float]:
    return EDGE + point[1] * (WIDE + APART), EDGE + point[0] * (HIGH + DOWN)


def _ways(shown: Figure) -> dict[tuple[str, str], list[str]]:
    """From where to where, and by which ports: several ports to one place are one line."""
    ways: dict[tuple[str, str], list[str]] = {}
    for arrow in shown.arrows:
        ways.setdefault((arrow.source, arrow.target), []).append(arrow.port)
    return ways


def _arrows(
    ways: Mapping[tuple[str, str], Sequence[str]], layout: Layout, left: Mapping[str, Mapping[str, int]]
) -> list[str]:
    exits: dict[str, list[tuple[float, str]]] = {}  # for each node its targets, from left to right
    for source, target in ways:
        exits.setdefault(source, []).append((layout.places[target][1], target))
    parts = []
    for ((source, target), ports), route in zip(ways.items(), layout.routes, strict=True):
        corner_x, y = _corner(route[0])
        if source == target:
            parts.append(_line(f"M{corner_x + WIDE:.0f} {y + 18:.0f}c28 -10 28 32 0 22"))
            continue
        order = [each for _, each in sorted(exits[source])]
        x = corner_x + WIDE * (order.index(target) + 0.5) / len(order)
        down = route[1][0] > route[0][0]
        points = [(x, y + HIGH if down else y)]
        for bend in route[1:-1]:
            bend_x, bend_y = _corner(bend)
            ends = [(bend_x + WIDE / 2, bend_y), (bend_x + WIDE / 2, bend_y + HIGH)]
            points += ends if down else ends[::-1]
        last_x, last_y = _corner(route[-1])
        points.append((last_x + WIDE / 2, last_y - 1 if down else last_y + HIGH + 1))
        parts.append(_line(_curve(points)))
        gone = left.get(source, {})
        if len(order) > 1 or list(ports) != ["next"] or gone:
            words = [f"{port} {gone[port]:,}" if gone.get(port) else port for port in ports]
            below = y + HIGH + 16 if down else y - 8
            parts.append(
                f'<text x="{x:.0f}" y="{below:.0f}" text-anchor="middle" font-size="11" fill="var(--text-2)" '
                f'stroke="var(--surface)" stroke-width="4" paint-order="stroke">{escape(", ".join(words))}</text>'
            )
    return parts


def _line(way: str) -> str:
    return f'<path d="{way}" fill="none" stroke="var(--line-strong)" stroke-width="1.5" marker-end="url(#arrow)"/>'


def _curve(points: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = points
    way = f"M{x:.0f} {y:.0f}"
    for tx, ty in rest:
        middle = (y + ty) / 2
        way += f"C{x:.0f} {middle:.0f} {tx:.0f} {middle:.0f} {tx:.0f} {ty:.0f}"
        x, y = tx, ty
    return way


def _box(box: Box, point: tuple[int, float], count: str, *, wrong: bool) -> str:
    x, y = _corner(point)
    colour = f"var({FAMILIES[box.family]})"
    border = "var(--bad)" if wrong or box.lost else "var(--line-strong)"
    name = box.title if box.family == "trigger" else f"{box.title} ({box.id})"
    hint = "\n".join(part for part in (name, box.line, box.note, count) if part)
    parts = [
        f'<g transform="translate({x:.1f} {y:.1f})"><title>{escape(hint)}</title>'
        f'<rect width="{WIDE}" height="{HIGH}" rx="9" fill="var(--surface)" stroke="{border}"'
        + (' stroke-dasharray="4 3"/>' if box.lost else "/>")
        + f'<rect x="8" y="10" width="4" height="{HIGH - 20}" rx="2" fill="{colour}"/>'
        f'<text x="22" y="{HIGH / 2 + 4 if not (box.line or count) else 23:.0f}" font-weight="560">{escape(_cut(box.title, 26 - len(count)))}</text>'
    ]
    if box.line:
        parts.append(
            f'<text x="22" y="42" font-size="12" fill="var(--text-2)">{escape(_cut(box.line, 31))}</text>'
        )
    if count:
        parts.append(
            f'<text x="{WIDE - 12}" y="23" text-anchor="end" font-size="11" fill="{colour}">{escape(count)}</text>'
        )
    parts.append("</g>")
    return "".join(parts)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: max(1, most - 1)].rstrip() + "…"
