"""The series of the device that broke a gate: with the plan, without it, and its limit."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from reports.svg import Drawing, offset, ticks, time_ticks
from reports.trace import Points, Trace
from twin.records import text

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 900.0, 260.0, 78.0, 24.0, 26.0, 26.0


def draw_series(trace: Trace, at_s: float | None = None) -> Markup:
    """Return the two step lines over time, the limit, and the instant of the violation."""
    drawing = Drawing(_WIDTH, _HEIGHT, f"{trace.quantity} of {trace.thing}")
    values = [value for points in (trace.plan, trace.reference) for _, value in points]
    values += [trace.limit] if trace.limit is not None else []
    if not values:
        return Markup("")
    low, high = min(0.0, *values), max(values)
    high += 0.08 * (high - low) or 1.0
    first = min((at for points in (trace.plan, trace.reference) for at, _ in points), default=0.0)
    last = max(trace.end_s, first + 1.0)

    def x(seconds: float) -> float:
        return _LEFT + (seconds - first) / (last - first) * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _TOP + (high - value) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    _draw_axes(drawing, trace, (x, y), (first, last, low, high))
    if at_s is not None and first <= at_s <= last:
        drawing.line(x(at_s), _TOP, x(at_s), _HEIGHT - _BOTTOM, style="instant")
    drawing.path(_steps(trace.reference, last, (x, y)), style="series-reference")
    drawing.path(_steps(trace.plan, last, (x, y)), style="series-plan")
    if trace.limit is not None:
        drawing.line(_LEFT, y(trace.limit), _WIDTH - _RIGHT, y(trace.limit), style="limit")
        words = f"{trace.limit_name} {text.quantity(trace.limit, trace.unit)}"
        # Beside the limit, on the side where no line runs.
        shift = 14 if trace.plan and trace.plan[-1][1] >= trace.limit else -6
        drawing.words(_WIDTH - _RIGHT - 4, y(trace.limit) + shift, words, style="label-limit", anchor="end")
    _draw_key(drawing)
    return drawing.render()


_Scale = Callable[[float], float]


def _draw_axes(
    drawing: Drawing, trace: Trace, scale: tuple[_Scale, _Scale], box: tuple[float, float, float, float]
) -> None:
    x, y = scale
    first, last, low, high = box
    for value in ticks(low, high, most=5):
        drawing.line(_LEFT, y(value), _WIDTH - _RIGHT, y(value), style="grid")
        drawing.words(
            _LEFT - 8, y(value) + 4, text.quantity(value, trace.unit), style="label-soft", anchor="end"
        )
    for tick in time_ticks(first, last):
        drawing.words(x(tick), _HEIGHT - 8, offset(tick), style="label-soft", anchor="middle")
    drawing.line(_LEFT, _HEIGHT - _BOTTOM, _WIDTH - _RIGHT, _HEIGHT - _BOTTOM, style="axis")


def _steps(points: Points, last: float, scale: tuple[_Scale, _Scale]) -> list[tuple[float, float]]:
    x, y = scale
    drawn: list[tuple[float, float]] = []
    for index, (at, value) in enumerate(points):
        until = points[index + 1][0] if index + 1 < len(points) else last
        drawn += [(x(at), y(value)), (x(until), y(value))]
    return drawn


def _draw_key(drawing: Drawing) -> None:
    for left, name in ((_LEFT, "plan"), (_LEFT + 90, "reference")):
        drawing.line(left, 12, left + 24, 12, style=f"series-{name}")
        drawing.words(left + 30, 16, name, style="label-soft")
