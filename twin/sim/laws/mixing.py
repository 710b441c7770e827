"""A well-mixed queue: what share of those who wait now waited before, when some have come and some have gone.

Who has waited longest is not told from who has just come: whoever leaves is taken from all that wait. What is left of those
who waited first shrinks by dO/dt = -O·out/B.
"""

from __future__ import annotations

import numpy as np

from twin.graph.levels import Floats

NOBODY = 1e-12  # requests: a queue as short as that is empty, and its logarithm no number to rely on


def mixed(share: Floats, coming: Floats, before: Floats, after: Floats, left: Floats) -> Floats:
    """Return the share of the queue that has some property `[1, (n,)]`, after a while of constant flows.

    Parameters
    ----------
    share, coming : that of those who wait, and of those who come `[1, (n,)]`.
    before, after : length of the queue at the beginning and at the end; linear in between `[(n,)]`.
    left : how many have left in that while `[(n,)]`.

    Notes
    -----
    With r = after / before is O = before·exp(-left/before · ln(r)/(r - 1)), the last factor being 1 where r = 1.
    """
    waits = (before > NOBODY) & (after > NOBODY)
    ratio = np.divide(after, before, out=np.ones_like(after), where=waits)
    grown = ratio - 1.0
    factor = np.divide(np.log(ratio), grown, out=np.ones_like(grown), where=np.abs(grown) > 1e-9)
    gone = np.divide(left * factor, before, out=np.zeros_like(before), where=waits)
    stayed = np.divide(np.exp(-gone), ratio, out=np.zeros_like(ratio), where=waits)
    return coming + (share - coming) * np.clip(stayed, 0.0, 1.0)
