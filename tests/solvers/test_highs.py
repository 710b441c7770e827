"""Answers of HiGHS are what they say: proven, stopped, impossible, without end, or nothing at all."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvers.highs import Answer, Highs, SolverError, dual_objective
from solvers.linear import INFINITY, LinearProgram
from tests.solvers.oracles import by_enumeration
from tests.solvers.programs import market_split, program

SPLIT = market_split()
NOWHERE = program([1.0, 1.0], [([1.0, 1.0], 3.0, INFINITY)], most=1.0)
ENDLESS = program([-1.0, 0.0], [([1.0, -1.0], -INFINITY, 5.0)])


def whole(one: LinearProgram) -> LinearProgram:
    return dataclasses.replace(one, integer=np.ones(len(one.cost), bool))


def check(answer: Answer, of: LinearProgram) -> None:
    """An answer with a point is a point of the program, and its objective is that of the point."""
    assert (answer.x is None) == (answer.status not in ("optimal", "feasible"))
    if answer.x is None:
        assert np.isnan(answer.objective) and answer.gap == INFINITY
        return
    rows = of.matrix @ answer.x
    assert (rows <= of.row_upper + 1e-5).all() and (rows >= of.row_lower - 1e-5).all()
    assert (answer.x <= of.upper + 1e-6).all() and (answer.x >= of.lower - 1e-6).all()
    assert answer.objective == pytest.approx(of.cost @ answer.x + of.offset)
    assert answer.bound <= answer.objective + 1e-6


def test_a_linear_program_has_duals_and_they_prove_it() -> None:
    one = program([2.0, 3.0], [([1.0, 1.0], 4.0, INFINITY), ([1.0, 0.0], -INFINITY, 3.0)])
    one = dataclasses.replace(one, offset=10.0)
    answer = Highs(one).solve()
    assert answer.status == "optimal" and answer.x is not None and answer.row_dual is not None
    assert answer.x.tolist() == [3.0, 1.0] and answer.objective == answer.bound == 19.0 and answer.gap == 0.0
    assert answer.row_dual.tolist() == [3.0, -1.0]
    assert answer.reduced_cost is not None
    assert dual_objective(one, answer.row_dual, answer.reduced_cost) == 19.0


def test_a_dual_that_pays_for_no_side_bounds_nothing() -> None:
    one = program([2.0], [([1.0], 4.0, INFINITY)])
    assert dual_objective(one, np.array([-1.0]), np.array([3.0])) == -INFINITY
    assert dual_objective(one, np.array([1.0]), np.array([-1.0])) == -INFINITY
    assert dual_objective(one, np.array([1.0]), np.array([1.0])) == 4.0


@pytest.mark.parametrize("relaxed", [False, True])
def test_whole_numbers_have_a_bound_and_no_duals(relaxed: bool) -> None:
    one = program([-3.0, -2.0], [([2.0, 2.0], -INFINITY, 3.0)], integer=True)
    answer = Highs(one, relaxed=relaxed).solve(gap=0.0)
    assert answer.status == "optimal" and answer.objective == pytest.approx(-4.5 if relaxed else -3.0)
    assert answer.bound == pytest.approx(answer.objective)
    assert (answer.row_dual is None) == (not relaxed)


@pytest.mark.parametrize("integer", [False, True])
@pytest.mark.parametrize(
    ("one", "status"),
    [
        (NOWHERE, "infeasible"),
        (ENDLESS, "unbounded"),
        (program([-1.0]), "unbounded"),
        # Nowhere to go and, were there a place, no end.
        (program([-1.0, 0.0], [([0.0, 1.0], 3.0, INFINITY), ([0.0, 1.0], -INFINITY, 2.0)]), "infeasible"),
        (program([0.0, 0.0], [([2.0, 2.0], 3.0, 3.0)], most=5.0), "optimal"),
    ],
)  # fmt: skip
def test_what_has_no_answer_says_which_kind(one: LinearProgram, status: str, integer: bool) -> None:
    if integer and status == "optimal":
        one, status = whole(one), "infeasible"
    solver = Highs(whole(one) if integer else one)
    answer = solver.solve()
    assert answer.status == status
    check(answer, one)
    assert solver.solve().status == status  # asked again: what was tried out is put back


def test_costs_are_those_of_the_program_after_an_endless_solve() -> None:
    solver = Highs(whole(ENDLESS))
    assert solver.solve().status == "unbounded"
    solver.change_columns(np.array([0]), np.zeros(1), np.array([4.0]))
    answer = solver.solve()
    assert answer.status == "optimal" and answer.objective == pytest.approx(-4.0)


@pytest.mark.parametrize("limit_s", [1e-9, 0.002, 0.01, 0.05, 0.3])
def test_a_time_limit_leaves_the_best_point_or_nothing(limit_s: float) -> None:
    answer = Highs(SPLIT).solve(time_limit_s=limit_s)
    assert answer.status in ("feasible", "nothing") and answer.gap > 0.5
    check(answer, SPLIT)
    # All zeros (nothing taken, nothing missed) holds in no row: it must not be taken for a solution.
    assert answer.x is None or answer.x.any()


def test_a_time_limit_on_a_linear_program_is_nothing_not_zeros() -> None:
    random = np.random.default_rng(0)
    rows = [(random.random(300).tolist(), 1.0, INFINITY) for _ in range(300)]
    one = program(random.random(300).tolist(), rows)
    answer = Highs(one).solve(time_limit_s=1e-9)
    check(answer, one)
    assert answer.status == "nothing" and answer.row_dual is None


def test_a_stop_at_once_is_nothing_and_does_not_last() -> None:
    solver = Highs(SPLIT)
    answer = solver.solve(should_stop=lambda: True)
    assert answer.status == "nothing" and answer.x is None and answer.seconds < 5.0
    # The same solver works again: the word of the last solve is not that of the next.
    again = solver.solve(time_limit_s=0.3)
    assert again.status == "feasible" and again.seconds > 0.15
    check(again, SPLIT)


def test_each_solve_has_its_own_time() -> None:
    solver = Highs(SPLIT)
    seconds = [solver.solve(time_limit_s=0.25).seconds for _ in range(3)]
    assert all(0.15 < each < 1.5 for each in seconds), seconds
    # The callback alone would hold it, where HiGHS asks often enough; its own limit is that of one solve as well.
    assert solver._highs.getOptionValue("time_limit")[1] == 0.25


def test_a_stop_in_between_keeps_the_incumbent() -> None:
    start = time.monotonic()
    answer = Highs(SPLIT).solve(time_limit_s=30.0, should_stop=lambda: time.monotonic() > start + 0.3)
    assert answer.status == "feasible" and answer.seconds < 10.0
    check(answer, SPLIT)


def test_a_first_incumbent_is_taken_and_what_is_none_is_not() -> None:
    take = np.zeros(60)
    half = SPLIT.row_lower
    x = np.concatenate([take, half, np.zeros(8)])
    solver = Highs(SPLIT)
    solver.start_from(x)
    answer = solver.solve(time_limit_s=0.05)
    assert answer.status == "feasible" and answer.objective <= SPLIT.cost @ x + 1e-6
    check(answer, SPLIT)
    wrong = Highs(NOWHERE)
    wrong.start_from(np.ones(2))
    assert wrong.solve().status == "infeasible"


def test_progress_tells_best_bound_and_gap() -> None:
    told: list[tuple[float, ...]] = []
    Highs(SPLIT).solve(time_limit_s=0.3, progress=lambda *numbers: told.append(numbers))
    assert told and all(len(numbers) == 4 for numbers in told)
    assert told[-1][0] >= told[0][0] >= 0.0 and told[-1][1] >= told[-1][2]


def test_the_gap_is_relative_to_the_objective() -> None:
    answer = Answer("feasible", np.ones(1), -50.0, -60.0, 0.0, 0)
    assert answer.gap == pytest.approx(0.2)
    assert dataclasses.replace(answer, bound=-40.0).gap == 0.0  # a bound above is rounding
    assert dataclasses.replace(answer, bound=-INFINITY).gap == INFINITY
    assert dataclasses.replace(answer, x=None).gap == INFINITY


@pytest.mark.parametrize(("name", "value"), [("no_such_option", 1), ("threads", -5), ("mip_rel_gap", -1.0)])
def test_an_option_that_highs_refuses_raises(name: str, value: Any) -> None:
    with pytest.raises(SolverError, match=f"HiGHS does not take {name} = "):
        Highs(NOWHERE).option(name, value)


def test_a_model_beyond_the_range_of_highs_is_refused() -> None:
    with pytest.raises(SolverError, match="HiGHS refuses the small model"):
        Highs(program([1.0], [([1e20], 1.0, 2.0)]))


def test_other_limits_are_solved_from_the_last_basis() -> None:
    one = program([1.0, 2.0], [([1.0, 1.0], 4.0, INFINITY)], most=10.0)
    solver = Highs(one)
    assert solver.solve().objective == 4.0
    solver.change_rows(np.array([0]), np.array([6.0]), np.array([INFINITY]))
    assert solver.solve().objective == 6.0
    basis = solver.basis()
    solver.change_columns(np.array([0]), np.zeros(1), np.array([1.0]))
    assert solver.solve().objective == 11.0
    other = Highs(one)
    other.set_basis(basis)
    answer = other.solve()
    assert answer.objective == 4.0 and answer.iterations == 0


def test_a_conflict_is_what_cannot_hold_and_no_more() -> None:
    rows = [([1.0, 1.0, 0.0], 3.0, INFINITY), ([0.0, 0.0, 1.0], 0.5, INFINITY), ([1.0, -1.0, 0.0], -1.0, 1.0)]
    solver = Highs(program([1.0] * 3, rows, most=1.0))
    assert solver.solve().status == "infeasible"
    found, columns = solver.conflict()
    assert found.tolist() == [0] and set(columns.tolist()) <= {0, 1}


small = st.integers(-3, 3).map(float)


@given(
    st.lists(small, min_size=3, max_size=3),
    st.lists(st.tuples(st.lists(small, min_size=3, max_size=3), small, st.integers(0, 6)), max_size=3),
)
def test_whole_numbers_against_enumeration(cost: list[float], rows: list[Any]) -> None:
    one = program(cost, [(a, low, low + width) for a, low, width in rows], most=3.0, integer=True)
    answer, best = Highs(one).solve(gap=0.0), by_enumeration(one)
    check(answer, one)
    assert answer.status == ("optimal" if np.isfinite(best) else "infeasible")
    assert answer.x is None or answer.objective == pytest.approx(best, abs=1e-6)
