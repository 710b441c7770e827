"""The counter-example on a time axis: the plan's steps as bars, and what happened as numbered marks."""

from __future__ import annotations

from markupsafe import Markup

from reports.causes import ROLES, Role, role
from reports.schedule import schedule
from reports.svg import Drawing, offset, short, time_ticks
from twin.model.plan import Plan
from twin.records.verdict import CounterExample

_WIDTH, _LEFT, _RIGHT, _LANE = 900.0, 110.0, 24.0, 24.0


def draw_timeline(example: CounterExample, plan: Plan | None = None) -> Markup:
    """Return the timeline; the numbers of the marks are those of the list of causes."""
    bars = _bars(example, plan)
    lanes = _lanes(example)
    first, last = _range(example, bars)
    height = 34.0 + _LANE * (len(bars) + sum(lane[2] for lane in lanes)) + 10.0
    drawing = Drawing(_WIDTH, height, f"Timeline of {example.violation}")
    axis = _Axis(first, last)
    _draw_axis(drawing, axis, height)
    y = 34.0
    for name, start, end, left_out in bars:
        _draw_bar(drawing, axis, (name, start, end, left_out), y)
        y += _LANE
    for name, marks, rows in lanes:
        drawing.words(0, y + 13, ROLES[name], style="label-soft")
        for index, row in marks:
            _draw_mark(drawing, axis, example, (index, y + row * _LANE + 9))
        y += rows * _LANE
    x = axis.x(example.at_s)
    drawing.line(x, 26, x, height - 8, style="instant")
    return drawing.render()


class _Axis:
    """From seconds to pixels."""

    def __init__(self, first: float, last: float) -> None:
        self.first, self.last = first, last

    def x(self, seconds: float) -> float:
        return _LEFT + (seconds - self.first) / (self.last - self.first) * (_WIDTH - _LEFT - _RIGHT)


def _bars(example: CounterExample, plan: Plan | None) -> list[tuple[str, float, float, bool]]:
    """Return (step, start, end, whether it never ran in this variant) of each step of the plan."""
    if plan is None:
        return []
    times = schedule(plan)
    last = example.variant.partition(":")[2]
    stop = times[last][1] if last in times else float("inf")
    return [(step.id, *times[step.id], times[step.id][0] >= stop and step.id != last) for step in plan.steps]


def _lanes(example: CounterExample) -> list[tuple[Role, list[tuple[int, int]], int]]:
    """Return (role, [(index, row)], rows) of each kind of mark; marks too close share no row."""
    lanes = []
    span = max((step.at_s for step in example.chain), default=0.0) or 1.0
    for name in ROLES:
        free: list[float] = []
        marks = []
        for index, step in enumerate(example.chain):
            if role(example.chain, index) != name:
                continue
            row = next((row for row, taken in enumerate(free) if step.at_s > taken), len(free))
            free[row : row + 1] = [step.at_s + span * 0.03]
            marks.append((index, row))
        if marks:
            lanes.append((name, marks, len(free)))
    return lanes


def _range(example: CounterExample, bars: list[tuple[str, float, float, bool]]) -> tuple[float, float]:
    instants = [
        example.at_s,
        *(step.at_s for step in example.chain),
        *(end for bar in bars for end in bar[1:3]),
    ]
    first, last = min(instants), max(instants)
    room = max(last - first, 60.0) * 0.02
    return (first if first >= 0 else first - room), last + room


def _draw_axis(drawing: Drawing, axis: _Axis, height: float) -> None:
    drawing.line(_LEFT, 24, _WIDTH - _RIGHT, 24, style="axis")
    for tick in time_ticks(axis.first, axis.last):
        drawing.line(axis.x(tick), 24, axis.x(tick), height - 8, style="grid")
        drawing.words(axis.x(tick), 16, offset(tick), style="label-soft", anchor="middle")


def _draw_bar(drawing: Drawing, axis: _Axis, bar: tuple[str, float, float, bool], y: float) -> None:
    name, start, end, left_out = bar
    drawing.words(0, y + 13, short(name, 16))
    style = "step-left" if left_out else "step"
    tip = f"{name}: {offset(start)} to {offset(end)}{' (not run in this variant)' if left_out else ''}"
    drawing.box(axis.x(start), y + 3, (max(4.0, axis.x(end) - axis.x(start)), 12), style=style, title=tip)


def _draw_mark(drawing: Drawing, axis: _Axis, example: CounterExample, mark: tuple[int, float]) -> None:
    index, y = mark
    step = example.chain[index]
    drawing.dot(
        axis.x(step.at_s),
        y,
        radius=8,
        style=f"mark-{role(example.chain, index)}",
        title=f"{offset(step.at_s)} {step.text}",
    )
    drawing.words(axis.x(step.at_s), y + 3.5, str(index + 1), style="label-number", anchor="middle")
