"""A layered drawing from left to right: boxes in columns by level, lines from what feeds to what is fed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path

from reports.draw.grouping import TITLE
from reports.draw.labels import Placer
from reports.svg import short

WIDTH, HEIGHT, COLUMN, ROW = 2.05, 0.40, 2.75, 0.52  # inches
_SWEEPS = 13  # odd, so that what feeds has the last word
INK, SOFT, LINE = "#1c2128", "#57606a", "#9aa4af"


@dataclass(frozen=True)
class Box:
    """One thing, or several alike, in a column."""

    key: str
    level: int
    title: str
    note: str = ""
    fill: str = "#eef0f2"
    strong: bool = False


@dataclass(frozen=True)
class Edge:
    """A line between two boxes; dashed for what only stands by."""

    start: str
    end: str
    dashed: bool = False
    colour: str = LINE
    width: float = 0.9
    note: str = ""


@dataclass(frozen=True)
class Layout:
    """Where each box stands (inches, from the top left), and the size of the whole."""

    places: dict[str, tuple[float, float]]
    width: float
    height: float


def arrange(boxes: Sequence[Box], edges: Iterable[Edge]) -> Layout:
    """Order the boxes of each column so that few lines cross (barycentres), and spread the columns evenly.

    Cost: O(sweeps x edges).
    """
    columns: dict[int, list[str]] = defaultdict(list)
    for box in boxes:
        columns[box.level].append(box.key)
    feeds, fed = defaultdict(list), defaultdict(list)
    for edge in edges:
        feeds[edge.end].append(edge.start)
        fed[edge.start].append(edge.end)
    levels = sorted(columns)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        _sort(columns, feeds if forward else fed, levels if forward else levels[::-1])
    height = ROW * max((len(column) for column in columns.values()), default=1)
    places = {}
    for number, level in enumerate(levels):
        step = height / len(columns[level])
        for row, key in enumerate(columns[level]):
            places[key] = (number * COLUMN, (row + 0.5) * step)
    return Layout(places, (len(levels) - 1) * COLUMN + WIDTH, height)


def _sort(columns: dict[int, list[str]], near: dict[str, list[str]], levels: list[int]) -> None:
    """Put each box at the mean place of its neighbours; those without keep theirs."""
    at = {key: (row + 0.5) / len(column) for column in columns.values() for row, key in enumerate(column)}
    for level in levels:
        means = {
            key: sum(at[other] for other in near[key]) / len(near[key]) if near[key] else at[key]
            for key in columns[level]
        }
        columns[level].sort(key=means.__getitem__)
        at.update({key: (row + 0.5) / len(columns[level]) for row, key in enumerate(columns[level])})


def paint_layers(axes: Axes, boxes: Sequence[Box], edges: Sequence[Edge], layout: Layout) -> None:
    """Draw lines, then boxes, in inches."""
    axes.set_xlim(-0.05, layout.width + 0.05)
    axes.set_ylim(layout.height + 0.05, -0.05)
    axes.set_axis_off()
    placer = Placer()
    for x, y in layout.places.values():
        placer.take((x + WIDTH / 2, y), (WIDTH, HEIGHT))
    for edge in edges:
        if edge.start in layout.places and edge.end in layout.places:
            _draw_edge(axes, edge, layout, placer)
    for box in boxes:
        _draw_box(axes, box, layout.places[box.key])


def _draw_edge(axes: Axes, edge: Edge, layout: Layout, placer: Placer) -> None:
    (left, y1), (x2, y2) = layout.places[edge.start], layout.places[edge.end]
    x1 = left + WIDTH
    middle = (x1 + x2) / 2
    corners = [(x1, y1), (middle, y1), (middle, y2), (x2, y2)]
    path = Path(corners, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
    style = (0, (3, 2)) if edge.dashed else "-"
    if edge.colour != LINE:  # a pale line would vanish on paper: it gets a darker one beneath
        axes.add_patch(PathPatch(path, fill=False, lw=edge.width + 1.0, ec=LINE, zorder=1))
    axes.add_patch(PathPatch(path, fill=False, lw=edge.width, ec=edge.colour, ls=style, zorder=1))
    if edge.note:

        def along(share: float) -> tuple[float, float]:
            rest = 1 - share
            weights = (rest**3, 3 * rest**2 * share, 3 * rest * share**2, share**3)
            x, y = (
                sum(w * corner[axis] for w, corner in zip(weights, corners, strict=True)) for axis in (0, 1)
            )
            return x, y

        place = placer.place(along, (0.05 * len(edge.note) + 0.06, 0.16))
        patch = {"fc": "white", "ec": "none", "pad": 0.8}
        looks: dict[str, Any] = {"size": 6, "color": SOFT, "ha": "center", "va": "center"}
        axes.text(*place, edge.note, zorder=2, bbox=patch, **looks)


def _draw_box(axes: Axes, box: Box, place: tuple[float, float]) -> None:
    x, y = place
    ink = ink_on(box.fill)
    edge, weight = (INK, 1.6) if box.strong else (LINE, 0.8)
    style = "round,pad=0,rounding_size=0.05"
    corner = (x, y - HEIGHT / 2)
    axes.add_patch(
        FancyBboxPatch(corner, WIDTH, HEIGHT, boxstyle=style, fc=box.fill, ec=edge, lw=weight, zorder=3)
    )
    lift = 0.075 if box.note else 0.0
    title: dict[str, Any] = {"size": 7.5, "weight": "bold", "color": ink, "va": "center", "zorder": 4}
    axes.text(x + 0.08, y - lift, short(box.title, TITLE), **title)
    if box.note:
        axes.text(x + 0.08, y + 0.095, short(box.note, 38), size=6.5, color=ink, va="center", zorder=4)


def ink_on(fill: str) -> str:
    """Return dark or light ink, whichever is easier to read on a colour."""
    red, green, blue = to_rgb(fill)
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else INK
