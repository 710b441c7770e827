"""Power capping in three bands, as in Dynamo (Wu et al., ISCA 2016): who gives up how many watts, and who gets them back.

Above the first band power is cut down to a target, below the last it is handed back; between them nothing moves. Cuts
fall on the lowest priority first, and within a priority on the highest draws first: all of it is one *water level*.
"""

from __future__ import annotations

import numpy as np

from twin.graph.levels import Floats, Ints


def water_level(low: Floats, high: Floats, weight: Floats, amount: float) -> Floats:
    """Return clip(L, low, high) for the level L at which sum(weight·(clip(L, low, high) − low)) = amount.

    Parameters
    ----------
    low, high : bounds of each vessel `[W, (n,)]`, low <= high.
    weight : how much one watt there counts `[1, (n,)]`, > 0.
    amount : what is to be poured in `[W]`; all of it or none when out of range.

    Notes
    -----
    The sum is piecewise linear in L with corners at the bounds, so that L is found by interpolation between corners.
    Cost: sorting 2n numbers.
    """
    if not len(low):
        return low
    corners = np.concatenate([low, high])
    order = np.argsort(corners, kind="stable")
    corners = corners[order]
    slope = np.cumsum(np.concatenate([weight, -weight])[order])[:-1]
    poured = np.concatenate([[0.0], np.cumsum(np.maximum(slope, 0.0) * np.diff(corners))])
    return np.clip(np.interp(amount, poured, corners), low, high)


def cut(draw: Floats, floor: Floats, weight: Floats, tier: Ints, watts: float) -> Floats:
    """Return the most that each may draw `[W, (n,)]` so that `watts` less flow; infinite for those that are spared.

    Parameters
    ----------
    draw : what each draws now `[W, (n,)]`.
    floor : below this nobody is cut `[W, (n,)]`.
    weight : part of a watt of each that flows through the protected device `[1, (n,)]`, > 0.
    tier : rank of each, 0 is the most important `[(n,)]`: the highest numbers are cut first.
    watts : what the device must lose `[W]`; when the floors allow less, all are cut to their floors.
    """
    caps, left = np.full(len(draw), np.inf), watts
    for rank in np.unique(tier)[::-1]:
        if left <= 0.0:
            break
        rows = np.flatnonzero((tier == rank) & (floor < draw))
        spare = float(np.dot(weight[rows], draw[rows] - floor[rows]))
        level = water_level(floor[rows], draw[rows], weight[rows], spare - min(left, spare))
        caps[rows] = np.where(level < draw[rows], level, np.inf)
        left -= spare
    return caps


def hand_back(cap: Floats, most: Floats, weight: Floats, tier: Ints, watts: float) -> Floats:
    """Return the caps `[W, (n,)]` after `watts` more may flow; infinite where a cap has reached `most`.

    The inverse of `cut`: the most important first, and among equals the lowest caps first. Even if everybody then draws
    all that it may, no more than `watts` are added.
    """
    caps, left = cap.copy(), watts
    low = np.minimum(cap, most)
    for rank in np.unique(tier):
        rows = np.flatnonzero(tier == rank)
        wanted = float(np.dot(weight[rows], most[rows] - low[rows]))
        level = water_level(low[rows], most[rows], weight[rows], min(max(left, 0.0), wanted))
        caps[rows] = np.where(level < most[rows], level, np.inf)
        left -= wanted
    return caps
