"""The interval of a gate in each scenario against its limits."""

from __future__ import annotations

import math
from typing import NamedTuple

from markupsafe import Markup

from reports.svg import Drawing, short, ticks
from twin.model.limits import WORDS, parse_limit
from twin.records import text
from twin.records.verdict import ORDER, GateResult, ScenarioResult

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP, _SHOWN = 900.0, 250.0, 24.0, 24.0, 8.0, 14


def draw_intervals(gate: GateResult) -> Markup:
    """Return one bar per scenario and variant, worst first, or nothing when no row has an interval.

    Changes in the metric's unit and shares of the reference have a drawing each.
    """
    if gate.estimator == "invariant":
        return Markup("")
    rows = [row for row in gate.rows if row.low is not None and row.high is not None]
    rows.sort(key=lambda row: ORDER.index(row.result))
    units = dict.fromkeys(row.judged_unit for row in rows)
    return Markup("").join(_draw(gate, [row for row in rows if row.judged_unit == unit]) for unit in units)


def _draw(gate: GateResult, rows: list[ScenarioResult]) -> Markup:
    left, rows = len(rows) - _SHOWN, rows[:_SHOWN]
    scale = _scale(gate, rows)
    bottom = _TOP + _ROW * len(rows)
    drawing = Drawing(_WIDTH, bottom + (44 if left > 0 else 28), f"Intervals of {gate.id}")
    _draw_zones(drawing, gate, rows[0], scale, bottom)
    for tick in ticks(scale.low, scale.high):
        drawing.line(scale.x(tick), _TOP, scale.x(tick), bottom + 4, style="grid")
        drawing.words(
            scale.x(tick), bottom + 18, text.bound(tick, gate, rows[0]), style="label-soft", anchor="middle"
        )
    drawing.line(_LEFT, bottom, _WIDTH - _RIGHT, bottom, style="axis")
    for index, row in enumerate(rows):
        _draw_row(drawing, gate, row, scale, _TOP + index * _ROW)
    if left > 0:
        drawing.words(_LEFT, bottom + 38, f"and {left:,} more rows, none worse", style="label-soft")
    return drawing.render()


class _Scale(NamedTuple):
    low: float
    high: float

    def x(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return _LEFT + min(1.0, max(0.0, share)) * (_WIDTH - _LEFT - _RIGHT)


def _scale(gate: GateResult, rows: list[ScenarioResult]) -> _Scale:
    ends = [end for row in rows for end in (row.low, row.high, *limits(gate, row)) if end is not None]
    finite = [end for end in ends if math.isfinite(end)] or [0.0]
    low, high = min(0.0, *finite), max(0.0, *finite)
    room = 0.06 * (high - low) or 1.0
    return _Scale(low - room if low < 0 else low, high + room)


def limits(gate: GateResult, row: ScenarioResult) -> tuple[float | None, float | None]:
    """Return the pass and the fail limit on the scale of the interval, as far as they are known."""
    passed = row.pass_bound if row.pass_bound is not None else _absolute(gate.pass_limit, gate, row)
    failed = row.fail_bound if row.fail_bound is not None else _absolute(gate.fail_limit, gate, row)
    return passed, failed


def _absolute(limit: str, gate: GateResult, row: ScenarioResult) -> float | None:
    """Return the number of a limit that has no reference; the interval is then about the plan's own value."""
    try:
        parsed = parse_limit(limit, gate.unit)
    except ValueError:
        return None
    if parsed.basis is not None or parsed.op in WORDS or text.is_difference(row):
        return None
    return parsed.value


def _draw_zones(
    drawing: Drawing, gate: GateResult, row: ScenarioResult, scale: _Scale, bottom: float
) -> None:
    passed, failed = limits(gate, row)
    if passed is None or gate.pass_limit.strip()[:1] not in ("<", ">"):
        return
    failed = passed if failed is None else failed
    zones = [("pass", -math.inf, passed), ("band", passed, failed), ("fail", failed, math.inf)]
    if gate.pass_limit.strip().startswith(">"):
        zones = [("fail", -math.inf, failed), ("band", failed, passed), ("pass", passed, math.inf)]
    for name, low, high in zones:
        left, right = scale.x(low), scale.x(high)
        drawing.box(left, _TOP, (right - left, bottom - _TOP), style=f"zone-{name}", round_=0)


def _draw_row(drawing: Drawing, gate: GateResult, row: ScenarioResult, scale: _Scale, y: float) -> None:
    if row.low is None or row.high is None:
        return
    tip = f"{text.where(row)}, n={row.n}: {text.judgement(gate, row)}"
    drawing.words(_LEFT - 10, y + 16, short(text.where(row), 38), anchor="end")
    left, right = scale.x(row.low), scale.x(row.high)
    drawing.box(left, y + 8, (max(3.0, right - left), 8), style=f"bar-{row.result}", title=tip)
    middle = row.estimate if row.estimate is not None or text.is_difference(row) else row.plan
    if middle is not None:
        drawing.dot(scale.x(middle), y + 12, radius=3.5, style="point", title=text.bound(middle, gate, row))
