"""The counter-example as a picture: when things happened, and what led to what."""

from __future__ import annotations

import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from reports.causes import ROLES, Role, also, parents, places, role
from reports.draw.layered import INK, SOFT
from reports.draw.paint import plain
from reports.draw.picture import Panel, compose
from reports.svg import offset, short, time_ticks
from twin.records import text
from twin.records.verdict import CounterExample, GateResult

_BOX, _STEP = (2.9, 0.62), (3.2, 0.9)  # inches
_LANE = 0.3
_COLOURS: dict[Role, tuple[str, str]] = {
    "plan": ("#e2ecfb", "#2563c9"),
    "world": ("#fbf0d0", "#8f6400"),
    "effect": ("#f1f3f5", "#57606a"),
    "violation": ("#fde5e3", "#c4292b"),
}


def draw_causes(gate: GateResult, example: CounterExample) -> Figure:
    """Return the picture of a counter-example: the timeline above, the tree of causes below."""
    where = f"{example.scenario}{f' ({example.member})' if example.member else ''}"
    return draw_chain(f"Why {gate.id} failed: {where}, plan {text.variant(example.variant)}", example)


def draw_chain(title: str, example: CounterExample) -> Figure:
    """Return the picture of a chain of causes under a title of its own."""
    panels = [_timeline(example), _tree(example)] if example.chain else []
    return compose(
        short(title, 110), panels or [Panel(example.violation, (6.0, 0.2), _nothing)], paint=plain()
    )


def _nothing(axes: Axes) -> None:
    axes.set_axis_off()


def _timeline(example: CounterExample) -> Panel:
    lanes = [name for name in ROLES if any(role(example.chain, i) == name for i in range(len(example.chain)))]
    rows = {name: _rows(example, name) for name in lanes}
    height = 0.35 + _LANE * sum(max(taken.values()) + 1 for taken in rows.values())

    def draw(axes: Axes) -> None:
        first, last = min(step.at_s for step in example.chain), max(step.at_s for step in example.chain)
        room = max(last - first, 60.0) * 0.04
        axes.set_xlim(first - room, last + room)
        axes.set_ylim(height, 0)
        for side in ("left", "right", "bottom"):
            axes.spines[side].set_visible(False)
        axes.xaxis.tick_top()
        ticks = time_ticks(first - room, last + room, most=8)
        axes.set_xticks(ticks, [offset(tick) for tick in ticks], size=7.5, color=SOFT)
        axes.set_yticks([])
        axes.grid(axis="x", color="#d5dae0", lw=0.7)
        axes.set_axisbelow(True)
        y = 0.35
        for name, taken in rows.items():
            axes.text(first - room, y, f"{ROLES[name]}  ", size=8, color=SOFT, ha="right", va="center")
            for index, row in taken.items():
                at = (example.chain[index].at_s, y + row * _LANE)
                axes.plot(*at, "o", ms=13, color=_COLOURS[name][1], zorder=3, clip_on=False)
                axes.text(
                    *at,
                    str(index + 1),
                    size=7.5,
                    weight="bold",
                    color="white",
                    ha="center",
                    va="center",
                    zorder=4,
                )
            y += _LANE * (max(taken.values()) + 1)

    return _shifted(Panel("When", (9.0, height), draw))


def _shifted(panel: Panel) -> Panel:
    """Leave room on the left for the names of the lanes."""

    def draw(axes: Axes) -> None:
        box = axes.get_position()
        axes.set_position((box.x0 + 0.1 * box.width, box.y0, 0.9 * box.width, box.height))
        panel.paint(axes)

    return Panel(panel.title, panel.size, draw)


def _rows(example: CounterExample, name: Role) -> dict[int, int]:
    """Return the row of each mark in its lane, so that marks of nearly one instant do not cover each other."""
    times = [step.at_s for step in example.chain]
    apart = (max(times) - min(times)) * 0.04
    free: list[float] = []
    found = {}
    for index, at in enumerate(times):
        if role(example.chain, index) == name:
            row = next((row for row, taken in enumerate(free) if at > taken), len(free))
            free[row : row + 1] = [at + apart]
            found[index] = row
    return found


def _tree(example: CounterExample) -> Panel:
    corners = [(x * _STEP[0], y * _STEP[1]) for x, y in places(example.chain)]
    size = (max(x for x, _ in corners) + _BOX[0] + 0.3, max(y for _, y in corners) + _BOX[1] + 0.1)

    def draw(axes: Axes) -> None:
        axes.set_xlim(-0.05, size[0])
        axes.set_ylim(size[1], -0.05)
        axes.set_axis_off()
        for index, parent in enumerate(parents(example.chain)):
            for other in also(example.chain, index):
                _draw_arrow(axes, corners[other], corners[index], dashed=True)
            if parent >= 0:
                _draw_arrow(axes, corners[parent], corners[index])
        for index, corner in enumerate(corners):
            _draw_box(axes, example, index, corner)

    return Panel("What led to what", size, draw)


def _draw_arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], *, dashed: bool = False
) -> None:
    shift = 0.35 if dashed else 0.0
    tail, head = (start[0] + _BOX[0] / 2 + shift, start[1] + _BOX[1]), (end[0] + _BOX[0] / 2 + shift, end[1])
    looks = {
        "arrowstyle": "->",
        "color": SOFT,
        "lw": 0.9,
        "ls": (0, (4, 3)) if dashed else "-",
        "shrinkA": 0,
        "shrinkB": 0,
    }
    axes.annotate("", head, tail, arrowprops=looks)


def _draw_box(axes: Axes, example: CounterExample, index: int, corner: tuple[float, float]) -> None:
    step, (x, y) = example.chain[index], corner
    fill, edge = _COLOURS[role(example.chain, index)]
    style = "round,pad=0,rounding_size=0.05"
    axes.add_patch(FancyBboxPatch((x, y), *_BOX, boxstyle=style, fc=fill, ec=edge, lw=0.9, zorder=3))
    head = f"{index + 1} · {offset(step.at_s)} · {step.kind}"
    axes.text(x + 0.08, y + 0.13, head, size=6.5, color=SOFT, va="center", zorder=4)
    lines = textwrap.wrap(step.text, 46)[:3]
    if len(textwrap.wrap(step.text, 46)) > 2:
        lines = [lines[0], short(" ".join(textwrap.wrap(step.text, 46)[1:]), 46)]
    for row, line in enumerate(lines):
        axes.text(x + 0.08, y + 0.30 + 0.17 * row, line, size=7.5, color=INK, va="center", zorder=4)
