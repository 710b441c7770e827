"""What an allocation is worth: the parts of the objective and what each reservation is short of, from counts alone.

The same definitions as the formulation, without its variables: the worst loss of a reservation is looked up among all domains of
all families that it survives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solvers.problem import Budget, CapacityProblem, Floats, Ints


@dataclass(frozen=True)
class Value:
    """The cost parts of an allocation [points], and per reservation `[R]`: what it has, keeps after its worst loss, and lacks.

    `worst` names that loss ("" where none takes anything).
    """

    costs: dict[str, float]
    has: Floats
    kept: Floats
    short: Floats
    worst: tuple[str, ...]

    @property
    def objective(self) -> float:
        """Return the sum of the parts."""
        return float(sum(self.costs.values()))


def value_of(problem: CapacityProblem, counts: Floats | Ints) -> Value:
    """Return the value of counts `[P]`. Cost: P per family."""
    prices, load = problem.prices, problem.value * counts
    has: Floats = np.bincount(problem.pair_reservation, load, problem.reservations).astype(np.float64)
    loss, worst = np.zeros(problem.reservations), [""] * problem.reservations
    for f, family in enumerate(problem.families):
        there = _by_domain(problem, f, load)
        there[~problem.survives[:, f]] = 0.0
        most = there.max(axis=1, initial=0.0)
        for r in np.flatnonzero(most > loss + 1e-12):
            worst[r] = f"{family.name} {family.domains[int(there[r].argmax())]}"
        loss = np.maximum(loss, most)
    kept = has - loss
    short = np.maximum(problem.demand - kept, 0.0)
    costs = {
        "move": prices.move * float(np.maximum(problem.now - counts, 0).sum()),
        "use": prices.use * float(np.sum(counts)),
        "spread": prices.spread * _spread(problem, load),
        "buffer": prices.buffer * float(loss.sum()),
        "shortage": prices.shortage * float(short.sum()),
        "affinity": _affinity(problem, load),
        "budgets": sum(_over(problem, budget, counts) for budget in problem.budgets),
    }
    return Value(costs, has, kept, short, tuple(worst))


def broken(problem: CapacityProblem, counts: Floats | Ints, tolerance: float = 1e-6) -> list[str]:
    """Return which hard limits counts break: cells, and budgets without a price."""
    used = problem.by_cell @ np.asarray(counts, dtype=float)
    found = [f"cell {problem.cell_names[c]}" for c in np.flatnonzero(used > problem.servers + tolerance)]
    if problem.owned:
        lost = used < problem.by_cell @ problem.now - tolerance
        found += [f"cell {problem.cell_names[c]} leaves servers to nobody" for c in np.flatnonzero(lost)]
    found += [f"pair {p} is negative" for p in np.flatnonzero(np.asarray(counts) < 0)]
    for budget in problem.budgets:
        if not np.isfinite(budget.price):
            limit = problem.limits(budget)
            over = problem.used(budget, counts) > limit + tolerance * np.maximum(np.abs(limit), 1.0)
            found += [f"{budget.name} of {budget.rows[row]}" for row in np.flatnonzero(over)]
    return found


def _by_domain(problem: CapacityProblem, family: int, load: Floats) -> Floats:
    """Return what reservations have in the domains of a family `[R, G]`."""
    domains = len(problem.families[family].domains)
    domain = problem.families[family].of_cell[problem.pair_cell]
    inside = domain >= 0
    at = problem.pair_reservation[inside] * domains + domain[inside]
    table = np.bincount(at, load[inside], problem.reservations * domains).astype(np.float64)
    return table.reshape(problem.reservations, domains)


def _spread(problem: CapacityProblem, load: Floats) -> float:
    there = _by_domain(problem, problem.spread_family, load)
    return float(np.maximum(there - problem.allowed[:, None], 0.0).sum())


def _affinity(problem: CapacityProblem, load: Floats) -> float:
    wish = problem.affinity
    if wish is None:
        return 0.0
    there, (low, high) = _by_domain(problem, wish.family, load), problem.wanted
    return float(wish.price * (np.maximum(low - there, 0.0) + np.maximum(there - high, 0.0)).sum())


def _over(problem: CapacityProblem, budget: Budget, counts: Floats | Ints) -> float:
    if not np.isfinite(budget.price):
        return 0.0
    over = problem.used(budget, counts) - problem.limits(budget)
    return budget.price * float(np.maximum(over, 0.0).sum())
