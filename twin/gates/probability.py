"""Probability: in what share of worlds does it happen at all? Exact binomial bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from twin.gates.edges import Edge, Pair
from twin.model.limits import Limit


@dataclass(frozen=True)
class Probability:
    """P(metric > 0), by Clopper-Pearson bounds.

    A comparison with the reference bounds the shares of worlds in which only the plan, only the reference, or
    both are hit, each exactly, and adds them up (Bonferroni over the shares that count).

    References
    ----------
    C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26 (1934), doi:10.1093/biomet/26.4.404
    """

    name: str = "probability"
    method: str = "exact binomial bounds (Clopper-Pearson)"
    assumptions: tuple[str, ...] = ("worlds are drawn independently",)

    def least_runs(self, error: float) -> int:
        """No run is too early: the bounds are exact at every n."""
        return 1

    def cut(self, edge: Edge) -> tuple[Edge, ...]:
        """A share is linear: each line of the edge is a question of its own."""
        return edge.split()

    def value(self, pair: Pair, edge: Edge) -> float:
        """Return the observed share, less the edge at the reference's share."""
        share = np.array([np.mean(pair.reference > 0)])
        return float(np.mean(pair.plan > 0) - edge.at(share)[0])

    def bound(self, pair: Pair, edge: Edge, alpha: float, *, upper: bool) -> float:
        """Return the bound on P(plan > 0) less the edge at P(reference > 0)."""
        ((slope, offset),) = edge.lines
        cells = [(weight, share) for weight, share in _cells(pair, slope) if weight]
        error = alpha / len(cells)
        return (
            sum(
                weight * share_bound(share * pair.n, pair.n, error, upper=(weight > 0) == upper)
                for weight, share in cells
            )
            - offset
        )

    def clean(self, limit: Limit) -> Pair:
        """Return the best that could be seen: nothing ever happens (or always, when much is wanted)."""
        centre = limit.value if limit.op == "±" and limit.basis is None else 0.0 if limit.op != ">=" else 1.0
        plan = (np.arange(1000) < round(1000 * centre)).astype(float)
        return Pair(plan, np.full_like(plan, 0.0 if limit.at_most else plan[0]), plan.size)


def share_bound(hits: float, n: int, alpha: float, *, upper: bool) -> float:
    """Return the one-sided exact bound on a share after *hits* in *n* worlds."""
    if upper:
        return float(betaincinv(hits + 1.0, n - hits, 1.0 - alpha)) if hits < n else 1.0
    return float(betaincinv(hits, n - hits + 1.0, alpha)) if hits > 0 else 0.0


def _cells(pair: Pair, slope: float) -> list[tuple[float, float]]:
    """Return (weight, share of worlds) where both, only the plan, only the reference are hit."""
    plan, reference = pair.plan > 0, pair.reference > 0
    if slope == 0.0:
        return [(1.0, float(np.mean(plan)))]
    return [
        (1.0 - slope, float(np.mean(plan & reference))),
        (1.0, float(np.mean(plan & ~reference))),
        (-slope, float(np.mean(~plan & reference))),
    ]
