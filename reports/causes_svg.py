"""The tree of causes: each happening in a box, an arrow from what led to it."""

from __future__ import annotations

from markupsafe import Markup

from reports.causes import also, parents, places, role
from reports.svg import Drawing, offset, wrap
from twin.records.verdict import CounterExample

BOX = (252.0, 58.0)
_GAP = (22.0, 22.0)


def draw_tree(example: CounterExample) -> Markup:
    """Return the drawing, first causes on top; dashed arrows come from causes that were needed as well."""
    corners = [(2 + x * (BOX[0] + _GAP[0]), 2 + y * (BOX[1] + _GAP[1])) for x, y in places(example.chain)]
    width = max(x for x, _ in corners) + BOX[0] + _GAP[0]
    height = max(y for _, y in corners) + BOX[1] + 4
    drawing = Drawing(width, height, f"Tree of causes of {example.violation}")
    for index, parent in enumerate(parents(example.chain)):
        for other in also(example.chain, index):
            _draw_detour(drawing, corners[other], corners[index])
        if parent >= 0:
            _draw_arrow(drawing, corners[parent], corners[index])
    for index, corner in enumerate(corners):
        _draw_box(drawing, example, index, corner)
    return drawing.render()


def _draw_arrow(drawing: Drawing, start: tuple[float, float], end: tuple[float, float]) -> None:
    x1, y1, x2, y2 = start[0] + BOX[0] / 2, start[1] + BOX[1], end[0] + BOX[0] / 2, end[1]
    middle = y2 - _GAP[1] / 2
    drawing.path([(x1, y1), (x1, middle), (x2, middle), (x2, y2 - 1)], style="edge")
    drawing.path([(x2 - 4, y2 - 6), (x2, y2 - 1), (x2 + 4, y2 - 6)], style="edge")


def _draw_detour(drawing: Drawing, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Go round the boxes between: out at the right of the cause, down between the columns, in from above."""
    y1, x2, y2 = start[1] + BOX[1] / 2, end[0] + BOX[0] / 2 + 26, end[1]
    beside, above = start[0] + BOX[0] + _GAP[0] / 2, y2 - _GAP[1] / 2 - 4
    corners = [(start[0] + BOX[0], y1), (beside, y1), (beside, above), (x2, above), (x2, y2 - 1)]
    drawing.path(corners, style="edge edge-also")
    drawing.path([(x2 - 4, y2 - 6), (x2, y2 - 1), (x2 + 4, y2 - 6)], style="edge")


def _draw_box(drawing: Drawing, example: CounterExample, index: int, corner: tuple[float, float]) -> None:
    x, y = corner
    step = example.chain[index]
    drawing.box(x, y, BOX, style=f"node node-{role(example.chain, index)}", title=step.text)
    drawing.words(x + 8, y + 15, f"{index + 1} · {offset(step.at_s)} · {step.kind}"[:44], style="label-soft")
    for row, line in enumerate(wrap(step.text, 38, 2)):
        drawing.words(x + 8, y + 31 + 15 * row, line)
