"""Load shedding by tier: which racks are switched off so that an overloaded unit stands it, and which may come back.

As in Flex (Zhang et al., ISCA 2021): the least important tier first, as few racks as needed, and back in reverse order.
"""

from __future__ import annotations

import numpy as np

from twin.graph.levels import Bools, Floats, Ints

NEARLY = 1.0 - 1e-9  # what is missed by rounding only is enough


def switch_off(flow: Floats, tier: Ints, watts: float) -> Bools:
    """Return which racks are switched off `[(n,)]` so that `watts` less flow; all of them when they do not suffice.

    Parameters
    ----------
    flow : what of each rack flows through the overloaded unit `[W, (n,)]`, > 0.
    tier : rank of each, 0 is the most important `[(n,)]`: a rank is touched only when all above it are off.
    watts : what the unit must lose `[W]`.

    Notes
    -----
    Within a rank the largest go first, which makes their number the least possible.
    """
    off = np.zeros(len(flow), dtype=bool)
    for rank in np.unique(tier)[::-1]:
        if watts <= 0.0:
            break
        rows = np.flatnonzero(tier == rank)
        rows = rows[np.argsort(-flow[rows], kind="stable")]
        gone = np.cumsum(flow[rows])
        needed = int(np.searchsorted(gone, watts * NEARLY)) + 1
        off[rows[:needed]] = True
        watts -= float(gone[min(needed, len(rows)) - 1])
    return off


def switch_on(flow: Floats, tier: Ints, room: Floats) -> Bools:
    """Return which racks come back `[(n,)]` without any unit getting more than it has room for.

    Parameters
    ----------
    flow : what of each rack would flow through each unit `[W, (units, n)]`.
    tier : rank of each rack, 0 is the most important `[(n,)]`.
    room : what each unit may get `[W, (units,)]`.

    Notes
    -----
    The most important first, within a rank the smallest first. A unit at which a rack did not fit has no room for lower ranks.
    Cost: one pass over units per rack.
    """
    on, left = np.zeros(len(tier), dtype=bool), room.astype(float)
    for rank in np.unique(tier):
        short = np.zeros(len(room), dtype=bool)
        rows = np.flatnonzero(tier == rank)
        for rack in rows[np.argsort(flow[:, rows].sum(axis=0), kind="stable")].tolist():
            lacks = (flow[:, rack] > 0.0) & (flow[:, rack] * NEARLY > left)
            if lacks.any():
                short |= lacks
            else:
                on[rack] = True
                left -= flow[:, rack]
        left[short] = -np.inf
    return on
