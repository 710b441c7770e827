"""Load shedding: what a service refuses at once, and who goes without when servers are short.

Refusing costs next to nothing and keeps the rest fast; waiting costs everybody. Tier 0 is served first, tier 9 last.
"""

from __future__ import annotations

import numpy as np

from twin.graph.levels import Floats, Ints


def admitted(offered: Floats, shed: Floats, most: Floats) -> Floats:
    """Return the requests that are let in `[1/s]`.

    Parameters
    ----------
    offered
        Requests that arrive `[1/s]`.
    shed
        Share of them that somebody has decided to refuse `[1]`; below 0 and above 1 it counts as 0 and 1.
    most
        What is let in at most `[1/s]`; infinite without a threshold.
    """
    return np.minimum(offered * (1.0 - np.clip(shed, 0.0, 1.0)), most)


def fill_by_tier(need: Floats, tier: Ints, pair: Ints, capacity: Floats) -> Floats:
    """Return the share of its need that each service gets where servers are short: better tiers first `[1, (n,)]`.

    Parameters
    ----------
    need
        Relative resource units that each replica set wants `[RRU, (n,)]`.
    tier, pair
        Its tier, and the servers (reservation and site) that it draws on `[(n,)]`.
    capacity
        Relative resource units of each such pool `[RRU, (P,)]`. Sets of one tier in one pool get equal shares.
    """
    left, fill = capacity.astype(float), np.ones(len(need))
    for rank in np.unique(tier):
        rows = np.flatnonzero(tier == rank)
        wanted = np.bincount(pair[rows], need[rows], len(capacity))
        share = np.divide(left, wanted, out=np.ones_like(left), where=wanted > left)
        fill[rows] = share[pair[rows]]
        left = np.maximum(left - wanted, 0.0)
    return fill
