"""Standby generators: what step of load a running set accepts, alone or in parallel with others."""

from __future__ import annotations

import numpy as np

from twin.graph.levels import Floats, Ints

# Load that comes with less than this share of the rating above the largest block is the same block (rounding).
SLACK = 1e-9


def levels(load_va: Floats, rated_va: Floats, group: Ints, groups: int) -> Floats:
    """Load of each group of paralleled sets as a share of what runs in it `[groups]` (0 where nothing runs).

    Parameters
    ----------
    load_va, rated_va
        Apparent load and rating of each running set [VA, (n,)]; sets that stand still have rating 0.
    group
        The group of each set `[n]`: sets on one bus swing together, so what counts is the level they share.
    """
    load = np.bincount(group, load_va * (rated_va > 0), minlength=groups)
    rated = np.bincount(group, rated_va, minlength=groups)
    return np.divide(load, rated, out=np.zeros(groups), where=rated > 0)


def stalls(before: Floats, now: Floats, block: Floats) -> np.ndarray:
    """Whether a step from one level of load to another is more than a group takes at once `[groups]`.

    Parameters
    ----------
    before, now
        Level of load before and after [share of the rating].
    block
        Largest accepted step [share of the rating].

    Notes
    -----
    ISO 8528-5 states accepted steps per performance class; class G2 sets take 0-50, 50-80 and 80-100 % with the frequency
    within 10 % and back in 5 s. Standby sets usually take their full rating in one step (UFGS 16264A), so 1 is the
    default. A larger step pulls voltage and frequency down until the set's protection takes it off the load: it runs on,
    and a person has to bring it back.
    """
    return now - before > block + SLACK
