"""Power: what every server, rack and unit draws, rolled up the chain with losses and sub-interval peaks.

Each node carries a load `[n, 3, T]`, real power W, reactive power var and the linear part of the peak excursion W (what all
servers do together), and the sum of squares `[n, T]` W² of the independent part, at each of T instants. Real, reactive and
linear parts add up by the share that each feed carries; the square of a rack counts at a unit by the square of the part of
the rack that flows through it, however many ways it takes. Racks of one kind are one node (`twin/sim/fold.py`).
"""

from __future__ import annotations

import numpy as np

from twin.graph.compile import CURVE_CELLS, PowerArrays, ServerArrays
from twin.graph.levels import Bools, Floats, Ints
from twin.sim.fold import FoldedGraph
from twin.sim.sparse import Sums

W, VAR, LINEAR, SQUARES = range(4)


def server_watts(servers: ServerArrays, utilisation: Floats, kinds: Ints) -> Floats:
    """Power `[W, (n, T)]` of one working server of each of `kinds` at `utilisation` `[n, T]`, from the tabulated curves."""
    position = np.minimum(utilisation, 1.0) * CURVE_CELLS
    cell = np.minimum(position.astype(np.int64), CURVE_CELLS - 1)
    position -= cell
    cell += (kinds * (CURVE_CELLS + 1))[:, None]
    table = servers.type_watts.ravel()
    low = table[cell]
    return low + (table[cell + 1] - low) * position


def loads_into(servers: ServerArrays, watts: Floats, kinds: Ints, out: Floats) -> None:
    """Write the load and the squares `[n, 4, T]` of one server each: its power `[W, (n, T)]`, and the parts of it that swing."""
    out[:, W] = watts
    np.multiply(watts, servers.type_tan_phi[kinds][:, None], out=out[:, VAR])
    np.multiply(watts, servers.type_linear[kinds][:, None], out=out[:, LINEAR])
    random = watts * servers.type_random[kinds][:, None]
    np.multiply(random, random, out=out[:, SQUARES])


def utilisation_at_watts(servers: ServerArrays, kind: int, watts: float) -> float:
    """Largest utilisation at which a server of a type draws at most `watts` (0 when even idle is above)."""
    table = servers.type_watts[kind]
    if watts >= table[-1]:
        return 1.0
    cell = int(np.searchsorted(table, watts, side="right")) - 1
    if cell < 0:
        return 0.0
    return (cell + (watts - table[cell]) / (table[cell + 1] - table[cell])) / CURVE_CELLS


class RollUp:
    """The sums of one state of the feeds: per level a sparse matrix from all nodes to the parents of that level.

    Each row is summed in a fixed order, so that equal inputs give equal bits whatever was computed before.
    """

    def __init__(self, graph: FoldedGraph, share: Floats) -> None:
        self.graph = graph
        self.sums = graph.sums(share)
        self._swings: Sums | None = None
        self._losses: tuple[Floats, Floats, Floats] | None = None

    def fill(
        self, power: PowerArrays, load: Floats, squares: Floats, alive: Bools, *, inject_w: Floats
    ) -> None:
        """Fill in the load `[n, 3, T]` and the squares `[n, T]` of every unit, given those of the leaves (in place).

        A unit adds its loss a·rated + b·P + c·P²/rated (no-load, proportional and square-law loss; the form of APC
        White Papers 108 and 113) to the real power that flows through it while it is alive, and so does what is
        injected at it `[W, (U,)]` (recharging; solar and batteries are negative). Cost: a sparse product per level, and one.
        """
        if self._swings is None:
            self._swings = self.graph.swings.sums(self.sums)
        if self._losses is None:
            self._losses = _losses(power, alive)
        idle, linear, square = self._losses
        if inject_w.any():
            idle = idle.copy()
            idle[power.unit_node] += (inject_w * alive[power.unit_node])[:, None]
        load[power.bare - self.graph.shift, W] += idle[power.bare]
        self._swings.into(squares, squares[len(squares) - self._swings.rows :])
        for level, sums in zip(self.graph.levels, self.sums, strict=True):
            sums.into(load, load[level.parents])
            at = level.nodes
            through = load[level.parents, W]
            loss = through * square[at]
            loss += linear[at]
            loss *= through
            loss += idle[at]
            through += loss

    def sum(self, load: Floats) -> Floats:
        """Give every parent what its children send `[n, T]` besides what it has (in place); return it. No losses."""
        for level, sums in zip(self.graph.levels, self.sums, strict=True):
            load[level.parents] += sums.of(load)
        return load


def _losses(power: PowerArrays, alive: Bools) -> tuple[Floats, Floats, Floats]:
    """No-load loss `[W]`, and the coefficients of P and P² `[1/W]`, of the live nodes `[n, 1]`."""
    fixed, linear, square = power.loss * alive
    return (fixed * power.rated_va)[:, None], linear[:, None], (square / power.rated_va)[:, None]


def apparent(load: Floats, squares: Floats) -> tuple[Floats, Floats]:
    """Return mean and peak apparent power `[VA, (n, T)]` of loads `[n, 3, T]` and squares `[n, T]`.

    The peak adds to the mean what all servers do together plus the root of the summed squares of what each does
    alone; the power factor is that of the mean.
    """
    watts, var = load[:, W], load[:, VAR]
    mean = watts * watts
    mean += var * var
    np.sqrt(mean, out=mean)
    excursion = np.sqrt(squares)
    excursion += load[:, LINEAR]
    ratio = np.divide(excursion, watts, out=np.zeros_like(mean), where=watts > 0)
    ratio += 1.0
    ratio *= mean
    return mean, ratio
