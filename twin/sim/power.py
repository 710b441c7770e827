"""Power: what every server, rack and unit draws, rolled up the chain with losses and sub-interval peaks.

Each node carries four numbers `[4, n]`: real power W, reactive power var, the linear part of the peak excursion W
(what all servers do together) and the sum of squares W² of the independent part. Real, reactive and linear parts
add up by the share that each feed carries, squares by the square of the share.
"""

from __future__ import annotations

import numpy as np

from twin.graph.compile import CURVE_CELLS, PowerArrays, ServerArrays
from twin.graph.levels import Bools, Floats, Ints

W, VAR, LINEAR, SQUARES = range(4)


def server_watts(servers: ServerArrays, utilisation_rs: Floats) -> Floats:
    """Power of one working server per bucket `[W, (buckets,)]` at the utilisation of its (reservation, site)."""
    position = np.minimum(utilisation_rs[servers.bucket_rs], 1.0) * CURVE_CELLS
    cell = np.minimum(position.astype(np.int64), CURVE_CELLS - 1)
    table = servers.type_watts
    low = table[servers.bucket_type, cell]
    return low + (table[servers.bucket_type, cell + 1] - low) * (position - cell)


def group_watts(servers: ServerArrays, utilisation: Floats, groups: Ints) -> Floats:
    """Power of one working server of some groups `[W, (groups,)]` at utilisations of their own (capped groups)."""
    position = np.clip(utilisation, 0.0, 1.0) * CURVE_CELLS
    cell = np.minimum(position.astype(np.int64), CURVE_CELLS - 1)
    kind = servers.group_type[groups]
    low = servers.type_watts[kind, cell]
    return low + (servers.type_watts[kind, cell + 1] - low) * (position - cell)


def utilisation_at_watts(servers: ServerArrays, kind: int, watts: float) -> float:
    """Largest utilisation at which a server of a type draws at most `watts` (0 when even idle is above)."""
    table = servers.type_watts[kind]
    if watts >= table[-1]:
        return 1.0
    cell = int(np.searchsorted(table, watts, side="right")) - 1
    if cell < 0:
        return 0.0
    return (cell + (watts - table[cell]) / (table[cell + 1] - table[cell])) / CURVE_CELLS


def edge_factors(share: Floats, power: PowerArrays) -> Floats:
    """Factors `[4, m]` of each edge in parent order, from the shares in child order."""
    in_parent_order = share[power.levels.to_parent]
    return np.stack([in_parent_order, in_parent_order, in_parent_order, in_parent_order**2])


def roll_up(power: PowerArrays, load: Floats, factors: Floats, alive: Bools) -> Floats:
    """Fill in the load of every unit `[4, n]`, given that of the leaves (in place); return it.

    A unit adds its loss a·rated + b·P + c·P²/rated (no-load, proportional and square-law loss; the form of APC White
    Papers 108 and 113) to the real power that flows through it while it is alive. Cost: one gather, one multiply and
    one `reduceat` per level.
    """
    levels = power.levels
    child = levels.child[levels.to_parent]
    fixed, linear, square = power.loss
    for part in levels.up:
        flow = load[:, child[part.first:part.last]] * factors[:, part.first:part.last]
        total = np.add.reduceat(flow, part.starts, axis=1)
        nodes = part.nodes
        through, rated = total[W], power.rated_va[nodes]
        total[W] += (fixed[nodes] * rated + linear[nodes] * through + square[nodes] * through * through / rated) * alive[nodes]
        load[:, nodes] = total
    return load


def apparent(load: Floats) -> tuple[Floats, Floats]:
    """Return mean and peak apparent power `[VA, (n,)]`.

    The peak adds to the mean what all servers do together plus the root of the summed squares of what each does
    alone; the power factor is that of the mean.
    """
    mean = np.hypot(load[W], load[VAR])
    excursion = load[LINEAR] + np.sqrt(load[SQUARES])
    ratio = np.divide(excursion, load[W], out=np.zeros_like(mean), where=load[W] > 0)
    return mean, mean * (1.0 + ratio)


def cooling_power(power: PowerArrays, heat_site: Floats, outdoor_c: Floats, plant_alive: Bools) -> tuple[Floats, Floats]:
    """Return the electric power of each plant `[W]` and the heat per site `[W]` that no live plant can remove.

    Power = heat / COP + fixed, COP = cop_ref·(1 − slope·(T − t_ref)) and at least cop_min. Live plants share the heat of
    their site by rated heat, and none takes more than that.
    """
    capacity = power.plant_heat_w * plant_alive
    total = np.bincount(power.plant_site, weights=capacity, minlength=len(heat_site))
    fill = np.minimum(np.divide(heat_site, total, out=np.zeros_like(total), where=total > 0), 1.0)
    reference, slope, t_ref, least = power.plant_cop
    cop = np.maximum(reference * (1.0 - slope * (outdoor_c[power.plant_site] - t_ref)), least)
    watts = (capacity * fill[power.plant_site] / cop + power.plant_fixed_w) * plant_alive
    return watts, np.maximum(heat_site - total, 0.0)
