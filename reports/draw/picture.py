"""Figures of drawings, their legends, and their bytes as SVG or PNG."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from reports.draw.grouping import Group
from reports.draw.layered import Box, Edge, arrange, paint_layers
from reports.draw.paint import FULL, LOAD, STATES, Paint
from twin.model.errors import UsageError

KINDS = (".svg", ".png")
_MARGIN, _HEAD, _FOOT, _GAP = 0.3, 0.55, 0.75, 0.6  # inches
_PIXELS = 12_000  # of the longer side of a PNG; larger figures get fewer per inch


class Panel:
    """One part of a picture: its title, its size in inches, and how to paint it on axes in inches."""

    def __init__(self, title: str, size: tuple[float, float], paint: Callable[[Axes], None]) -> None:
        self.title, self.size, self.paint = title, size, paint


def layers(title: str, boxes: Sequence[Box], edges: Sequence[Edge]) -> Panel:
    """Return a panel with a layered drawing."""
    layout = arrange(boxes, edges)

    def paint(axes: Axes) -> None:
        paint_layers(axes, boxes, edges, layout)

    return Panel(title, (layout.width + 0.1, layout.height + 0.1), paint)


def box_of(group: Group, paint: Paint, *, strong: bool = False) -> Box:
    """Return the box of a group, coloured by the worst of its members."""
    return Box(
        group.key, group.level, group.title, paint.note(group.names), paint.colour(group.names), strong
    )


def titled(what: str, paint: Paint) -> str:
    """Return the title of a picture with what its colours mean."""
    return f"{what}: {paint.title}" if paint.title else what


def compose(title: str, panels: Sequence[Panel], *, paint: Paint, columns: int = 1) -> Figure:
    """Return a figure of panels below each other (or in *columns*), the title above and the legend below."""
    rows = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    wide = max(
        4.5,
        0.115 * len(title),
        *(sum(panel.size[0] for panel in row) + _GAP * (len(row) - 1) for row in rows),
    )
    heads = [_GAP if any(panel.title for panel in row) else 0.1 for row in rows]
    tall = sum(max(panel.size[1] for panel in row) + head for row, head in zip(rows, heads, strict=True))
    width, height = wide + 2 * _MARGIN, tall + _HEAD + _FOOT
    figure = Figure(figsize=(width, height), facecolor="white")
    figure.text(
        _MARGIN / width, 1 - 0.3 / height, title, size=13, weight="bold", color="#1c2128", va="center"
    )
    top = _HEAD
    for row, head in zip(rows, heads, strict=True):
        left = _MARGIN
        for panel in row:
            y = 1 - (top + head * 0.8 + panel.size[1]) / height
            axes = figure.add_axes((left / width, y, panel.size[0] / width, panel.size[1] / height))
            if panel.title:
                axes.set_title(panel.title, loc="left", size=10, weight="bold", color="#1c2128", pad=8)
            panel.paint(axes)
            left += panel.size[0] + _GAP
        top += max(panel.size[1] for panel in row) + head
    _legend(figure, paint, (width, height))
    return figure


def check_path(path: Path) -> None:
    """Raise UsageError for a file that is neither SVG nor PNG, or whose folder does not exist."""
    if path.suffix.lower() not in KINDS:
        raise UsageError(f"'{path}' is neither an SVG nor a PNG file: end its name in .svg or .png")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder '{path.parent}' for '{path}'")


def render(figure: Figure, path: Path) -> bytes:
    """Return a figure in the format that the name of *path* asks for; equal figures are equal bytes."""
    kind = path.suffix.lower()
    stream = io.BytesIO()
    largest = max(figure.get_size_inches())
    with rc_context({"svg.hashsalt": "fleetwin", "svg.fonttype": "none", "font.family": "DejaVu Sans"}):
        metadata = {"Date": None} if kind == ".svg" else {"Software": None}
        figure.savefig(stream, format=kind[1:], dpi=min(150.0, _PIXELS / largest), metadata=metadata)
    return stream.getvalue()


def _legend(figure: Figure, paint: Paint, size: tuple[float, float]) -> None:
    width, height = size
    if not paint.values:
        return
    if paint.scale == "blast":
        handles = [Patch(fc=colour, ec="#9aa4af", label=words) for colour, words in STATES]
        place = (_MARGIN / width, 0.12 / height)
        looks = {"ncols": 4, "frameon": False, "fontsize": 8, "borderaxespad": 0}
        figure.legend(handles=handles, loc="lower left", bbox_to_anchor=place, **looks)
        return
    axes = figure.add_axes((_MARGIN / width, 0.42 / height, 3.2 / width, 0.13 / height))
    bar = figure.colorbar(ScalarMappable(Normalize(0, 100 * FULL), LOAD), cax=axes, orientation="horizontal")
    bar.outline.set_visible(False)
    bar.set_ticks([0, 25, 50, 75, 100], labels=["0 %", "25 %", "50 %", "75 %", "100 % of its limit"])
    axes.tick_params(labelsize=7.5, length=2, colors="#57606a")
