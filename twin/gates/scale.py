"""The scale on which a gate is shown: the plan's own value, or its change against the reference, as the limit is written.

A gate decides on `plan - edge(reference)`, which nobody can read. Shown is the change: as a share of the reference where the
share of a relative limit is what counts ("+0.4 %, limit +0.5 %"), in the metric's unit where its floor does. The interval
of a share holds those shares that the estimator does not refuse (Fieller): no ratio of two estimates is formed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.optimize import brentq

from twin.gates.edges import Edge, Pair, middle
from twin.model.limits import Limit

REFERENCE = Edge(((1.0, 0.0),))
TWO_LINES = Edge(((1.0, 0.0), (0.0, 1.0)))
FARTHEST = 1e9  # times the reference: a share beyond it is told as infinite


class Bounds(Protocol):
    """What is needed of an estimator."""

    def cut(self, edge: Edge) -> tuple[Edge, ...]: ...
    def value(self, pair: Pair, edge: Edge) -> float: ...
    def bound(self, pair: Pair, edge: Edge, alpha: float, *, upper: bool) -> float: ...


@dataclass(frozen=True)
class Scale:
    """What is shown, in words, and its unit ("1": a share of the reference, "": the metric's own).

    A share is one of at least `least`, in each world when the estimator judges world by world.
    """

    judged: str
    edge: Edge = Edge()
    unit: str = ""
    least: float = 0.0
    worldwise: bool = False

    def read(self, estimator: Bounds, pair: Pair, alpha: float) -> tuple[float, float, float]:
        """Return the estimate and its two bounds, each of which errs with at most *alpha*."""
        if self.unit and not self.worldwise:
            return _share_of_statistic(estimator, pair, alpha)
        edge = self.edge
        if self.unit:
            pair, edge = self._changes(pair), Edge()
        low, high = (estimator.bound(pair, edge, alpha, upper=upper) for upper in (False, True))
        return estimator.value(pair, edge), low, high

    def change(self, plan: float, reference: float) -> float:
        """Return what is shown of one world."""
        if self.unit:
            return (plan - reference) / max(abs(reference), self.least)
        return plan - float(self.edge.at(np.array([reference]))[0])

    def limit(self, limit: Limit, reference: float) -> float:
        """Return a limit on this scale, at that reference (of a band: half its width)."""
        if limit.op == "±":
            low, high = limit.range(reference)
            return (high - low) / 2
        change = limit.allowed(reference) - (0.0 if limit.basis is None else reference)
        size = max(abs(reference), self.least)
        return change if not self.unit else change / size if size else limit.value

    def _changes(self, pair: Pair) -> Pair:
        change, size = pair.plan - pair.reference, np.maximum(np.abs(pair.reference), self.least)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = np.where(change == 0.0, 0.0, change / size)
        return Pair(shares, np.zeros_like(shares), pair.n)


def scale_of(limit: Limit, pair: Pair, estimator: Bounds) -> Scale:
    """Return the scale on which a limit and what was seen of these worlds are told."""
    if limit.op == "±":
        return Scale("plan - centre of the band", middle(limit, negative=bool(np.mean(pair.reference) < 0)))
    if limit.basis is None:
        return Scale("plan")
    absolute = Scale("plan - reference", REFERENCE)
    if not limit.relative or limit.value == 0.0:
        return absolute
    worldwise = len(estimator.cut(TWO_LINES)) == 1
    least = limit.floor / abs(limit.value)
    sizes = np.abs(pair.reference if worldwise else _statistic(estimator, pair.reference, pair.n))
    by_share = (sizes >= least) & (sizes > 0.0)
    if not by_share.any():
        return absolute
    if by_share.all():
        return Scale("(plan - reference) / reference", unit="1", worldwise=worldwise)
    return Scale(f"(plan - reference) / max(reference, {least:.4g})", unit="1", least=least, worldwise=True)


def _share_of_statistic(estimator: Bounds, pair: Pair, alpha: float) -> tuple[float, float, float]:
    plan, reference = (_statistic(estimator, arm, pair.n) for arm in (pair.plan, pair.reference))
    sign = math.copysign(1.0, reference)
    share = (plan - reference) / abs(reference)

    def bound(upper: bool) -> Callable[[float], float]:
        return lambda s: estimator.bound(pair, Edge(((1.0 + sign * s, 0.0),)), alpha, upper=upper)

    return share, _crossing(bound(False), share, -1.0), _crossing(bound(True), share, 1.0)


def _statistic(estimator: Bounds, values: np.ndarray, n: int) -> float:
    return estimator.value(Pair(values, values, n), Edge())


def _crossing(falling: Callable[[float], float], start: float, direction: float) -> float:
    """Return where a falling function changes sign, looking from *start* upwards (1) or downwards (-1)."""
    if falling(start) * direction <= 0.0:
        return start
    step = 1e-6 + 0.01 * abs(start)
    near = start
    while step < FARTHEST:
        far = start + direction * step
        if falling(far) * direction <= 0.0:
            return float(brentq(falling, near, far, xtol=1e-15, rtol=1e-12))
        near, step = far, 2.0 * step
    return direction * math.inf
