"""Values by month: parts piled up (cost, carbon), and what is used against what there is (power, space)."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from reports.capacity.axes import WIDTH, Frame, compact, frame
from reports.svg import Drawing


def draw_piles(
    title: str, unit: str, months: Sequence[str], parts: Sequence[tuple[str, str, Sequence[float]]]
) -> Markup:
    """Return a bar per month in parts (name, style, values)."""
    totals = [sum(values) for values in zip(*(values for _, _, values in parts), strict=True)]
    made = frame(title, unit, months, totals)
    wide = (made.x(1) - made.x(0)) * 0.76
    for index, month in enumerate(months):
        below = 0.0
        for name, style, values in parts:
            value = values[index]
            top, bottom = made.y(below + value), made.y(below)
            if value > 0:
                made.drawing.box(
                    made.x(index + 0.12),
                    top,
                    (wide, bottom - top),
                    style=style,
                    title=f"{month}: {name} {value:,.0f} {unit}",
                    round_=0,
                )
            below += value
    return made.drawing.render()


def draw_limit(
    title: str, unit: str, months: Sequence[str], used: Sequence[float], limit: Sequence[float]
) -> Markup:
    """Return what is used as an area below the limit; the last month says how much that is."""
    made = frame(title, unit, months, [*used, *limit], right=54.0)
    steps = _steps(made, used)
    made.drawing.path([(made.x(0), made.y(0.0)), *steps, (made.x(len(months)), made.y(0.0))], style="area")
    made.drawing.path(steps, style="series-supply")
    made.drawing.path(_steps(made, limit), style="limit-line")
    _ends(made.drawing, made.y(used[-1]), made.y(limit[-1]), (used[-1], limit[-1]))
    return made.drawing.render()


def _steps(made: Frame, values: Sequence[float]) -> list[tuple[float, float]]:
    return [(made.x(end), made.y(value)) for i, value in enumerate(values) for end in (i, i + 1)]


def _ends(drawing: Drawing, used_y: float, limit_y: float, values: tuple[float, float]) -> None:
    if abs(used_y - limit_y) < 26:
        middle = (used_y + limit_y) / 2
        limit_y, used_y = (middle - 13, middle + 13) if limit_y <= used_y else (middle + 13, middle - 13)
    for y, words, style in ((used_y, "used", "label-supply"), (limit_y, "limit", "label-limit")):
        value = values[0] if words == "used" else values[1]
        drawing.words(WIDTH - 50, y - 2, words, style=style)
        drawing.words(WIDTH - 50, y + 10, compact(value), style=style)
