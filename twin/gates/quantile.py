"""Quantile: what is not exceeded in all but a few worlds? Order statistics, whatever the distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import binom

from twin.gates.edges import Edge, Pair
from twin.model.limits import Limit


@dataclass(frozen=True)
class Quantile:
    """The q-quantile over the worlds, bounded by order statistics.

    The number of worlds below the true quantile is binomial (n, q), so a rank can be named that is above it
    (below it) with the wanted confidence, for any distribution. When the sample is too small for such a rank
    the bound is infinite. A comparison with the reference is about paired differences: the quantile of
    plan - allowed(reference), world by world.

    References
    ----------
    H. A. David, H. N. Nagaraja, "Order Statistics", 3rd ed. (2003), section 7.1, doi:10.1002/0471722162
    """

    q: float = 0.99
    name: str = "quantile"
    method: str = "order statistics"
    assumptions: tuple[str, ...] = ("worlds are drawn independently",)

    def least_runs(self, error: float) -> int:
        """No run is too early: too few runs give an infinite bound by themselves."""
        return 1

    def cut(self, edge: Edge) -> tuple[Edge, ...]:
        """A quantile is not linear: the edge is applied whole, in each world."""
        return (edge,)

    def value(self, pair: Pair, edge: Edge) -> float:
        """Return the sample quantile of plan - edge(reference)."""
        gaps = np.sort(pair.plan - edge.at(pair.reference))
        return float(gaps[max(1, math.ceil(self.q * gaps.size)) - 1])

    def bound(self, pair: Pair, edge: Edge, alpha: float, *, upper: bool) -> float:
        """Return the order statistic of plan - edge(reference) that errs with at most *alpha*."""
        rank = _rank(pair.n, self.q, 1.0 - alpha) + 1 if upper else _rank(pair.n, self.q, alpha)
        if not 1 <= rank <= pair.n:
            return math.inf if upper else -math.inf
        gaps = np.sort(pair.plan - edge.at(pair.reference))
        return float(gaps[math.ceil(rank * gaps.size / pair.n) - 1])

    def clean(self, limit: Limit) -> Pair:
        """Return the best that could be seen: every world far inside."""
        far = 0.0 if limit.op == "±" else -math.inf if limit.at_most else math.inf
        return Pair(np.array([far + limit.allowed(0.0)]), np.zeros(1), 1)


@lru_cache(maxsize=1024)
def _rank(n: int, q: float, level: float) -> int:
    """Return the least count of worlds below the q-quantile that has at least this cumulative probability."""
    return int(binom.ppf(level, n, q))
