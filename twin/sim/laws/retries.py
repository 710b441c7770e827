"""Retries: what failed a moment ago is asked again, within a number of tries and a budget.

An *attempt* fails when the service refuses it, or when its answer comes after the client's timeout: then the work is
done all the same and helps nobody. *Throughput* counts what is served, *goodput* what is served in time.

With λ first tries a second, R retries each, and a share p of all attempts failing, the retries of one generation are p
times those before. In the steady state there are λ(p + p² + … + p^R) of them, cut to β·λ by a retry budget β. How the
retry rate gets there is a lag: clients notice a failure one timeout late.

References
----------
Bronson, Aghayev, Charapko, Zhu: Metastable Failures in Distributed Systems, HotOS 2021, doi:10.1145/3458336.3465286.
Beyer et al.: Site Reliability Engineering, 2016, chapter 21 (limits per request, retry budget per client).
"""

from __future__ import annotations

import numpy as np

from twin.graph.levels import Bools, Floats, Ints


def tries_again(p: Floats, retries: Floats | Ints) -> Floats:
    """Return the retries that one first try leads to without a budget: p + p² + … + p^R `[1]`.

    `p` is the share of attempts that fail `[1]`, `retries` the most of them for each request `[1]`.
    """
    safe = np.minimum(p, 1.0 - 1e-9)
    return np.where(p < 1.0 - 1e-9, safe * (1.0 - safe**retries) / (1.0 - safe), retries)


def retried_share(p: Floats, retries: Floats | Ints, budget: Floats) -> Floats:
    """Return the share of failed attempts that the budget lets be tried again `[1]`: min(1, β / (p + … + p^R))."""
    wanted = tries_again(p, retries)
    return np.divide(budget, wanted, out=np.ones_like(wanted), where=wanted > budget)


def retry_rate(first_per_s: Floats, p: Floats, retries: Floats | Ints, budget: Floats) -> Floats:
    """Return the retry rate `[1/s]` that `first_per_s` first tries settle at when a share `p` of attempts fails."""
    return first_per_s * retried_share(p, retries, budget) * tries_again(p, retries)


def failed_share(p: Floats, retries: Floats | Ints, budget: Floats) -> Floats:
    """Return the share of requests whose attempts all fail `[1]`: p(1 − q + q·p^R), q the share that is tried again."""
    q = retried_share(p, retries, budget)
    return p * (1.0 - q + q * p**retries)


def late(backlog: Floats, most_in_time: Floats, rate: Floats, before: Bools) -> Bools:
    """Return whether what arrives now is answered too late: more waits than can be served within the timeout.

    `most_in_time` is capacity times (timeout less service time) `[requests]`. On the edge the direction of the backlog
    decides, and the state `before` where it stands still.
    """
    slack = 1e-9 * np.maximum(most_in_time, 1.0)
    on_edge = np.abs(backlog - most_in_time) <= slack
    return np.where(on_edge, (rate > 0) | (before & (rate == 0)), backlog > most_in_time)


def largest_cured_rate(capacity: Floats, retries: Floats | Ints, budget: Floats) -> Floats:
    """Return the largest rate of first tries `[1/s]` from which a collapsed service recovers by itself.

    When every attempt fails, λ(1 + min(R, β)) arrive: the backlog drains where that is less than the capacity `[1/s]`.
    """
    return capacity / (1.0 + np.minimum(retries, budget))
