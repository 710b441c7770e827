"""A rule of thumb to compare with: keep the mix of today, a little ahead of demand, and build power when a site is full."""

from __future__ import annotations

import numpy as np

from solvers.expansion_problem import Floats, grouped
from solvers.expansion_round import Task, finished, hurried, idle

AHEAD = 0.1  # servers above what the growth of demand asks for


def threshold_rule(task: Task) -> Floats | None:
    """Return the plan of the rule: every cell follows the demand of the services that may run on it, `AHEAD` of it."""
    p, x = task.problem, task.columns
    demand = np.tensordot(p.probability, p.demand, axes=1)
    asked = grouped(demand[:, p.pair_service], p.pair_cell, p.cells)
    growth = np.divide(asked, asked[0], out=np.ones_like(asked), where=asked[0] > 0)
    target = p.now * growth * (1.0 + AHEAD)
    missing_w = p.per_site(target * p.watts[p.cell_type]) - p.power_limit_w
    wanted = np.clip(np.ceil(missing_w / p.module_w - 1e-9), 0, p.module_most)
    wanted[: p.module_lead] = 0
    plan = idle(task)
    # The rule knows no priorities: under a budget it buys servers only.
    if not np.isfinite(p.prices.budget).any():
        plan[x.modules] = np.maximum.accumulate(wanted, axis=0)
    guide = plan.copy()
    guide[x.servers] = target
    hurried(task, plan, guide, 0)
    return finished(task, plan)
