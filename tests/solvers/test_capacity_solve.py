"""Both routes against counting; time limits, Ctrl-C and prices beyond reason give an honest plan or nothing moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from solvers.capacity_solve import Effort, Solved, integers_of, route_of, solve_capacity
from solvers.capacity_value import broken, value_of
from solvers.problem import CapacityProblem, Prices
from tests.solvers.capacities import by_counting, problems, toy
from tests.solvers.instances import instance
from tests.solvers.score import score


def check(problem: CapacityProblem, solved: Solved) -> None:
    """What is promised of every answer, by the scorer: nothing broken, the value that is said, a gap that is none too small."""
    scored = score(problem, solved.counts)
    assert scored.violations == ()
    assert solved.value.objective == pytest.approx(scored.objective, rel=1e-9, abs=1e-9)
    assert solved.value.short == pytest.approx(scored.shortage, abs=1e-9)
    assert solved.gap == pytest.approx(max(0.0, scored.gap(solved.bound)), abs=1e-6) or not scored.objective
    assert solved.value.objective <= score(problem, problem.now).objective + 1e-6


@settings(max_examples=25)
@given(problems(pairs=4))
def test_branch_and_cut_is_best_and_says_so(problem: CapacityProblem) -> None:
    solved = solve_capacity(problem, Effort(gap=1e-9, route="mip"))
    check(problem, solved)
    best = by_counting(problem)
    assert solved.status == "optimal" and solved.value.objective == pytest.approx(best, rel=1e-6, abs=1e-5)
    assert solved.bound <= best + 1e-5


@pytest.mark.slow  # compiled code must be made the first time
@settings(max_examples=25)
@given(problems(pairs=4))
def test_prices_never_promise_more_than_there_is(problem: CapacityProblem) -> None:
    solved = solve_capacity(problem, Effort(time_limit_s=0.3, route="prices"))
    check(problem, solved)
    best = by_counting(problem)
    assert solved.bound <= best + 1e-5 * max(1.0, abs(best))
    assert solved.value.objective >= best - 1e-6


@pytest.mark.slow
def test_both_routes_meet_on_an_instance() -> None:
    problem = instance("tiny", 0)
    proven = solve_capacity(problem, Effort(gap=1e-2, time_limit_s=10.0, route="mip"))
    priced = solve_capacity(problem, Effort(time_limit_s=5.0, route="prices"))
    for solved in (proven, priced):
        check(problem, solved)
    assert priced.bound <= proven.value.objective + 1e-6 and proven.bound <= priced.value.objective + 1e-6


@pytest.mark.parametrize("route", ["mip", pytest.param("prices", marks=pytest.mark.slow)])
@pytest.mark.parametrize("limit_s", [1e-9, 0.02])
def test_a_tiny_time_limit_is_a_plan_that_is_not_called_best(limit_s: float, route: str) -> None:
    problem = instance("small", 0)
    solved = solve_capacity(problem, Effort(time_limit_s=limit_s, gap=1e-9, route=route))
    check(problem, solved)
    assert solved.status == "feasible" and solved.gap > 0
    assert solved.value.has.any()  # not all zeros


@pytest.mark.parametrize("route", ["mip", pytest.param("prices", marks=pytest.mark.slow)])
def test_a_stop_before_anything_was_found_leaves_everything_as_it_is(route: str) -> None:
    problem = instance("small", 0)
    solved = solve_capacity(problem, Effort(should_stop=lambda: True, route=route))
    check(problem, solved)
    assert solved.status == "interrupted" and solved.seconds < 20.0


def test_the_route_follows_from_the_size() -> None:
    problem = toy()
    assert integers_of(problem) == int((problem.room > 0).sum() + (problem.now > 0).sum()) == 14
    assert route_of(problem, 8000, "auto")[0] == "mip" and route_of(problem, 8001, "auto")[0] == "prices"
    assert route_of(problem, 10**6, "mip") == ("mip", "asked for")
    with pytest.raises(KeyError):
        solve_capacity(problem, Effort(route="guess"))


@pytest.mark.parametrize(
    "prices",
    [
        Prices(shortage=1e12),
        Prices(move=0.0, use=0.0, spread=0.0, buffer=0.0, shortage=0.0),
        Prices(move=1e9),
        Prices(move=0.0, use=5.0),
        Prices(buffer=300.0),
    ],
)
def test_absurd_prices_are_followed_as_far_as_numbers_go(prices: Prices) -> None:
    problem = replace(toy(), prices=prices)
    solved = solve_capacity(problem, Effort(gap=1e-9))
    check(problem, solved)


def test_what_is_broken_is_named() -> None:
    problem = toy()
    assert broken(problem, problem.now) == []
    more = problem.now.copy()
    more[0] += 9
    assert broken(problem, more) == ["cell b1/old", "power of b1"]
    assert "pair 2 is negative" in broken(problem, np.where(np.arange(7) == 2, -1, problem.now))


def test_the_worst_loss_is_named() -> None:
    problem = toy()
    # web: 5 + 1.5 on b1, 6 on b2; row r1 takes 5. ml: 4 on b1, 2 on b2.
    found = value_of(problem, problem.now)
    assert found.worst == ("board b1", "board b1", "")
    assert found.has.tolist() == [12.5, 6.0, 5.0] and found.kept.tolist() == [6.0, 2.0, 5.0]
    assert found.short.tolist() == [3.0, 3.0, 0.0]


def test_a_stop_before_branch_and_cut_gives_back_what_was_annealed() -> None:
    problem, told = instance("small", 0), []
    nothing = value_of(problem, problem.now).objective

    def found() -> bool:
        return min(told, default=nothing) < 0.5 * nothing

    solved = solve_capacity(
        problem,
        Effort(route="mip", gap=1e-9, should_stop=found, progress=lambda _s, best, _b, _g: told.append(best)),
    )
    assert solved.status == "interrupted"
    assert solved.value.objective < 0.5 * nothing
    assert solved.bound <= solved.value.objective
