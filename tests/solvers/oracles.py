"""Other ways to the same answer: enumeration, the Pyomo route, another order of rows, duality."""

from __future__ import annotations

import dataclasses
from itertools import product

import numpy as np
from scipy.sparse import csr_array

from solvers.highs import Highs, dual_objective
from solvers.linear import Axis, Block, Floats, LinearProgram
from solvers.pyomo_model import solve_with_pyomo, to_pyomo


def by_enumeration(program: LinearProgram) -> float:
    """Return the least objective over all values of the whole-numbered columns (infinite if none is feasible).

    Each choice of whole numbers leaves a linear program (or nothing but a check, where all columns are whole).
    """
    whole = np.flatnonzero(program.integer)
    ranges = [range(round(program.lower[i]), round(program.upper[i]) + 1) for i in whole]
    best = float("inf")
    for values in product(*ranges):
        lower, upper = program.lower.copy(), program.upper.copy()
        lower[whole] = upper[whole] = values
        fixed = dataclasses.replace(program, lower=lower, upper=upper, integer=np.zeros_like(program.integer))
        best = min(best, _value(fixed, lower) if len(whole) == len(lower) else _solved(fixed))
    return best


def check_routes(program: LinearProgram) -> float:
    """Return the value of the LP relaxation, the same by the direct route, by Pyomo and by its dual."""
    answer = Highs(program, relaxed=True).solve()
    assert answer.status == "optimal" and answer.row_dual is not None and answer.reduced_cost is not None
    near = 1e-6 * max(1.0, abs(answer.objective))
    assert abs(dual_objective(program, answer.row_dual, answer.reduced_cost) - answer.objective) <= near
    results = solve_with_pyomo(to_pyomo(program, relaxed=True))
    assert abs(results.incumbent_objective - answer.objective) <= near
    return answer.objective


def shuffled(program: LinearProgram, seed: int) -> LinearProgram:
    """Return the same program with rows and columns in another order and under other names."""
    random = np.random.default_rng(seed)
    rows, columns = random.permutation(len(program.row_lower)), random.permutation(len(program.cost))
    return LinearProgram(
        name="shuffled",
        cost=program.cost[columns],
        lower=program.lower[columns],
        upper=program.upper[columns],
        integer=program.integer[columns],
        matrix=csr_array(program.matrix[rows][:, columns]),
        row_lower=program.row_lower[rows],
        row_upper=program.row_upper[rows],
        column_blocks=(_anonymous("c", len(columns)),),
        row_blocks=(_anonymous("r", len(rows)),),
        offset=program.offset,
    )


def _anonymous(name: str, size: int) -> Block:
    return Block(name, 0, size, (Axis([f"{name}{i}" for i in range(size)]),))


def _solved(program: LinearProgram) -> float:
    answer = Highs(program).solve(gap=0.0)
    assert answer.status in ("optimal", "infeasible"), answer.status
    return answer.objective if answer.status == "optimal" else float("inf")


def _value(program: LinearProgram, x: Floats) -> float:
    rows = program.matrix @ x
    fits = (rows <= program.row_upper + 1e-9).all() and (rows >= program.row_lower - 1e-9).all()
    return float(program.cost @ x) + program.offset if fits else float("inf")
