"""The instances are what they say: the same from a seed, lawful, of the stated size, neither idle nor full."""

import numpy as np
import pytest

from solvers.problem import CapacityProblem
from tests.solvers.instances import SIZES, instance, without
from tests.solvers.lp import solve
from tests.solvers.score import score

NAMES = [name for name in SIZES if name != "large"]


@pytest.fixture(scope="module", params=NAMES)
def problem(request: pytest.FixtureRequest) -> CapacityProblem:
    return instance(request.param, 1)


def test_size(problem: CapacityProblem) -> None:
    assert problem.servers.sum() in {size.servers for size in SIZES.values()}
    assert problem.reservations in {size.reservations for size in SIZES.values()}


def test_pairs_are_sorted_and_lawful(problem: CapacityProblem) -> None:
    key = problem.pair_cell * problem.reservations + problem.pair_reservation
    assert (np.diff(key) > 0).all()
    assert (problem.value > 0).all()
    assert np.array_equal(problem.value, np.round(problem.value, 3))


def test_yesterday_breaks_nothing(problem: CapacityProblem) -> None:
    assert score(problem, problem.now).violations == ()
    assert 0.6 < problem.now.sum() / problem.servers.sum() < 0.95


def test_the_same_from_a_seed_and_other_from_another() -> None:
    one, same, other = instance("small", 3), instance("small", 3), instance("small", 4)
    assert np.array_equal(one.now, same.now)
    assert np.array_equal(one.demand, same.demand)
    assert not np.array_equal(one.demand, other.demand)


def test_the_lp_serves_everybody_and_the_scorer_agrees_with_it() -> None:
    problem = instance("small", 2)
    best = solve(problem)
    scored = score(problem, best.counts, whole=False)
    assert scored.violations == ()
    assert scored.short < 1e-6
    assert scored.objective == pytest.approx(best.objective, rel=1e-7)
    assert scored.objective < 0.5 * score(problem, problem.now).objective


def test_a_lost_domain_has_nothing() -> None:
    problem = instance("small", 0)
    lost = without(problem, 5)
    there = problem.families[0].of_cell == 5
    assert there.any()
    assert (lost.servers[there] == 0).all()
    assert lost.now[there[lost.pair_cell]].sum() == 0
    assert lost.now.sum() < problem.now.sum()
