"""The G/G/c queue of one replica: arrivals and services that are more or less regular than those of M/M/c.

Variability is a squared coefficient of variation (variance over squared mean): 0 for a clock, 1 for a Poisson stream or
an exponential time, more for bursts.
"""

from __future__ import annotations

import numpy as np

from twin.graph.levels import Floats
from twin.sim.laws.cumulants import Cumulants
from twin.sim.queueing import erlang_c


def mean_wait(c: int, rho: Floats, ca2: float, cs2: float) -> Floats:
    """Return the mean wait in mean service times.

    Parameters
    ----------
    c
        Workers `[1]`.
    rho
        Utilisation `[1]`, below 1.
    ca2, cs2
        Variability of the times between arrivals and of the service times `[1]`.

    Notes
    -----
    E[W] = (ca² + cs²)/2 · E[W of M/M/c]: exact for M/M/c and for M/G/1 (Pollaczek and Khinchine), an approximation
    elsewhere. Sakasegawa's closed form puts ρ^(√(2(c + 1)) − 1) / (c(1 − ρ)) for the second factor; Erlang's exact value
    is at hand here, and his formula is what the tests hold it against.

    References
    ----------
    Sakasegawa, An approximation formula Lq ≅ αρ^β/(1 − ρ), Ann. Inst. Statist. Math. 29 (1977), doi:10.1007/BF02532776.
    """
    return 0.5 * (ca2 + cs2) * erlang_c(c, rho) / (c * (1.0 - rho))


def sojourn(c: int, rho: Floats, ca2: float, cs2: float) -> Cumulants:
    """Return the sojourn (wait and service) in mean service times.

    As many requests wait as in M/M/c, and theirs is an exponential wait of mean (ca² + cs²)/2 / (c(1 − ρ)); service
    times are gamma distributed. Exact for M/M/c.
    """
    waits, mean = erlang_c(c, rho), 0.5 * (ca2 + cs2) / (c * (1.0 - rho))
    wait = Cumulants.of_moments(waits * mean, 2.0 * waits * mean**2, 6.0 * waits * mean**3)
    one = np.ones_like(rho)
    return wait.plus(Cumulants(one, cs2 * one, 2.0 * cs2**2 * one))


def sojourn_p99(c: int, rho: Floats, ca2: float, cs2: float) -> Floats:
    """Return the 99th percentile of the sojourn in mean service times, by its three cumulants."""
    return sojourn(c, rho, ca2, cs2).quantile(0.99)
