"""Power: what every server, rack and unit draws, rolled up the chain with losses and sub-interval peaks.

Each node carries a load `[n, 3]`, real power W, reactive power var and the linear part of the peak excursion W (what all
servers do together), and the sum of squares `[n]` W² of the independent part. Real, reactive and linear parts add up by
the share that each feed carries, squares by the square of the share.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from twin.graph.compile import CURVE_CELLS, PowerArrays, ServerArrays
from twin.graph.levels import Bools, Floats, Ints, Levels
from twin.sim.sparse import Sums, add_up

W, VAR, LINEAR = range(3)


def server_watts(servers: ServerArrays, utilisation: Floats, kinds: Ints) -> Floats:
    """Power `[W]` of one working server of each of `kinds` at `utilisation`, from the tabulated curves."""
    position = np.minimum(utilisation, 1.0) * CURVE_CELLS
    cell = np.minimum(position.astype(np.int64), CURVE_CELLS - 1)
    position -= cell
    cell += kinds * (CURVE_CELLS + 1)
    table = servers.type_watts.ravel()
    low = table[cell]
    return low + (table[cell + 1] - low) * position


def loads_of(servers: ServerArrays, watts: Floats, kinds: Ints) -> tuple[Floats, Floats]:
    """The load `[n, 3]` and the squares `[n]` of one server each: its power, and the parts of it that swing."""
    load = np.empty((len(watts), 3))
    load[:, W] = watts
    np.multiply(watts, servers.type_tan_phi[kinds], out=load[:, VAR])
    np.multiply(watts, servers.type_linear[kinds], out=load[:, LINEAR])
    squares = watts * servers.type_random[kinds]
    squares *= squares
    return load, squares


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

    def __init__(self, levels: Levels, share: Floats) -> None:
        child, in_order = levels.child[levels.to_parent], share[levels.to_parent]
        self._levels: list[tuple[slice, Sums, Sums]] = []
        for part in levels.up:
            here = slice(part.first, part.last)
            starts = np.append(part.starts, part.last - part.first)
            sums = Sums(in_order[here], child[here], starts, levels.nodes)
            squares = Sums(in_order[here] ** 2, child[here], starts, levels.nodes)
            # Nodes are numbered by level, and all of a level above the lowest are parents: they stand together.
            self._levels.append((slice(int(part.nodes[0]), int(part.nodes[-1]) + 1), sums, squares))

    def fill(self, power: PowerArrays, load: Floats, squares: Floats, alive: Bools) -> None:
        """Fill in the load `[n, 3]` and the squares `[n]` of every unit, given those of the leaves (in place).

        A unit adds its loss a·rated + b·P + c·P²/rated (no-load, proportional and square-law loss; the form of APC
        White Papers 108 and 113) to the real power that flows through it while it is alive. Cost: two sparse
        products per level.
        """
        fixed, linear, square = power.loss
        bare = power.bare
        load[bare, W] += alive[bare] * fixed[bare] * power.rated_va[bare]
        for nodes, sums, by_square in self._levels:
            sums.into(load, load[nodes])
            by_square.into(squares, squares[nodes])
            through, rated = load[nodes, W], power.rated_va[nodes]
            loss = fixed[nodes] * rated + through * (linear[nodes] + square[nodes] * through / rated)
            load[nodes, W] += alive[nodes] * loss

    def sum(self, load: Floats) -> Floats:
        """Add to every parent what its children send `[n]` (in place); return it. No losses."""
        for nodes, sums, _ in self._levels:
            load[nodes] += sums.of(load)
        return load


def apparent(load: Floats, squares: Floats) -> tuple[Floats, Floats]:
    """Return mean and peak apparent power `[VA, (n,)]` of loads `[n, 3]` and squares `[n]`.

    The peak adds to the mean what all servers do together plus the root of the summed squares of what each does
    alone; the power factor is that of the mean.
    """
    watts = load[:, W]
    mean = np.hypot(watts, load[:, VAR])
    excursion = load[:, LINEAR] + np.sqrt(squares)
    ratio = np.divide(excursion, watts, out=np.zeros_like(mean), where=watts > 0)
    return mean, mean * (1.0 + ratio)


def cooling_power(
    power: PowerArrays, heat_site: Floats, outdoor_c: Floats, plant_alive: Bools
) -> tuple[Floats, Floats]:
    """Return the electric power of each plant `[W]` and the heat per site `[W]` that no live plant can remove.

    Power = heat / COP + fixed, COP = cop_ref·(1 − slope·(T − t_ref)) and at least cop_min. Live plants share the heat of
    their site by rated heat, and none takes more than that.
    """
    capacity = power.plant_heat_w * plant_alive
    total = add_up(power.plant_site, capacity, len(heat_site))
    fill = np.minimum(np.divide(heat_site, total, out=np.zeros_like(total), where=total > 0), 1.0)
    reference, slope, t_ref, least = power.plant_cop
    cop = np.maximum(reference * (1.0 - slope * (outdoor_c[power.plant_site] - t_ref)), least)
    watts = (capacity * fill[power.plant_site] / cop + power.plant_fixed_w) * plant_alive
    return watts, np.maximum(heat_site - total, 0.0)


def injected(power: PowerArrays, inject_w: Floats) -> PowerArrays:
    """The chain with what flows into its units besides their load `[W, (U,)]` (recharging; solar and batteries are
    negative): while a unit is alive it adds like a loss that does not depend on the load."""
    if not inject_w.any():
        return power
    loss = power.loss.copy()
    loss[0, power.unit_node] += inject_w / power.rated_va[power.unit_node]
    return replace(power, loss=loss)
