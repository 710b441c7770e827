"""Demand against supply of one service: the band from low to high, the likely line, the supply as steps, what is short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from reports.capacity.axes import WIDTH, frame
from reports.svg import Drawing


class Supplied(NamedTuple):
    """One month of one service, in RRU."""

    month: str
    low: float
    likely: float
    high: float
    supply: float
    short: float


def draw_demand(service: str, rows: Sequence[Supplied]) -> Markup:
    """Return the chart of one service."""
    values = [value for row in rows for value in row[1:5]]
    made = frame(service, "RRU", [row.month for row in rows], values, right=62.0)
    middles = [made.x(index + 0.5) for index in range(len(rows))]
    band = [(x, made.y(row.high)) for x, row in zip(middles, rows, strict=True)]
    band += [(x, made.y(row.low)) for x, row in reversed(list(zip(middles, rows, strict=True)))]
    made.drawing.path(band, style="band")
    wide = made.x(1) - made.x(0)
    for index, row in enumerate(rows):
        if row.short > 0:
            title = f"{row.month}: {row.short:,.0f} RRU short"
            top, bottom = made.y(row.supply + row.short), made.y(row.supply)
            made.drawing.box(
                made.x(index), top, (wide, max(2.0, bottom - top)), style="gap", title=title, round_=0
            )
            # A small gap is easily overlooked: its month is marked on the axis, too.
            made.drawing.box(made.x(index), made.y(0.0) - 6, (wide, 6), style="gap", title=title, round_=0)
    steps = [
        (made.x(end), made.y(row.supply)) for index, row in enumerate(rows) for end in (index, index + 1)
    ]
    made.drawing.path(steps, style="series-supply")
    # On top: where both are equal, both show.
    made.drawing.path(
        [(x, made.y(row.likely)) for x, row in zip(middles, rows, strict=True)], style="series-demand"
    )
    last = rows[-1]
    _label(made.drawing, made.y(last.likely) + 4, made.y(last.supply) + 4)
    return made.drawing.render()


def _label(drawing: Drawing, demand_y: float, supply_y: float) -> None:
    """Name both lines at their right ends, one above the other where they meet."""
    if abs(demand_y - supply_y) < 13:
        middle = (demand_y + supply_y) / 2
        above = demand_y < supply_y
        demand_y, supply_y = (middle - 7, middle + 7) if above else (middle + 7, middle - 7)
    drawing.words(WIDTH - 57, demand_y, "demand", style="label-demand")
    drawing.words(WIDTH - 57, supply_y, "supply", style="label-supply")
