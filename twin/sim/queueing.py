"""The M/M/c queue of one replica: waiting probability and the tail of the sojourn (waiting + service).

Each replica queues on its own with c workers: a service of a thousand replicas is a thousand small queues, not
one giant M/M/c, which would see nothing until collapse.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from twin.graph.levels import Floats, Ints

CELLS = 1024
RHO_MAX = 0.9999
LOG_TAIL = float(np.log(0.01))


def erlang_c(c: int, rho: Floats) -> Floats:
    """Probability `[1]` that a request waits in M/M/c at utilisation `rho` (Erlang 1917), by the stable recursion on Erlang B."""
    load = c * rho
    inverse_b = np.ones_like(rho)
    with np.errstate(over="ignore"):  # at no load the inverse is infinite and the blocking zero
        for k in range(1, c + 1):
            inverse_b = 1.0 + inverse_b * k / np.maximum(load, 1e-300)
    blocking = 1.0 / inverse_b
    return blocking / (1.0 - rho * (1.0 - blocking))


def sojourn_tail(c: int, rho: Floats, t: Floats) -> Floats:
    """P(sojourn > t) of M/M/c, FCFS, `t` in mean service times.

    P(T > t) = e^{-t} + C·(e^{−t} − e^{−(1+θ)t})/θ with θ = c(1 − ρ) − 1, and C·t·e^{−t} for the second term where θ = 0
    (Gross and Harris, Fundamentals of Queueing Theory, section 2.3).
    """
    waiting = erlang_c(c, rho)
    theta = c * (1.0 - rho) - 1.0
    near = np.abs(theta) < 1e-7
    safe = np.where(near, 1.0, theta)
    served = np.exp(-t)
    return served + waiting * np.where(near, t * served, (served - np.exp(-(1.0 + safe) * t)) / safe)


def sojourn_p99(c: int, rho: Floats) -> Floats:
    """99th percentile of the sojourn in mean service times, by bisection on the exact tail. Cost: 60 tails."""
    low, high = np.zeros_like(rho), np.full_like(rho, 10.0) / (c * (1.0 - rho)) + 10.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        above = sojourn_tail(c, rho, middle) > 0.01
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return 0.5 * (low + high)


@lru_cache(maxsize=256)  # one row takes 40 ms, and every run of a check needs the same ones
def _p99_row(c: int, ca2: float, cs2: float) -> tuple[float, ...]:
    """p99·(1 − ρ) on the grid of utilisations: exact for M/M/c, by three cumulants for other variabilities."""
    grid = np.minimum(np.linspace(0.0, 1.0, CELLS + 1), RHO_MAX)
    if ca2 == cs2 == 1.0:
        return tuple((sojourn_p99(c, grid) * (1.0 - grid)).tolist())
    from twin.sim.laws import gg_c  # builds on this module

    return tuple((gg_c.sojourn_p99(c, grid, ca2, cs2) * (1.0 - grid)).tolist())


class P99Table:
    """p99 of the sojourn of every service at any utilisation, by interpolation of p99·(1 − ρ) on a grid in ρ.

    The product is smooth up to ρ = 1; the interpolation error is below 1e-4 of the p99 (tested for c up to 64).
    """

    def __init__(
        self, slots: Ints, service_time_s: Floats, variability: tuple[Floats, Floats] | None = None
    ) -> None:
        ca2, cs2 = variability or (np.ones(len(slots)), np.ones(len(slots)))
        distinct, row = np.unique(np.stack([slots, ca2, cs2]), axis=1, return_inverse=True)
        rows = np.array([_p99_row(int(c), a, s) for c, a, s in distinct.T.tolist()])
        rows = rows.reshape(distinct.shape[1], CELLS + 1)
        self._flat = np.ascontiguousarray(rows.ravel())
        self._step = np.ascontiguousarray(np.diff(rows, axis=1, append=rows[:, -1:]).ravel())
        self._offset = (row.astype(np.int64) * (CELLS + 1))[:, None]
        self._time = service_time_s[:, None]

    def seconds(self, rho: Floats) -> Floats:
        """Return the p99 of the sojourn `[s, (K, S)]` at utilisations `rho` (cut at 0.9999)."""
        bounded = np.minimum(rho, RHO_MAX)
        position = bounded * CELLS
        cell = position.astype(np.int64)
        position -= cell
        cell += self._offset
        value = np.take(self._step, cell, mode="clip")  # never out of range, and not checked for it
        value *= position
        value += np.take(self._flat, cell, mode="clip")
        value *= self._time
        np.subtract(1.0, bounded, out=bounded)
        value /= bounded
        return value
