"""The scorer, against numbers that can be added up by hand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from solvers.problem import Affinity, Budget, CapacityProblem, Family
from tests.solvers.score import score


def two_rooms() -> CapacityProblem:
    """Two rooms of one cell each and a reservation that survives the loss of either."""
    return CapacityProblem(
        cell_names=("a", "b"),
        reservation_names=("web",),
        servers=np.array([10, 10]),
        cell_type=np.array([0, 0]),
        type_names=("type",),
        pair_cell=np.array([0, 1]),
        pair_reservation=np.array([0, 0]),
        value=np.array([2.0, 1.0]),
        now=np.array([4, 2]),
        demand=np.array([6.0]),
        families=(Family("room", ("a", "b"), np.array([0, 1])),),
        survives=np.array([[True]]),
        spread=np.array([0.5]),
        budgets=(
            Budget("power", "W", ("a",), csr_array([[100.0, 0.0]]), np.array([1.0, 1.5]), np.array([500.0])),
        ),
        affinity=Affinity(0, np.array([[0.5, np.nan]]), within=0.1, above=0.1),
    )


def test_parts_of_the_cost() -> None:
    scored = score(two_rooms(), [3, 7])
    # Loads 6 and 7: the worst loss takes 7, 6 of 6 are left; 3 and 4 are above 0.5 x 6; 6 is 3 + 0.6 + 2.4.
    expected = {
        "move": 1.0,
        "use": 0.5,
        "spread": 3.5,
        "buffer": 0.7,
        "shortage": 0.0,
        "affinity": 4.8,
        "budget": 0.0,
    }
    assert scored.costs == pytest.approx(expected)
    assert scored.objective == pytest.approx(10.5)
    assert scored.violations == ()
    assert scored.kilowatts == pytest.approx(0.0135)
    assert scored.gap(8.4) == pytest.approx(0.2)


def test_shortage_is_after_the_worst_loss() -> None:
    assert score(two_rooms(), [4, 2]).shortage == pytest.approx([4.0])
    nobody = replace(two_rooms(), survives=np.array([[False]]))
    assert score(nobody, [2, 1]).shortage == pytest.approx([1.0])
    assert score(nobody, [2, 1]).costs["buffer"] == 0.0


def test_what_is_outside_of_all_domains_is_never_lost() -> None:
    problem = two_rooms()
    outside = replace(problem, families=(Family("room", ("a",), np.array([0, -1])),), affinity=None)
    scored = score(outside, [0, 6])
    assert scored.short == 0.0
    assert scored.costs["spread"] == scored.costs["buffer"] == 0.0


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ([-1, 0], "pair 0 has -1 servers"),
        ([0.5, 0], "pair 0 has 0.5 servers"),
        ([0, 11], "cell b has 10 servers and gives 11"),
        ([6, 0], "budget power, a: 100 W above its limit"),
        ([np.nan, 0], "counts that are not numbers"),
        ([1], "(1,) counts for 2 pairs"),
    ],
)
def test_violations(counts: list[float], said: str) -> None:
    assert said in score(two_rooms(), counts).violations


def test_a_budget_that_is_broken_today_must_not_get_worse() -> None:
    today = replace(two_rooms(), now=np.array([7, 0]))
    assert score(today, [7, 0]).violations == ()
    assert score(today, [8, 0]).violations == ("budget power, a: 100 W above its limit",)


def test_a_soft_budget_is_paid_for() -> None:
    problem = two_rooms()
    soft = replace(problem, budgets=(replace(problem.budgets[0], price=0.25),))
    scored = score(soft, [6, 0])
    assert scored.violations == ()
    assert scored.costs["budget"] == pytest.approx(25.0)
