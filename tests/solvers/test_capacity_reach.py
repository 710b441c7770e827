"""Plans by prices with a backbone: flows against SciPy, bounds and plans against branch and cut, links that were overfilled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from solvers.capacity_reach import Clock, Reached, bounded, in_worst_states
from solvers.capacity_solve import Effort, solve_capacity
from solvers.capacity_value import broken, value_of
from solvers.floors import Needed, what_is_needed, with_floor
from solvers.formulations.capacity import capacity_program
from solvers.guide import LinearGuide, guide_of
from solvers.highs import Highs
from solvers.oracle import Oracle
from solvers.problem import CapacityProblem, Ints
from solvers.reach import costs_of_states, in_states, loads_at_sites, per_site, reach_program, what_lacks
from solvers.terms import terms
from solvers.whole import plan, plan_cost
from tests.solvers.backbones import Style, on_a_ring
from tests.solvers.capacities import random_problem
from tests.solvers.instances import instance
from tests.solvers.score import score


def crossed(seed: int, pairs: int = 6) -> CapacityProblem | None:
    """Return a random problem with a backbone between the domains of its first family; None where it has no two."""
    problem = random_problem(seed, pairs)
    if len(problem.families[0].domains) < 2 or not (problem.demand > 0).any():
        return None
    rng = np.random.default_rng(seed)
    style = Style(*rng.uniform(0.2, 1.0, 3), roomy=float(rng.choice([0.05, 0.5, 2.0])))
    made = on_a_ring(problem, 0, seed, style)
    assert made.backbone is not None
    return made if len(made.backbone.reservation) else None


def crossed_from(seed: int, pairs: int) -> CapacityProblem:
    """Return the first such problem of this seed and those a thousand further: half of all seeds have none."""
    return next(made for k in range(100) if (made := crossed(seed + 1_000 * k, pairs)) is not None)


def random_counts(problem: CapacityProblem, seed: int) -> Ints:
    return np.random.default_rng(seed).integers(0, problem.servers[problem.pair_cell] + 1)


@settings(max_examples=60)
@given(st.integers(0, 10**6))
def test_flows_at_fixed_counts_cost_what_scipy_says(seed: int) -> None:
    problem = crossed(seed)
    assume(problem is not None)
    assert problem is not None and problem.backbone is not None
    counts = random_counts(problem, seed)
    by_state = costs_of_states(problem, counts)
    assert by_state.sum() == pytest.approx(score(problem, counts).costs["backbone"], rel=1e-6, abs=1e-6)
    together = Highs(reach_program(problem, most=loads_at_sites(problem, counts))).solve()
    assert together.objective == pytest.approx(by_state.sum(), rel=1e-6, abs=1e-6)
    some = np.flatnonzero(np.random.default_rng(seed).random(len(by_state)) < 0.5)
    part = replace(problem, backbone=in_states(problem, some))
    assert costs_of_states(part, counts).sum() == pytest.approx(by_state[some].sum(), rel=1e-6, abs=1e-6)


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_what_lacks_is_enough(seed: int) -> None:
    """With what is missing added the cost is that of flows which may take what they like, where an RRU costs nearly nothing."""
    problem = crossed(seed)
    assume(problem is not None)
    assert problem is not None and problem.backbone is not None
    found = what_lacks(problem, problem.now, 1e-7, 10.0)
    assert found is not None
    least, states, more = found
    has = loads_at_sites(problem, problem.now)
    assert (least <= has + more + 1e-6).all() and ((states > 0) == (least > 1e-6)).all()
    free = Highs(reach_program(problem)).solve().objective
    assert Highs(reach_program(problem, most=least)).solve().objective == pytest.approx(
        free, rel=1e-5, abs=1e-4
    )


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_the_search_pays_for_floors_and_the_value_does_not(seed: int) -> None:
    problem = crossed(seed)
    assume(problem is not None)
    assert problem is not None and problem.backbone is not None
    rng = np.random.default_rng(seed)
    shape = (problem.reservations, len(problem.backbone.sites))
    posed = with_floor(problem, rng.uniform(-1, 4, shape), rng.uniform(0.1, 9, shape))
    assert posed.floor is not None
    counts = random_counts(problem, seed)
    low = np.where(np.isfinite(posed.floor.least), posed.floor.least - loads_at_sites(problem, counts), 0.0)
    below = float((posed.floor.price * np.maximum(low, 0.0)).sum())
    layout = terms(posed)
    alone = replace(problem, backbone=None)
    assert plan_cost(layout, plan(posed, layout, counts)) == pytest.approx(
        value_of(alone, counts).objective + below
    )
    answer = Highs(capacity_program(posed), relaxed=True).solve()
    oracle = Oracle(posed, whole=False)
    block = oracle.rows.blocks[-1]
    assert (oracle.rows.most[block] == 0).all()
    assert np.array_equal(oracle.rows.least[block], -posed.floor.price[np.isfinite(posed.floor.least)])
    for scale in (0.0, 0.5, 3.0):
        prices = np.clip(scale * rng.normal(size=len(oracle.rows.high)), oracle.rows.least, oracle.rows.most)
        assert oracle.ask(prices).bound <= answer.objective + 1e-6 * max(1.0, abs(answer.objective))


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.floats(0.0, 4.0))
def test_any_worth_of_an_rru_bounds_the_best_plan(seed: int, scale: float) -> None:
    problem = crossed(seed)
    assume(problem is not None)
    assert problem is not None and problem.backbone is not None
    best = Highs(capacity_program(problem)).solve(gap=0.0).objective
    rng = np.random.default_rng(seed)
    shape = (problem.reservations, len(problem.backbone.sites))
    worth = scale * rng.random(shape)
    posed = with_floor(problem, rng.uniform(0, 3, shape), np.full(shape, 5.0))
    rows = len(Oracle(replace(problem, backbone=None)).rows.high)
    needed = Needed(np.ones(shape), np.ones(shape), worth, np.zeros(rows))
    nothing = Reached(problem.now, np.inf, np.zeros(1), -np.inf)
    found, prices = bounded(problem, posed, needed, nothing, Clock(lambda: 2.0, 0.0))
    assert found.knows and len(prices) == rows
    assert -np.inf < found.bound <= best + 1e-6 * max(1.0, abs(best))


@pytest.mark.parametrize("seed", range(12))
def test_at_the_duals_of_the_program_the_oracle_with_floors_is_the_program(seed: int) -> None:
    problem = crossed_from(seed, pairs=8)
    assert problem.backbone is not None
    rng = np.random.default_rng(seed)
    shape = (problem.reservations, len(problem.backbone.sites))
    posed = with_floor(_one_loss(problem), rng.uniform(-1, 4, shape), rng.uniform(0.1, 9, shape))
    answer, guide = LinearGuide(posed).solve()
    assert guide is not None
    oracle = Oracle(posed, whole=False)
    prices = np.clip(guide.prices, oracle.rows.least, oracle.rows.most)
    assert oracle.ask(prices).bound == pytest.approx(answer.objective, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("seed", range(2))
def test_at_the_duals_of_the_program_with_flows_the_bound_is_the_program(seed: int) -> None:
    """Nothing is lost between what a worth of servers says of plans and of flows: their sum is the linear program's value."""
    problem = _one_loss(on_a_ring(instance("tiny", seed), 1, seed, Style(roomy=0.1)))
    assert problem.backbone is not None
    program = capacity_program(problem)
    answer = Highs(program, relaxed=True).solve()
    guide = guide_of(problem, program, answer)
    assert guide is not None and answer.row_dual is not None
    worth = np.maximum(per_site(problem, -answer.row_dual[program.rows("serve_at_site")]), 0.0)
    assert worth.max() > 0.01
    posed = with_floor(problem, np.ones(worth.shape), np.full(worth.shape, 5.0))
    needed = Needed(np.ones(worth.shape), np.ones(worth.shape), worth, guide.prices)
    nothing = Reached(problem.now, np.inf, np.zeros(1), -np.inf)
    found, _ = bounded(problem, posed, needed, nothing, Clock(lambda: 3.0, 0.0))
    best = Highs(program).solve(time_limit_s=5.0).objective
    assert answer.objective * (1 - 1e-5) <= found.bound <= best + 1e-6


def _one_loss(problem: CapacityProblem) -> CapacityProblem:
    """Return the problem as the oracle knows it exactly: one family of losses, and cells without a least count."""
    survives = problem.survives & (np.arange(len(problem.families)) == problem.spread_family)
    return replace(problem, survives=survives, owned=False)


@pytest.mark.slow
def test_prices_against_branch_and_cut() -> None:
    """Plans are lawful, worth what the scorer says, above the best, their bound below; most are near it, no worse than before."""
    near, no_worse, total = 0, 0, 0
    for seed in range(60):
        problem = crossed(seed, pairs=8)
        if problem is None:
            continue
        total += 1
        exact = solve_capacity(problem, Effort(gap=1e-9, route="mip"))
        best = exact.value.objective
        solved = solve_capacity(problem, Effort(time_limit_s=1.5, route="prices"))
        scored = score(problem, solved.counts)
        slack = 1e-5 * max(1.0, abs(best))
        assert scored.violations == () and broken(problem, solved.counts) == []
        assert solved.value.objective == pytest.approx(scored.objective, rel=1e-6, abs=1e-6)
        assert scored.objective >= best - slack and solved.bound <= best + slack
        assert solved.status != "optimal" or scored.objective <= best * (1 + 2e-3) + slack
        before = solve_capacity(replace(problem, backbone=None), Effort(time_limit_s=0.5, route="prices"))
        no_worse += scored.objective <= score(problem, before.counts).objective + slack
        near += scored.objective <= 1.1 * best + slack
    assert total >= 20
    assert no_worse >= 0.95 * total
    assert near >= 0.6 * total


@pytest.mark.slow
@pytest.mark.parametrize("linear", [True, False])
def test_links_that_a_plan_without_them_overfills(linear: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = on_a_ring(instance("small", 0), 1, 0, Style(roomy=0.02, anywhere=1.0))
    b = problem.backbone
    assert b is not None
    if not linear:
        monkeypatch.setattr("solvers.capacity_solve.LP_PAIRS", 0)
    old = solve_capacity(replace(problem, backbone=None), Effort(time_limit_s=3.0, route="prices"))
    new = solve_capacity(problem, Effort(time_limit_s=12.0, route="prices"))
    assert _overfilled(problem, old.counts) > 1.0
    assert _overfilled(problem, new.counts) <= 0.05 * _overfilled(problem, old.counts)
    before, after = score(problem, old.counts), score(problem, new.counts)
    assert after.violations == () and after.objective == pytest.approx(new.value.objective, rel=1e-6)
    assert after.costs["backbone"] < 0.05 * before.costs["backbone"]
    relaxed = Highs(capacity_program(problem), relaxed=True).solve().objective
    assert new.bound <= relaxed * (
        1 + 1e-2
    )  # whole numbers may lift it above the linear program, not above the best plan
    assert new.bound <= new.value.objective
    if linear:
        assert after.objective <= 1.15 * relaxed


def _overfilled(problem: CapacityProblem, counts: Ints) -> float:
    """Return what links carry too much [Gbit/s] if all users who can be are served, however full links get."""
    dear = replace(problem, prices=replace(problem.prices, unserved=1e4, congestion=1.0))
    program = reach_program(dear, most=loads_at_sites(dear, counts))
    answer = Highs(program).solve()
    assert answer.x is not None
    return float(answer.x[program.columns("over_link")].sum())


def test_what_a_coarse_program_needs_lets_its_users_be_reached() -> None:
    problem = on_a_ring(instance("small", 1), 1, 1, Style(asked=0.4, roomy=0.05))
    by_state = costs_of_states(problem, problem.now)
    needed = what_is_needed(problem, by_state, 30.0)
    assert (
        needed is not None and needed.prices.shape == Oracle(replace(problem, backbone=None)).rows.high.shape
    )
    assert (needed.worth >= -1e-9).all() and (needed.worth > 1e-6).any()
    kept = Highs(reach_program(problem, most=needed.least)).solve().objective
    less = Highs(reach_program(problem, most=0.9 * needed.least)).solve().objective
    assert kept <= 0.01 * less  # nothing is missing, and nothing is there for show
    price, states = needed.price, needed.price / problem.prices.unserved
    assert problem.backbone is not None
    assert (
        (price > 0).all()
        and (states == np.rint(states)).all()
        and states.max() <= len(problem.backbone.states)
    )
    assert what_is_needed(problem, by_state, 30.0, lambda: True) is None


def test_the_dearest_states_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = on_a_ring(instance("tiny", 0), 1, 0)
    assert problem.backbone is not None
    flows = np.bincount(problem.backbone.state)
    by_state = np.arange(len(flows), dtype=np.float64)
    monkeypatch.setattr("solvers.capacity_reach.MOST_FLOWS", int(flows[-1] + flows[-2]))
    some = in_worst_states(problem, by_state).backbone
    assert some is not None and np.unique(some.state).tolist() == [len(flows) - 2, len(flows) - 1]
    monkeypatch.setattr("solvers.capacity_reach.MOST_FLOWS", 1)
    one = in_worst_states(problem, by_state).backbone
    assert one is not None and np.unique(one.state).tolist() == [len(flows) - 1]


@pytest.mark.slow
def test_where_nothing_is_known_of_sites_the_plan_without_them_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A coarse program that is not done leaves what a plan lacks; without that as well the search goes on without floors."""
    problem = on_a_ring(instance("small", 0), 1, 0, Style(roomy=0.02, anywhere=1.0))
    monkeypatch.setattr("solvers.capacity_reach.what_is_needed", lambda *_: None)
    bare = replace(problem, backbone=None)
    before = solve_capacity(bare, Effort(time_limit_s=2.0, route="prices"))
    patched = solve_capacity(problem, Effort(time_limit_s=10.0, route="prices"))
    assert score(problem, patched.counts).objective < 0.6 * score(problem, before.counts).objective
    monkeypatch.setattr("solvers.capacity_reach.what_lacks", lambda *_: None)
    alone = solve_capacity(problem, Effort(time_limit_s=6.0, route="prices"))
    assert alone.value.objective == pytest.approx(score(problem, alone.counts).objective, rel=1e-6)
    assert alone.bound <= patched.value.objective and alone.status != "optimal"
