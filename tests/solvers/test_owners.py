"""Servers that were left to nobody have an owner again, and no limit is broken by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from solvers.capacity_value import broken
from solvers.owners import all_owned
from solvers.problem import CapacityProblem
from tests.solvers.capacities import problems, toy
from tests.solvers.score import score


def test_who_has_no_demand_takes_them_else_who_gave_them() -> None:
    problem = replace(toy(), owned=True, budgets=())
    # b1/old: web 5, idle 2; b1/new: web 1, ml 2, idle 3; b2/new: web 4, ml 1.
    counts = np.array([3, 2, 1, 0, 1, 1, 2])
    assert broken(problem, counts) == [f"cell {name} leaves servers to nobody" for name in problem.cell_names]
    assert all_owned(problem, counts).tolist() == [3, 4, 1, 0, 5, 3, 2]
    assert counts.tolist() == [3, 2, 1, 0, 1, 1, 2]  # what was given stays


@given(problems(), st.integers(0, 99))
def test_no_limit_is_broken_by_it(problem: CapacityProblem, seed: int) -> None:
    problem = replace(problem, owned=True)
    rng = np.random.default_rng(seed)
    loose = replace(problem, owned=False)
    counts = problem.now
    for _ in range(20):  # some counts that hold, but for their owners
        other = rng.integers(0, problem.servers[problem.pair_cell] + 1)
        if not score(loose, other).violations:
            counts = other
    found = all_owned(problem, counts)
    assert score(problem, found).violations == () and broken(problem, found) == []
    if not broken(problem, counts):
        assert np.array_equal(found, counts)
