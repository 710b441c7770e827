"""What one device did over time in both arms of a counter-example."""

from __future__ import annotations

from dataclasses import dataclass

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Trace:
    """A piecewise-constant series of one thing, with the plan and without, beside its limit.

    `plan` and `reference` are change points (seconds into the window, value from then on); the last value holds until
    `end_s`. `gate` names the gate that it belongs to.
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
