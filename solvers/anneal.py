"""Simulated annealing of whole servers: worse plans are taken, too, now and then, and ever more rarely.

After top-up and chains no change of one server helps, and most of what is left above the bound are moves: a reservation
takes a server too many because the fitting one is somebody else's. A *trial* is a chain: an owner gives up a server and
takes one elsewhere; where none is free somebody else gives it, who takes one elsewhere in turn, or where the first had
his. It is kept with probability min(1, exp(−cost / temperature)) (Metropolis et al., J. Chem. Phys. 21, 1953; Kirkpatrick et
al., Science 220, 1983) and undone otherwise. Costs are the exact ones of `solvers/whole.py`.

Nine pairs in ten are no use to anybody: at the prices of the linear program a server more, or less, costs more there than it
could be worth. Reduced costs say which, and trials leave them out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from solvers.problem import Floats, Ints
from solvers.whole import change, change_cost, fits, short_of

HOT, COLD = 0.1, 0.006  # temperatures, in moves
DEAR = 0.15  # moves: a server that costs so much more at the prices of the linear program is left alone
LINKS = 4  # owners in a chain
LOOKS, MOST_LOOKS = 16, 1000  # pairs that are looked at for one that will do
LONGEST = 2 * LINKS + 2


@njit(cache=True)
def anneal(
    t: Any, s: Any, reluctance: Any, most_free: Ints, temperature: float, trials: int, seed: int
) -> float:
    """Make so many trials, return what those kept cost together; no cell is left with more free than `most_free` `[C]`."""
    np.random.seed(seed)
    total, done = 0.0, np.empty((LONGEST, 2), np.int64)
    short = np.array([r for r in range(len(t.demand)) if short_of(t, s, r) > 0.0], dtype=np.int64)
    for _ in range(trials if len(t.cell) else 0):
        cost, count = _trial(t, s, short, reluctance, done)
        for k in range(count):
            if s.free[t.cell[done[k, 0]]] > most_free[t.cell[done[k, 0]]]:
                cost = np.inf
        if cost <= 0.0 or np.random.random() < np.exp(-cost / temperature):
            total += cost
            continue
        for k in range(count - 1, -1, -1):
            change(t, s, done[k, 0], -done[k, 1])
    return total


@njit(cache=True)
def _trial(t: Any, s: Any, short: Ints, reluctance: Any, done: Any) -> Any:
    """Change something at random, return its cost and length: a server is given up, or somebody takes one (in ten trials one).

    Of those who were `short` at first one takes in every fourth trial.
    """
    luck = np.random.random()
    if luck < 0.25 and len(short):
        return _chain(t, s, short[np.random.randint(len(short))], -1, reluctance, done)
    for _ in range(MOST_LOOKS):
        p = np.random.randint(len(t.cell))
        if luck > 0.9 and _takes(t, s, p, reluctance[0]):
            return _take(t, s, p, done, 0)
        if luck <= 0.9 and _gives(t, s, p, reluctance[1]):
            return _chain(t, s, t.who[p], p, reluctance, done)
    return np.inf, 0


@njit(cache=True)
def _gives(t: Any, s: Any, p: int, give: Floats) -> bool:
    """Return whether the owner of a pair may give up a server: one that came, or one that is hardly missed."""
    return s.counts[p] > t.now[p] or (s.counts[p] > 0 and give[p] <= DEAR)


@njit(cache=True)
def _takes(t: Any, s: Any, p: int, gain: Floats) -> bool:
    """Return whether a server more may be worth its price: one that comes back, or one that is cheap enough."""
    return s.counts[p] < t.now[p] or gain[p] <= DEAR


@njit(cache=True)
def _chain(t: Any, s: Any, r: int, p: int, reluctance: Any, done: Any) -> Any:
    """Follow one chain from a reservation that gives up a server of p (-1: none) first.

    Return its cost (infinite: it cannot be) and its length.
    """
    cost, count, home = 0.0, 0, -1
    if p >= 0:
        cost, count = _change(t, s, p, -1, done, 0)
        home = t.cell[p]
    for link in range(LINKS):
        luck = np.random.random()
        if luck < 0.1 and count > 0:
            if link == 0 and luck < 0.05:  # somebody else of the cell has use for it
                q = t.cell_runs[home] + np.random.randint(t.cell_runs[home + 1] - t.cell_runs[home])
                more, count = _take(t, s, q, done, count)
                cost += more
            return cost, count
        q, robbed = _pair(t, home, r) if link > 0 and home >= 0 and luck < 0.4 else -1, -1
        if q < 0:
            q, robbed = _wanted(t, s, r, done[count - 1, 0] if count > 0 else -1, reluctance)
            if q < 0:
                return np.inf, count
        if robbed >= 0:
            more, count = _change(t, s, robbed, -1, done, count)
            cost += more
        more, count = _take(t, s, q, done, count)
        cost += more
        if robbed < 0 or cost == np.inf:
            return cost, count
        r = t.who[robbed]
    return cost, count


@njit(cache=True)
def _change(t: Any, s: Any, p: int, sign: int, done: Any, count: int) -> Any:
    """Make a change and note it; return what it costs and how many are noted."""
    cost = change_cost(t, s, p, sign)[1]
    change(t, s, p, sign)
    done[count, 0], done[count, 1] = p, sign
    return cost, count + 1


@njit(cache=True)
def _take(t: Any, s: Any, p: int, done: Any, count: int) -> Any:
    """Take one more server of a pair where that is lawful."""
    if not fits(t, s, p):
        return np.inf, count
    return _change(t, s, p, 1, done, count)


@njit(cache=True)
def _wanted(t: Any, s: Any, r: int, without: int, reluctance: Any) -> Any:
    """Return a pair of which a reservation would take a server, at random, and who gives it (-1: it is free); (-1, -1): none."""
    first, end = t.pair_runs[r], t.pair_runs[r + 1]
    for _ in range(LOOKS if end > first else 0):
        q = t.pairs_of[first + np.random.randint(end - first)]
        if q != without and _takes(t, s, q, reluctance[0]):
            if s.free[t.cell[q]] > 0:
                return q, -1
            robbed = _giver(t, s, t.cell[q], r, reluctance[1])
            if robbed >= 0:
                return q, robbed
    return -1, -1


@njit(cache=True)
def _giver(t: Any, s: Any, c: int, r: int, give: Floats) -> int:
    """Return a pair of a cell whose owner, not r, may give up a server: the first from a random one on (-1: none)."""
    first, size = t.cell_runs[c], t.cell_runs[c + 1] - t.cell_runs[c]
    start = np.random.randint(size)
    for k in range(size):
        q = first + (start + k) % size
        if t.who[q] != r and _gives(t, s, q, give):
            return q
    return -1


@njit(cache=True)
def _pair(t: Any, c: int, r: int) -> int:
    """Return the pair of a cell and a reservation (-1: there is none)."""
    low, high = t.cell_runs[c], t.cell_runs[c + 1]
    at = low + np.searchsorted(t.who[low:high], r)
    return at if at < high and t.who[at] == r else -1
