"""What an allocation does to the power of servers: what the plan claims, and the twin compares.

All servers of a reservation at a site are equally busy, at busy / capacity, as in the twin; the power is that of the peak hour.
"""

from __future__ import annotations

import numpy as np

from solvers.capacity_fleet import FleetProblem, mean_w
from solvers.problem import Floats, Ints
from twin.model.fleet import Fleet


def energy_change(fleet: Fleet, given: FleetProblem, counts: Ints) -> float:
    """Return the change of the power of all servers from today's allocation to this one, as a share of today's."""
    before, after = (_power_w(fleet, given, each) for each in (given.problem.now, counts))
    return (after - before) / before if before else 0.0


def _power_w(fleet: Fleet, given: FleetProblem, counts: Ints) -> float:
    problem, busy = given.problem, given.needs.busy
    owner, site = problem.pair_reservation, given.site_of_cell[problem.pair_cell]
    has = np.zeros(busy.shape)
    np.add.at(has, (owner, site), problem.value * given.unit_rru[owner] * counts)
    load: Floats = np.minimum(np.divide(busy, has, out=np.zeros_like(has), where=has > 0), 1.0)[owner, site]
    kind = problem.cell_type[problem.pair_cell]
    watts = 0.0
    for k, row in enumerate(fleet.server_types):
        here = (kind == k) & (counts > 0)
        watts += sum(
            n * mean_w(row, u) for n, u in zip(counts[here].tolist(), load[here].tolist(), strict=True)
        )
    return watts
