"""Requirements of the twin as numbers of a capacity problem: more for a reservation, less on a unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from solvers.needs import Needs
from solvers.problem import Budget
from twin.model.fleet import Fleet
from twin.records.requirement import Requirement


def with_more(needs: Needs, fleet: Fleet, required: Sequence[Requirement]) -> Needs:
    """Return the needs with what reservations must have more, and their services with it."""
    more = {one.who: 1.0 + one.amount for one in required if one.kind == "capacity"}
    if not more:
        return needs
    factor = np.array([more.get(name, 1.0) for name in needs.reservations])
    of_service = np.array([more.get(row.reservation, 1.0) for row in fleet.services])
    return replace(
        needs, need=needs.need * factor[:, None], of_service=needs.of_service * of_service[:, None]
    )


def with_less(budget: Budget, required: Sequence[Requirement]) -> Budget:
    """Return a budget whose rows of the units (or of the cooling of the sites) that failed have lower limits."""
    kinds = {"power": "", "heat": "cooling of "}
    less = {f"{kinds[one.kind]}{one.who}": one.amount for one in required if one.kind in kinds}
    if not less:
        return budget
    things = [row.split(" while ")[0].split(" after the loss of ")[0] for row in budget.rows]
    share = np.array([less.get(thing, 0.0) for thing in things])
    return replace(budget, limit=budget.limit - share * np.abs(budget.limit))
