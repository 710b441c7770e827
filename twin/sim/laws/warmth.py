"""Cache warmth: replicas that have just started or just got other users serve slowly until their caches know the requests.

*Warmth* w is the hit rate of a cache over the hit rate it reaches in the end: 0 is an empty cache, 1 a warm one. It
closes the gap exponentially, w' = (1 − w)/τ: what is missing is fetched as it is asked for. A request takes f times as
long on a cold replica as on a warm one and the mean of the two by w between, so that the capacity is divided by
1 + (f − 1)(1 − w).
"""

from __future__ import annotations

import numpy as np

from twin.graph.levels import Floats


def slowdown(warmth: Floats, cold_factor: Floats) -> Floats:
    """Return the service time over that of warm replicas `[1]`: 1 + (f − 1)(1 − w)."""
    return 1.0 + (cold_factor - 1.0) * (1.0 - warmth)


def joined(warmth: Floats, before: Floats, now: Floats) -> Floats:
    """Return the warmth `[1]` after a site grows from `before` to `now`, in replicas or in its share of the users.

    Replicas that come have empty caches, and users that come from elsewhere ask for what the caches lack: w·before/now.
    Nothing changes where it shrinks; without replicas it is cold.
    """
    kept = np.divide(before, now, out=np.zeros_like(warmth), where=now > 0)
    return warmth * np.minimum(kept, 1.0)
