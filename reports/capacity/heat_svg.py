"""The risk of every service in every month, darker where it is higher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from reports.capacity.axes import WIDTH, every, fitted, wide
from reports.svg import Drawing

STEPS = ((0.0005, "risk-0", "none"), (0.01, "risk-1", "below 1 %"), (0.05, "risk-2", "below 5 %"),
         (0.2, "risk-3", "below 20 %"), (1.01, "risk-4", "20 % and more"))  # fmt: skip
_ROW, _TOP = 34.0, 4.0


def draw_risk(months: Sequence[str], rows: Sequence[tuple[str, str, Mapping[str, float]]]) -> Markup:
    """Return a strip per service (name, words at its right, chance by month)."""
    bottom = _TOP + len(rows) * _ROW
    drawing = Drawing(WIDTH, bottom + 20, "Risk of shortfall by service and month")
    step = (WIDTH - 8) / len(months)
    for index, (service, words, chances) in enumerate(rows):
        top = _TOP + index * _ROW
        drawing.words(4, top + 11, fitted(service, WIDTH - 16 - wide(words)), style="label")
        drawing.words(WIDTH - 4, top + 11, words, style="label-soft", anchor="end")
        for column, month in enumerate(months):
            if month in chances:
                style = next(style for limit, style, _ in STEPS if chances[month] < limit)
                title = f"{service}, {month}: {100 * chances[month]:.1f} %"
                box = (step - 1, 14.0)
                drawing.box(4 + column * step, top + 15, box, style=style, title=title, round_=0)
    for column in every(months, WIDTH - 8):
        at = min(max(4 + (column + 0.5) * step, 26), WIDTH - 26)
        drawing.words(at, bottom + 14, months[column], style="label-soft", anchor="middle")
    return drawing.render()
