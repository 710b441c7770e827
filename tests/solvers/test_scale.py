"""Bounds are bounds, plans are lawful, and the scorer agrees: against HiGHS and against plain enumeration."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from solvers.capacity_value import value_of
from solvers.coarse import coarse_guide, coarse_of
from solvers.ejection import seize, serve
from solvers.guide import Guide, LinearGuide
from solvers.highs import SolverError
from solvers.oracle import Oracle, _around
from solvers.prices import Volume
from solvers.problem import Affinity, Budget, CapacityProblem, Family
from solvers.rounding import top_up
from solvers.scale import solve_large
from solvers.terms import terms
from solvers.whole import plan, plan_cost
from tests.solvers.capacities import random_problem as everything
from tests.solvers.instances import instance, without
from tests.solvers.lp import solve
from tests.solvers.score import score


def random_problem(seed: int, cells: int = 4, reservations: int = 2) -> CapacityProblem:
    """Return a tiny problem with everything in it: two families, two budgets, shares, families that are not survived."""
    rng = np.random.Generator(np.random.Philox(seed))
    pairs = np.array(
        [(c, r) for c in range(cells) for r in range(reservations) if c == r or rng.random() < 0.8]
    )
    cell, who = pairs.T.copy()
    servers = rng.integers(1, 4, cells)
    now = np.zeros(len(cell), dtype=np.int64)
    for c in range(cells):
        mine = np.flatnonzero(cell == c)
        if len(mine):
            now[rng.choice(mine)] = rng.integers(0, servers[c] + 1)
    weight = np.round(rng.uniform(0.5, 1.5, len(cell)), 2)
    share = csr_array(rng.choice([0.0, 0.5, 1.0], (2, cells)))
    wish = np.where(rng.random((reservations, 2)) < 0.3, 0.5, np.nan)
    return CapacityProblem(
        tuple(f"c{c}" for c in range(cells)), tuple(f"r{r}" for r in range(reservations)), servers,
        np.zeros(cells, dtype=np.int64), ("type",), cell, who, np.round(rng.uniform(0.5, 2.0, len(cell)), 2), now,
        np.round(rng.uniform(0.5, 3.0, reservations), 2),
        (
            Family("rack", ("a", "b", "c"), rng.integers(-1, 3, cells)),
            Family("site", ("x", "y"), rng.integers(0, 2, cells)),
        ),
        rng.random((reservations, 2)) < 0.6, rng.uniform(0.1, 0.6, reservations),
        budgets=(
            Budget("power", "W", ("p", "q"), share, weight, rng.uniform(1.0, 4.0, 2)),
            Budget("heat", "W", ("h", "i"), share, weight, rng.uniform(1.0, 3.0, 2), price=3.0),
        ),
        affinity=Affinity(1, wish),
    )  # fmt: skip


def cheapest(problem: CapacityProblem) -> float:
    """Return the cost of the best plan: all counts of all pairs are tried."""
    ranges = [range(int(problem.servers[c]) + 1) for c in problem.pair_cell]
    return min(
        scored.objective
        for counts in itertools.product(*ranges)
        if not (scored := score(problem, counts)).violations
    )


@pytest.mark.parametrize("name", ["tiny", "small"])
@pytest.mark.parametrize("seed", [0, 1])
def test_at_the_duals_of_the_lp_the_oracle_is_the_lp(name: str, seed: int) -> None:
    problem = instance(name, seed)
    lp = solve(problem)
    prices = np.concatenate([lp.cell_price, *lp.budget_price, -lp.share_price])
    oracle = Oracle(problem, whole=False)
    prices = np.clip(prices, oracle.rows.least, oracle.rows.most)
    assert oracle.ask(prices).bound == pytest.approx(lp.objective, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), scale=st.floats(0.0, 5.0))
def test_any_prices_bound_the_best_plan(seed: int, scale: float) -> None:
    problem = random_problem(seed)
    best = solve(problem, whole=True)
    oracle = Oracle(problem)
    rng = np.random.Generator(np.random.Philox(seed + 1))
    for prices in (np.zeros(len(oracle.rows.high)), scale * rng.normal(size=len(oracle.rows.high))):
        prices = np.clip(prices, oracle.rows.least, oracle.rows.most)
        assert oracle.ask(prices).bound <= best.objective + 1e-6
    volume = Volume(oracle)
    assert volume.run(np.inf, most=60).bound <= best.objective + 1e-6


@pytest.mark.parametrize("seed", range(8))
def test_bound_and_plan_enclose_the_best_of_all_plans(seed: int) -> None:
    problem = random_problem(seed, cells=3, reservations=2)
    counts, bound, trace = solve_large(problem, time_limit_s=0.3)
    scored, best = score(problem, counts), cheapest(problem)
    assert scored.violations == ()
    assert bound <= best + 1e-6
    assert scored.objective >= best - 1e-6
    assert scored.objective == pytest.approx(trace.cost, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(coins=st.lists(st.integers(2, 30), min_size=1, max_size=4, unique=True), allowed=st.integers(1, 60))
def test_attainable_loads_by_enumeration(coins: list[int], allowed: int) -> None:
    ranges = [range(allowed // coin + 2) for coin in coins]
    sums = {sum(n * c for n, c in zip(counts, coins, strict=True)) for counts in itertools.product(*ranges)}
    below, above = _around(np.array(sorted(coins, reverse=True), dtype=np.float64), float(allowed))
    assert below == max(s for s in sums if s <= allowed)
    assert above == min(s for s in sums if s >= allowed)


@pytest.mark.parametrize("name", ["small", "small-sb4"])
def test_a_plan_of_whole_servers_is_lawful_and_near_the_bound(name: str) -> None:
    problem = instance(name, 1)
    counts, bound, trace = solve_large(problem, time_limit_s=4)
    scored = score(problem, counts)
    assert scored.violations == ()
    assert scored.objective == pytest.approx(trace.cost, rel=1e-9)
    assert bound <= scored.objective
    assert scored.objective < 0.05 * score(problem, problem.now).objective


@pytest.mark.parametrize("seed", range(20))
def test_cost_of_changes_is_what_the_scorer_says(seed: int) -> None:
    problem = random_problem(seed)
    layout = terms(problem)
    made = plan(problem, layout, problem.now)
    assert plan_cost(layout, made) == pytest.approx(score(problem, problem.now).objective, abs=1e-9)


def tight() -> CapacityProblem:
    """A free cell that only `easy` accepts, and a full one, held by `easy`, that `picky` needs: greedy leaves it short."""
    return CapacityProblem(
        ("new", "old"), ("picky", "easy"), np.array([4, 4]), np.array([0, 1]), ("new", "old"),
        np.array([0, 0, 1]), np.array([0, 1, 1]), np.ones(3), np.array([0, 4, 0]), np.array([3.0, 4.0]),
        (Family("room", ("a", "b"), np.array([0, 1])),), np.zeros((2, 1), dtype=bool), np.ones(2),
    )  # fmt: skip


def test_ejection_serves_whom_greedy_leaves_short() -> None:
    problem = tight()
    layout = terms(problem)
    made = plan(problem, layout, problem.now)
    assert score(problem, made.counts).short == 3.0
    saved = serve(layout, made, np.array([0, 1]), np.zeros(3), np.zeros(2), 100)
    assert list(made.counts) == [3, 1, 3]
    assert saved == pytest.approx(-3 * 200 + 3 * 1.0 + 3 * 0.05)
    assert score(problem, made.counts).short == 0.0


def test_two_old_servers_make_room_for_the_power_of_a_new_one() -> None:
    power = Budget(
        "power",
        "W",
        ("hall",),
        csr_array([[1.0, 1.0, 0.0]]),
        np.array([450.0, 250.0, 250.0]),
        np.array([1000.0]),
    )
    problem = replace(
        tight(), cell_names=("new", "old", "spare"), servers=np.array([1, 4, 4]), cell_type=np.array([0, 1, 1]),
        pair_cell=np.array([0, 1, 2]), pair_reservation=np.array([0, 1, 1]), now=np.array([0, 4, 0]),
        demand=np.array([1.0, 4.0]), families=(Family("room", ("a", "b"), np.array([0, 0, 1])),), budgets=(power,),
    )  # fmt: skip
    layout = terms(problem)
    served, seized = (plan(problem, layout, problem.now) for _ in range(2))
    saved = serve(layout, served, np.array([0, 1]), np.zeros(3), np.zeros(2), 100)
    assert list(served.counts) == [1, 2, 2]
    assert saved == pytest.approx(-200 + 2 * 1.0 + 0.05)
    assert seize(layout, seized, np.array([0]), np.zeros(3), np.zeros(2)) == 2
    top_up(layout, seized, np.array([0, 1]), np.zeros(3))
    assert list(seized.counts) == [1, 2, 2]
    assert score(problem, seized.counts).violations == ()


def test_the_order_of_reservations_does_not_matter_to_the_bound() -> None:
    problem = instance("tiny", 0)
    to = np.random.Generator(np.random.Philox(1)).permutation(problem.reservations)
    order = np.lexsort((to[problem.pair_reservation], problem.pair_cell))
    back = np.argsort(to)
    assert problem.affinity is not None
    other = replace(
        problem,
        reservation_names=tuple(problem.reservation_names[r] for r in back),
        pair_reservation=to[problem.pair_reservation][order],
        value=problem.value[order], now=problem.now[order], demand=problem.demand[back], spread=problem.spread[back],
        survives=problem.survives[back],
        budgets=tuple(replace(b, weight=b.weight[order]) for b in problem.budgets),
        affinity=replace(problem.affinity, share=problem.affinity.share[back]),
    )  # fmt: skip
    one, two = (Volume(Oracle(p)).run(np.inf, most=40).bound for p in (problem, other))
    assert one == pytest.approx(two, rel=1e-4)


def test_a_stop_gives_back_the_best_so_far() -> None:
    problem = instance("tiny", 1)
    counts, bound, trace = solve_large(problem, time_limit_s=60, should_stop=lambda: True)
    assert score(problem, counts).violations == ()
    assert bound <= trace.cost
    assert trace.events[-1][0] < 30


def test_a_loss_is_planned_again_from_the_prices_before() -> None:
    problem = instance("small", 0)
    _, _, before = solve_large(problem, time_limit_s=3)
    counts, bound, _ = solve_large(without(problem, 4), time_limit_s=2, guide=Guide(before.guide.prices))
    scored = score(without(problem, 4), counts)
    assert scored.violations == ()
    assert bound <= scored.objective


def test_negative_weights_are_refused() -> None:
    problem = random_problem(0)
    wrong = replace(problem.budgets[0], weight=-problem.budgets[0].weight)
    with pytest.raises(ValueError, match="negative weights or shares"):
        Oracle(replace(problem, budgets=(wrong,)))


@pytest.mark.parametrize("seed", range(40))
def test_shares_without_an_upper_side_and_wishes_for_nothing(seed: int) -> None:
    problem = everything(seed, pairs=5)
    rng = np.random.Generator(np.random.Philox(seed))
    shares = np.where(rng.random((problem.reservations, len(problem.families[0].domains))) < 0.7, 0.4, np.nan)
    wish = Affinity(0, shares, 0.05, np.inf, 1.5)
    demand = np.where(np.arange(problem.reservations) == seed % problem.reservations, 0.0, problem.demand)
    problem = replace(problem, affinity=wish, demand=demand, owned=False)
    best = solve(problem, whole=True).objective
    oracle, layout = Oracle(problem), terms(problem)
    for scale in (0.0, 0.5, 3.0):
        prices = np.clip(scale * rng.normal(size=len(oracle.rows.high)), oracle.rows.least, oracle.rows.most)
        assert oracle.ask(prices).bound <= best + 1e-6
    dearest = np.zeros(len(oracle.rows.high))
    dearest[oracle.rows.blocks[-1]] = oracle.rows.most[oracle.rows.blocks[-1]]
    assert oracle.ask(dearest).bound <= best + 1e-6
    assert Volume(oracle).run(np.inf, most=60).bound <= best + 1e-6
    counts = rng.integers(0, problem.servers[problem.pair_cell] + 1)
    made = plan_cost(layout, plan(problem, layout, counts))
    assert made == pytest.approx(value_of(problem, counts).objective, abs=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_the_duals_of_the_program_are_prices_of_the_oracle(seed: int) -> None:
    problem = everything(seed, pairs=8) if seed else instance("tiny", 0)
    # What the oracle knows exactly: one family of losses, and cells without a least count.
    survives = problem.survives & (np.arange(len(problem.families)) == problem.spread_family)
    problem = replace(problem, survives=survives, owned=False)
    answer, guide = LinearGuide(problem).solve()
    assert guide is not None
    oracle = Oracle(problem, whole=False)
    prices = np.clip(guide.prices, oracle.rows.least, oracle.rows.most)
    assert oracle.ask(prices).bound == pytest.approx(answer.objective, rel=1e-6, abs=1e-6)


def test_a_program_solved_again_is_the_program_solved_anew() -> None:
    problem = instance("small", 1)
    linear = LinearGuide(problem)
    passed = linear.solve()[0].seconds
    for domain in range(4):
        linear.change(without(problem, domain))
        passed += linear.solve()[0].seconds
    linear.change(without(problem, 4))
    again, guide = linear.solve(time_limit_s=0.9 * passed)  # what solves before took does not count
    assert again.status == "optimal"
    anew, _ = LinearGuide(without(problem, 4)).solve()
    assert again.objective == pytest.approx(anew.objective, rel=1e-9)
    assert again.iterations < anew.iterations
    counts, bound, _ = solve_large(without(problem, 4), time_limit_s=2, guide=guide)
    scored = score(without(problem, 4), counts)
    assert scored.violations == () and bound <= scored.objective <= 1.1 * bound
    with pytest.raises(SolverError, match="other coefficients"):
        linear.change(instance("tiny", 0))


@pytest.mark.parametrize("seed", range(8))
def test_a_coarse_problem_has_what_the_problem_has(seed: int) -> None:
    problem = everything(seed) if seed else instance("small-sb4", 0)
    coarse = coarse_of(problem)
    assert coarse.problem.servers.sum() == problem.servers.sum()
    assert (np.bincount(coarse.pair, problem.now) == coarse.problem.now).all()
    for fine, made in zip(problem.budgets, coarse.problem.budgets, strict=True):
        assert made.limit.sum() == pytest.approx(problem.limits(fine).sum())
    guide = coarse_guide(problem, 10.0)
    assert guide is not None
    oracle = Oracle(problem)
    assert guide.prices.shape == oracle.rows.high.shape


def test_coarse_prices_bound_better_than_none() -> None:
    problem = instance("small", 3)
    guide, oracle = coarse_guide(problem, 10.0), Oracle(problem)
    assert guide is not None
    volumes = [Volume(oracle, start).run(np.inf, most=40).bound for start in (None, guide.prices)]
    assert volumes[1] > volumes[0]
