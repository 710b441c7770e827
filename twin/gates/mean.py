"""Mean: what does it amount to on average? A t interval, widened for skewness, that waits for rare events.

No method bounds the mean of an arbitrary distribution: ten quiet worlds say nothing about the one in a
hundred that costs a thousandfold. So the method says what it assumes; the README holds its measured misses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from twin.gates.edges import Array, Edge, Pair
from twin.model.limits import Limit

# What carries a mean happens in at least this share of worlds; rarer things are for the other estimators.
RARE_SHARE = 0.02
# Samples show less skewness than their source has. Twice the sample's kept lognormals up to sigma 1.5 honest.
SKEWNESS_FACTOR = 2.0
# The wait for a rare event may use this part of the error; the rest covers the worlds in which it was seen.
WAITING_PART = 0.8


@dataclass(frozen=True)
class Mean:
    """The mean over the worlds, by Student's t or Hall's skewness-corrected t, whichever is wider.

    Assumes that no event which hits fewer than `RARE_SHARE` of worlds carries the mean. Nothing is decided
    before such an event would have been seen (160 runs at 95 %), not even when all runs agree to the last
    digit: a sample without variance says nothing about what it has not met. The error is split over the
    looks that remain. Skewness only ever widens the interval: t is already too wide on the other side.

    References
    ----------
    P. Hall, "On the removal of skewness by transformation", J. R. Statist. Soc. B 54 (1992),
    doi:10.1111/j.2517-6161.1992.tb01876.x
    """

    name: str = "mean"
    method: str = "Student t, widened for skewness (Hall 1992)"
    assumptions: tuple[str, ...] = (
        "worlds are drawn independently",
        f"nothing that happens in fewer than {RARE_SHARE:.0%} of the worlds carries the mean",
    )

    def least_runs(self, error: float) -> int:
        """Return the runs after which an event of RARE_SHARE would have been seen."""
        return math.ceil(math.log(WAITING_PART * error) / math.log1p(-RARE_SHARE))

    def cut(self, edge: Edge) -> tuple[Edge, ...]:
        """A mean is linear: each line of the edge is a question of its own."""
        return edge.split()

    def value(self, pair: Pair, edge: Edge) -> float:
        """Return the mean of the plan, less the edge at the reference's mean."""
        return float(np.mean(pair.plan) - edge.at(np.array([np.mean(pair.reference)]))[0])

    def bound(self, pair: Pair, edge: Edge, alpha: float, *, upper: bool) -> float:
        """Return the bound on the mean of plan - edge(reference) that errs with about *alpha*."""
        gaps = pair.plan - edge.at(pair.reference)
        return upper_bound(gaps, pair.n, alpha) if upper else -upper_bound(-gaps, pair.n, alpha)

    def clean(self, limit: Limit) -> Pair:
        """Return the best that could be seen: every world inside."""
        inside = 0.0 if limit.op == "±" else -1.0 if limit.at_most else 1.0
        return Pair(np.full(2, limit.allowed(0.0) + inside), np.zeros(2), 2)


def upper_bound(values: Array, n: int, alpha: float) -> float:
    """Return the upper bound on the mean of *values* [(size,)], as if *n* runs looked like these.

    Notes
    -----
    With T the studentised mean and g the skewness, T + g/(3√n) T² + g²/(27n) T³ + g/(6√n) is close to normal;
    Hall's bound solves this cubic for T at Student's quantile. Here g is doubled, and ignored when negative.
    """
    if n < 2 or values.size < 2:
        return math.inf
    mean = float(np.mean(values))
    deviations = values - mean
    scale = float(np.sqrt(np.sum(deviations**2) / (values.size - 1)))
    if scale <= 1e-13 * abs(mean):
        return mean
    quantile = float(stdtrit(n - 1, 1.0 - alpha))
    tilt = SKEWNESS_FACTOR * float(np.mean((deviations / scale) ** 3)) / math.sqrt(n)
    if tilt > 1e-6:
        quantile = max(quantile, 3.0 / tilt * (1.0 - math.cbrt(1.0 - tilt * (quantile + tilt / 6.0))))
    return mean + quantile * scale / math.sqrt(n)
