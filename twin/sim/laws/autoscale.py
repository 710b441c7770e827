"""Horizontal autoscaling: how many replicas a controller wants that looks at their mean utilisation once a period.

References
----------
Kubernetes, Horizontal Pod Autoscaling: desired = ⌈replicas · utilisation / target⌉, nothing within a tolerance of 10 %;
defaults of a look every 15 s, at most the double or four more each time, and fewer only when all looks of the last
300 s agree.
"""

from __future__ import annotations

import numpy as np

from twin.graph.levels import Floats

MOST_STEP = 4.0  # replicas that may come at a look, however few there are
MOST_FACTOR = 2.0  # by which they may multiply at a look


def wanted(replicas: Floats, utilisation: Floats, target: Floats, tolerance: float) -> Floats:
    """Return the replicas that bring the utilisation to its target.

    Parameters
    ----------
    replicas
        Replicas now `[1]`.
    utilisation, target
        Mean utilisation of the replicas, measured and wanted `[1]`.
    tolerance
        Deviation of their ratio from 1 that is left alone `[1]`.
    """
    ratio = utilisation / target
    # A rounding error above a whole number is no reason for one more.
    scaled = np.ceil(np.round(replicas * ratio, 9))
    return np.where(np.abs(ratio - 1.0) <= tolerance + 1e-12, replicas, scaled)


def within_a_step(replicas: Floats, goal: Floats) -> Floats:
    """Return the replicas after one look on the way to `goal`: at most the double, or four more; fewer at once."""
    return np.minimum(goal, np.maximum(MOST_FACTOR * replicas, replicas + MOST_STEP))
