"""The tree of causes: each happening in a box, an arrow from what led to it."""

from __future__ import annotations

from markupsafe import Markup

from reports.causes import children, parents, roots
from reports.svg import Drawing, offset, wrap
from reports.timeline_svg import role
from twin.records.verdict import CounterExample

BOX = (252.0, 58.0)
_GAP = (22.0, 22.0)


def draw_tree(example: CounterExample) -> Markup:
    """Return the tree, first causes on top."""
    places = layout(example)
    width = max(x for x, _ in places) + BOX[0] + 4
    height = max(y for _, y in places) + BOX[1] + 4
    drawing = Drawing(width, height, f"Tree of causes of {example.violation}")
    for index, parent in enumerate(parents(example.chain)):
        if parent >= 0:
            _draw_arrow(drawing, places[parent], places[index])
    for index, (x, y) in enumerate(places):
        _draw_box(drawing, example, index, (x, y))
    return drawing.render()


def layout(example: CounterExample) -> list[tuple[float, float]]:
    """Return the upper left corner of each box: a column per last effect, a row per step from its cause."""
    below = children(example.chain)
    columns: dict[int, float] = {}
    depth: dict[int, int] = {}
    taken = 0
    order = [(root, 0) for root in reversed(roots(example.chain))]
    visited = []
    while order:
        index, level = order.pop()
        visited.append(index)
        depth[index] = level
        order += [(child, level + 1) for child in reversed(below[index])]
        if not below[index]:
            columns[index] = float(taken)
            taken += 1
    for index in reversed(visited):
        if below[index]:
            columns[index] = sum(columns[child] for child in below[index]) / len(below[index])
    return [
        (2 + columns[index] * (BOX[0] + _GAP[0]), 2 + depth[index] * (BOX[1] + _GAP[1]))
        for index in range(len(example.chain))
    ]


def _draw_arrow(drawing: Drawing, start: tuple[float, float], end: tuple[float, float]) -> None:
    x1, y1, x2, y2 = start[0] + BOX[0] / 2, start[1] + BOX[1], end[0] + BOX[0] / 2, end[1]
    middle = y1 + (y2 - y1) / 2
    drawing.path([(x1, y1), (x1, middle), (x2, middle), (x2, y2 - 1)], style="edge")
    drawing.path([(x2 - 4, y2 - 6), (x2, y2 - 1), (x2 + 4, y2 - 6)], style="edge")


def _draw_box(drawing: Drawing, example: CounterExample, index: int, corner: tuple[float, float]) -> None:
    x, y = corner
    step = example.chain[index]
    drawing.box(x, y, BOX, style=f"node node-{role(example.chain, index)}", title=step.text)
    drawing.words(x + 8, y + 15, f"{index + 1} · {offset(step.at_s)} · {step.kind}"[:44], style="label-soft")
    for row, line in enumerate(wrap(step.text, 38, 2)):
        drawing.words(x + 8, y + 31 + 15 * row, line)
