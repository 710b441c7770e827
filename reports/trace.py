"""What one device did over time in both arms of a counter-example."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from twin.records.run import Run
from twin.records.run import Trace as RunTrace

Points = tuple[tuple[float, float], ...]
# What a traced quantity is called, from its suffix: (suffix, unit, factor to that unit).
_UNITS = (
    ("_ms", "ms", 1.0),
    ("_va", "kVA", 1e-3),
    ("_w", "kW", 1e-3),
    ("_bps", "Gbit/s", 1e-9),
    ("_rate", "1", 1.0),
)
_NAMES = {
    "power_w": "power",
    "power_va": "apparent power",
    "peak_va": "sub-interval peak",
    "p99_ms": "99th percentile",
    "error_rate": "failed share",
    "facility_w": "facility power",
}


@dataclass(frozen=True)
class Trace:
    """A piecewise-constant series of one thing, with the plan and without, beside its limit.

    `plan` and `reference` are change points (seconds into the window, value from then on); the last one holds
    until `end_s`. `gate` names the gate that it belongs to.
    """

    gate: str
    thing: str
    quantity: str
    unit: str
    plan: Points
    reference: Points
    end_s: float
    limit: float | None = None
    limit_name: str = "rating"


def compare(gate: str, plan: Run, reference: Run) -> Iterator[Trace]:
    """Yield the traces that both arms of a counter-example recorded, side by side."""
    others = {(trace.quantity, trace.thing): trace for trace in reference.traces}
    for trace in plan.traces:
        other = others.get((trace.quantity, trace.thing))
        name, unit, factor = _unit(trace.quantity)
        yield Trace(
            gate=gate,
            thing=trace.thing,
            quantity=name,
            unit=unit,
            plan=_points(trace, factor),
            reference=_points(other, factor) if other is not None else (),
            end_s=plan.start_s + plan.seconds,
            limit=trace.limit * factor if trace.limit is not None else None,
            limit_name="promised" if trace.quantity == "p99_ms" else "rating",
        )


def _unit(quantity: str) -> tuple[str, str, float]:
    for suffix, unit, factor in _UNITS:
        if quantity.endswith(suffix):
            return _NAMES.get(quantity, quantity.removesuffix(suffix).replace("_", " ")), unit, factor
    return quantity.replace("_", " "), "", 1.0


def _points(trace: RunTrace, factor: float) -> Points:
    return tuple(
        (float(at), float(value) * factor) for at, value in zip(trace.times_s, trace.values, strict=True)
    )
