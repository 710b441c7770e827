"""A guide: about how many servers each pair should have, what rows cost, and a bound. Whole plans are made from it (`scale.py`).

The linear program is the best guide where it takes seconds: it respects tight families and its duals are their prices. After a
loss, or with other demands, the same program is solved again from its last basis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from solvers.formulations.capacity import capacity_program
from solvers.highs import Answer, Highs
from solvers.linear import LinearProgram, block_name
from solvers.problem import CapacityProblem, Floats


class Reluctance(NamedTuple):
    """What one server more, and one server less, of each pair costs at the prices of the linear program `[P]`: reduced costs."""

    gain: Floats
    give: Floats


@dataclass(frozen=True)
class Guide:
    """Prices `[K]` of the oracle's rows (`oracle.Rows`), counts `[P]` that need not be whole (None: only prices), a bound.

    `reluctance`: reduced costs (None: not known).
    """

    prices: Floats
    mean: Floats | None = None
    bound: float = -np.inf
    reluctance: Reluctance | None = None


class LinearGuide:
    """The linear program of a problem, kept for problems of the same pairs with other servers, counts or demands."""

    def __init__(self, problem: CapacityProblem) -> None:
        self.problem, self.program = problem, capacity_program(problem)
        self.solver = Highs(self.program, relaxed=True)
        self.known: Guide | None = None

    def change(self, problem: CapacityProblem) -> None:
        """Take another problem of the same pairs; the next solve starts from the last basis."""
        self.problem, self.program = problem, capacity_program(problem)
        self.solver.change(self.program)

    def solve(
        self, time_limit_s: float = float("inf"), should_stop: Callable[[], bool] | None = None
    ) -> tuple[Answer, Guide | None]:
        """Return the answer and, where it is optimal, the guide that it is; else the last guide that was, without a bound."""
        answer = self.solver.solve(time_limit_s=time_limit_s, should_stop=should_stop)
        guide = guide_of(self.problem, self.program, answer)
        if guide is not None:
            self.known = guide
        elif self.known is not None:
            guide = replace(self.known, bound=-np.inf)
        return answer, guide


def guide_of(problem: CapacityProblem, program: LinearProgram, answer: Answer) -> Guide | None:
    """Return what a solved linear program of capacity says to the search; None without duals."""
    if answer.x is None or answer.row_dual is None or answer.reduced_cost is None:
        return None
    x = answer.x
    mean = problem.now + x[program.columns("into")] - x[program.columns("out")]
    # The dual of a row is what one unit more costs: the oracle's price with the other sign.
    price = -answer.row_dual
    parts = [price[program.rows("cell")], *(price[program.rows(block_name(b.name))] for b in problem.budgets)]
    if problem.affinity is not None:
        low, high = problem.wanted
        named = np.isfinite(problem.affinity.share)
        parts.append(price[program.rows("affinity")][(np.isfinite(low) | np.isfinite(high))[named]])
    if problem.floor is not None:
        parts.append(price[program.rows("floor")])
    reluctance = Reluctance(*(answer.reduced_cost[program.columns(block)] for block in ("into", "out")))
    return Guide(np.concatenate(parts), np.maximum(mean, 0.0), answer.bound, reluctance)
