"""Fan-out: a caller waits for all it calls, one after the other (their times add up) or all at once (the slowest counts).

Of n calls at once, each slow with probability p, one at least is slow with 1 − (1 − p)^n: with p = 1 % and n = 100 that
is 63 % (Dean and Barroso, The Tail at Scale, CACM 56(2), 2013, doi:10.1145/2408776.2408794).

Times are carried as three cumulants. Sums of them are exact; the largest is integrated over the product of the
distributions, each taken as Pearson's type III. A call that only a part of the requests makes is one of duration zero
for the rest.
"""

from __future__ import annotations

import numpy as np

from twin.graph.levels import Floats, Ints
from twin.sim.laws.cumulants import Cumulants

CELLS = 128  # points of the integral: its error is below 1e-3 of the p99 (tested)
_FAR = 14.0  # where the integral ends: e^-14 of an exponential tail comes later


def slow_share(p: Floats, n: Floats) -> Floats:
    """Return the share of requests with at least one slow call `[1]`: 1 − (1 − p)^n."""
    return -np.expm1(n * np.log1p(-p))


def one_after_the_other(times: Cumulants, calls: Floats, starts: Ints) -> Cumulants:
    """Return the sum of the times of all calls of each caller.

    Parameters
    ----------
    times
        Time of one call of each edge `[s, (E,)]`; the edges of a caller stand together.
    calls
        Calls on each edge for one request `[1, (E,)]`; of 2.4 calls, two are made always and the third in 40 % of all.
    starts
        Where the edges of each caller begin `[(n,)]`.
    """
    whole = np.floor(calls)
    rest = _sometimes(times, calls - whole)
    edges = (
        whole * times.mean + rest.mean,
        whole * times.variance + rest.variance,
        whole * times.third + rest.third,
    )
    return Cumulants(*(np.add.reduceat(values, starts) for values in edges))


def all_at_once(times: Cumulants, calls: Floats, starts: Ints) -> Cumulants:
    """Return the largest of the times of all calls of each caller; parameters as above. Cost: E x CELLS gamma functions.

    The calls are independent: P(max ≤ t) = ∏ F(t)^n, and E[max^k] = ∫ k·t^{k−1}·(1 − P) dt.
    """
    caller = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(calls))))
    _, scale, shift = times.gamma()
    deviation = np.sqrt(np.maximum(times.variance, 0.0))
    last = times.mean + (_FAR + np.log1p(calls)) * np.maximum(scale, deviation)
    whole = np.floor(calls)
    begin = np.maximum.reduceat(np.where(whole > 0, np.maximum(shift, 0.0), 0.0), starts)
    length = np.maximum.reduceat(last, starts) - begin
    # Dense where short times are and thin in the tail: t = begin + length·x², by the midpoint rule in x.
    x = (np.arange(CELLS) + 0.5) / CELLS
    t, width = length[:, None] * x**2, length[:, None] * 2.0 * x / CELLS
    column = Cumulants(times.mean[:, None], times.variance[:, None], times.third[:, None])
    below = column.below((begin[:, None] + t)[caller])
    below = below ** whole[:, None] * (1.0 - (calls - whole)[:, None] * (1.0 - below))
    later = 1.0 - np.multiply.reduceat(below, starts, axis=0)
    first, second, third = ((k * t ** (k - 1) * later * width).sum(axis=1) for k in (1, 2, 3))
    after = Cumulants.of_moments(first, second, third)
    return Cumulants(begin + after.mean, after.variance, after.third)


def _sometimes(times: Cumulants, share: Floats) -> Cumulants:
    """Return those of a time that is zero but in a `share` of all cases."""
    first, second, third = times.moments()
    return Cumulants.of_moments(share * first, share * second, share * third)
