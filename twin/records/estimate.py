"""What a gate knows about a number: its estimate and the interval that the runs so far leave."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A judged quantity after n worlds.

    `judged` says in words what is estimated ("plan", "plan - reference", ...), `unit` in what ("1": a share of the
    reference, "": the metric's own); `value` is its estimate and `low`..`high` its interval: each end misses with at most
    1 - `confidence` over all looks of the budget. `plan` and `reference` are the same statistic of either arm alone.
    """

    estimator: str
    method: str
    n: int
    value: float
    low: float
    high: float
    confidence: float
    assumptions: tuple[str, ...] = ()
    judged: str = "plan"
    plan: float = 0.0
    reference: float = 0.0
    unit: str = ""
