"""Annealing adds up its costs exactly, breaks no limit, finds the best of all plans, and comes out the same twice."""

from __future__ import annotations

import numpy as np
import pytest

from solvers.anneal import anneal
from solvers.capacity_solve import point_of
from solvers.formulations.capacity import capacity_program
from solvers.guide import LinearGuide, Reluctance
from solvers.highs import Highs
from solvers.problem import CapacityProblem, Ints
from solvers.scale import solve_large
from solvers.terms import Terms, terms
from solvers.whole import Plan, plan, plan_cost
from tests.solvers.instances import instance
from tests.solvers.score import score
from tests.solvers.test_scale import cheapest, random_problem


def _begun(problem: CapacityProblem) -> tuple[Terms, Plan, Reluctance]:
    """Return terms, today's plan, and no reluctance at all."""
    layout = terms(problem)
    return layout, plan(problem, layout, problem.now), Reluctance(*np.zeros((2, problem.pairs)))


@pytest.mark.parametrize("seed", range(10))
def test_costs_add_up_and_no_limit_breaks(seed: int) -> None:
    problem = random_problem(seed, cells=6, reservations=3)
    layout, made, nothing = _begun(problem)
    before = score(problem, made.counts)
    assert before.violations == ()
    change = anneal(layout, made, nothing, problem.servers, 1.0, 2_000, seed)
    after = score(problem, made.counts)
    assert after.violations == ()
    assert after.objective - before.objective == pytest.approx(change, abs=1e-6)
    fresh = plan(problem, layout, made.counts)
    for name in ("counts", "free", "left", "load", "total", "worst"):
        np.testing.assert_allclose(getattr(made, name), getattr(fresh, name), atol=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_it_finds_the_best_of_all_plans(seed: int) -> None:
    problem = random_problem(seed)
    layout, made, nothing = _begun(problem)
    least = np.inf
    for turn, heat in enumerate(np.geomspace(1000.0, 0.01, 100)):
        anneal(layout, made, nothing, problem.servers, heat, 1_000, turn)
        least = min(least, float(plan_cost(layout, made)))
    assert least == pytest.approx(cheapest(problem), abs=1e-9)


def test_no_server_is_left_to_nobody_where_that_is_forbidden() -> None:
    left = 0
    for seed in range(6):
        problem = random_problem(seed, cells=6, reservations=3)
        owned = (problem.by_cell @ problem.now).astype(np.int64)
        for most_free, forbidden in ((problem.servers - owned, True), (problem.servers, False)):
            layout, made, nothing = _begun(problem)
            anneal(layout, made, nothing, most_free, 5.0, 2_000, seed)
            lost = np.maximum(owned - problem.by_cell @ made.counts, 0).sum()
            assert lost == 0 or not forbidden
            left += lost
    assert left > 0  # else nothing was forbidden


def test_a_plan_gets_better_and_twice_the_same() -> None:
    problem = instance("tiny", 1)
    counts = [_annealed(problem) for _ in range(2)]
    np.testing.assert_array_equal(*counts)
    answer, guide = LinearGuide(problem).solve()
    rounded = solve_large(problem, time_limit_s=0.2, guide=guide)
    assert score(problem, counts[0]).objective <= rounded.trace.cost + 1e-9
    assert score(problem, counts[0]).objective >= answer.objective


def _annealed(problem: CapacityProblem) -> Ints:
    """Return counts that are annealed for a fixed number of trials from today's, with the reluctance of the linear program."""
    guide = LinearGuide(problem).solve()[1]
    assert guide is not None and guide.reluctance is not None
    layout = terms(problem)
    made = plan(problem, layout, problem.now)
    for turn, heat in enumerate(np.geomspace(1.0, 0.005, 60)):
        anneal(layout, made, guide.reluctance, problem.servers, heat, 20_000, turn)
    return made.counts


@pytest.mark.parametrize("seed", range(6))
def test_a_plan_is_a_point_of_the_program(seed: int) -> None:
    problem = random_problem(seed, cells=6, reservations=3)
    layout, made, nothing = _begun(problem)
    anneal(layout, made, nothing, problem.servers, 1.0, 500, seed)
    program = capacity_program(problem)
    point = point_of(problem, program, made.counts)
    assert program.cost @ point + program.offset == pytest.approx(score(problem, made.counts).objective)
    solver = Highs(program)
    whole = np.flatnonzero(program.integer)
    solver.change_columns(whole, point[whole], point[whole])
    answer = solver.solve()
    assert answer.status == "optimal"
    assert answer.objective == pytest.approx(score(problem, made.counts).objective, abs=1e-6)
