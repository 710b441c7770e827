"""The expansion formulation against golden files, enumeration, duality, a naive count, and what must not matter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers.expansion_bound import bounded, proven_bound
from solvers.expansion_plan import Orders
from solvers.expansion_problem import ExpansionError, ExpansionPrices, ExpansionProblem
from solvers.expansion_record import capex_usd
from solvers.expansion_round import relaxation
from solvers.expansion_solve import Solved, solve_expansion
from solvers.formulations.expansion import CONSTRAINTS, columns, expansion_program
from solvers.highs import Highs
from solvers.linear import LinearModel, LinearProgram
from tests.solvers.expansions import expansion
from tests.solvers.golden import check_golden
from tests.solvers.oracles import by_enumeration, check_routes, shuffled


def toy(
    *,
    months: int = 3,
    sites: int = 2,
    now: tuple[int, ...] = (4, 0),
    demand: tuple[float, ...] = (4.0, 5.0, 7.0),
    **changes: Any,
) -> ExpansionProblem:
    """Return one type (1 RRU, 1 kW, 2 U, batches of 2) at up to two sites, a service that runs at both, modules of 2 kW."""
    cells = len(now)
    problem = ExpansionProblem(
        site_names=tuple("ab")[:sites],
        type_names=("box",),
        service_names=("web",),
        scenario_names=("base",),
        cell_site=np.arange(cells),
        cell_type=np.zeros(cells, dtype=np.int64),
        now=np.array(now),
        aged=np.zeros((months, cells), dtype=np.int64),
        early=np.ones(cells, dtype=bool),
        buyable=np.ones(cells, dtype=bool),
        pair_cell=np.arange(cells),
        pair_service=np.zeros(cells, dtype=np.int64),
        value=np.ones(cells),
        watts=np.array([1000.0]),
        height_u=np.array([2.0]),
        batch=np.array([2]),
        lead=np.array([1]),
        power_w=np.full(sites, 5000.0),
        space_u=np.full(sites, 12.0),
        module_w=2000.0,
        module_u=4.0,
        module_lead=1,
        module_most=np.full(sites, 1),
        demand=np.array(demand)[None, :, None],
        probability=np.ones(1),
        prices=ExpansionPrices(
            server=np.array([10_000.0]),
            module=np.full(sites, 20_000.0),
            running=np.full(cells, 50.0),
            short=np.array([60_000.0]),
            budget=np.array([80_000.0]),
        ),
    )
    return replace(problem, **changes)


def with_prices(problem: ExpansionProblem, **changes: Any) -> ExpansionProblem:
    return replace(problem, prices=replace(problem.prices, **changes))


def finite(problem: ExpansionProblem) -> LinearProgram:
    return bounded(expansion_program(problem), columns(LinearModel("numbers"), problem), problem)


def test_every_constraint_reads_as_its_golden_file() -> None:
    check_golden(expansion_program(toy()), "expansion", [constraint.__name__ for constraint in CONSTRAINTS])


@pytest.mark.parametrize("seed", range(3))
def test_all_routes_and_the_dual_give_the_same_value(seed: int) -> None:
    program = expansion_program(expansion(seed, months=6, sites=4, types=4, services=5, servers=400))
    value = check_routes(program)
    assert check_routes(shuffled(program, seed)) == pytest.approx(value, rel=1e-6)


tiny = st.builds(
    lambda now, first, second, power, aged, short: replace(
        toy(months=2, sites=1, now=(now,), demand=(first, second)),
        power_w=np.array([power * 1000.0]),
        aged=np.array([[0], [min(aged, now)]]),
        prices=replace(
            toy().prices, module=np.array([20_000.0]), running=np.array([50.0]), short=np.array([short])
        ),
    ),
    st.integers(0, 4),
    st.floats(0, 8),
    st.floats(0, 8),
    st.integers(0, 6),
    st.integers(0, 2),
    st.sampled_from([0.0, 500.0, 15_000.0, 90_000.0]),
)


@settings(max_examples=25, deadline=None)
@given(tiny)
def test_branch_and_bound_finds_what_enumeration_finds(problem: ExpansionProblem) -> None:
    program = finite(problem)
    assert program.integer.sum() <= 8
    best = by_enumeration(program)
    answer = Highs(program).solve(gap=0.0)
    assert answer.status == "optimal" and answer.objective == pytest.approx(best, rel=1e-6, abs=1e-6)
    # The limits that make enumeration possible cut off nothing.
    assert Highs(expansion_program(problem)).solve(gap=0.0).objective == pytest.approx(
        best, rel=1e-6, abs=1e-6
    )
    prices = relaxation(program).row_dual
    assert prices is not None and proven_bound(program, prices) <= best + 1e-6 * max(1.0, abs(best))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_any_prices_give_a_bound(seed: int) -> None:
    problem = toy()
    program = finite(problem)
    best = Highs(program).solve(gap=0.0).objective
    duals = relaxation(program).row_dual
    assert duals is not None
    random = np.random.default_rng(seed)
    prices = duals * random.uniform(0.5, 2.0) + random.normal(0.0, 0.1, len(duals))
    assert proven_bound(program, prices) <= best + 1e-6


def counted(solved: Solved) -> tuple[float, float]:
    """Count a plan by hand, month by month and cell by cell: what it costs [USD of today], and what it lacks [RRU-months].

    Fails where the plan breaks a rule. Shares nothing with the program but the numbers of the problem.
    """
    p, orders = solved.problem, Orders.of(solved)
    work = solved.x[solved.columns.work][0]
    there = p.now.astype(float).copy()
    modules = np.zeros(p.sites)
    usd = short = 0.0
    rows = solved.program.matrix @ solved.x
    assert (rows >= solved.program.row_lower - 1e-4).all() and (rows <= solved.program.row_upper + 1e-4).all()
    for t in range(p.months):
        worth = (1 + p.prices.discount) ** (-t / 12)
        there += orders.bought[t] + orders.come[t] - orders.retired[t] - orders.gone[t]
        assert (there >= 0).all()
        assert (orders.retired[: t + 1].sum(axis=0) >= np.minimum(p.aged[t], p.now)).all()
        modules += orders.built[t]
        assert (modules <= p.module_most).all() and (orders.built[t] == 0).all() | (t >= p.module_lead)
        for s in range(p.sites):
            here = p.cell_site == s
            kinds = p.cell_type[here]
            watts, height = (there[here] * p.watts[kinds]).sum(), (there[here] * p.height_u[kinds]).sum()
            assert watts <= p.power_limit_w[s] + modules[s] * p.module_w + 1e-3
            assert height <= p.space_limit_u[s] + modules[s] * p.module_u + 1e-6
        for c in range(p.cells):
            assert work[t, p.pair_cell == c].sum() <= there[c] + 1e-6
            usd += worth * there[c] * p.prices.running[c]
        for v in range(len(p.service_names)):
            mine = p.pair_service == v
            lacking = max(0.0, p.demand[0, t, v] - (work[t, mine] * p.value[mine]).sum())
            short += lacking
            usd += worth * lacking * p.prices.short[v]
    for t, one in enumerate(capex_usd(p, orders)):
        usd += one * (1 + p.prices.discount) ** (-t / 12)
    gone = sum(
        int(orders.gone[t, p.cell_type == k].sum()) for t in range(p.months) for k in range(len(p.watts))
    )
    assert gone == orders.come.sum()
    return usd, short


@pytest.mark.parametrize("small", [True, False])
def test_a_plan_is_worth_what_a_count_by_hand_says(small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solvers.expansion_solve.SMALL_INTEGERS", 10_000 if small else 0)
    problem = expansion(1, months=12, sites=3, types=3, services=4, servers=900)
    solved = solve_expansion(problem, time_limit_s=20.0, gap=0.02)
    usd, short = counted(solved)
    assert usd == pytest.approx(solved.objective, rel=1e-6)
    assert short == pytest.approx(float(solved.x[solved.columns.short].sum()), abs=1e-3)
    assert solved.bound <= solved.objective < float(solved.program.cost @ solved.idle) * 1000
    assert small or solved.route == "rolling"


def test_the_rounded_plan_and_its_bound_stand_on_both_sides_of_the_best(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = toy(months=12, demand=tuple(np.linspace(4, 9, 12)))
    best = Highs(expansion_program(problem)).solve(gap=0.0, time_limit_s=60.0)
    assert best.status == "optimal"
    monkeypatch.setattr("solvers.expansion_solve.SMALL_INTEGERS", 0)
    solved = solve_expansion(problem, time_limit_s=20.0, gap=0.0)
    assert solved.bound / 1000 <= best.objective + 1e-6 <= solved.objective / 1000 + 2e-6
    assert solved.objective < float(solved.program.cost @ solved.idle) * 1000 / 2
    assert solved.status in ("optimal", "feasible")


def test_nothing_is_ordered_before_its_lead_time_is_over() -> None:
    problem = replace(toy(months=12, demand=(9.0,) * 12), lead=np.array([3]), module_lead=6)
    orders = Orders.of(solve_expansion(problem, time_limit_s=20.0, gap=0.0))
    assert not orders.bought[:3].any() and orders.bought[3:].any()
    assert not orders.built[:6].any()


def test_a_site_above_its_limit_gets_no_worse_and_stays_solvable() -> None:
    problem = replace(toy(months=12, demand=(4.0,) * 12), power_w=np.array([1000.0, 0.0]))
    solved = solve_expansion(problem, time_limit_s=20.0, gap=0.0)
    assert Orders.of(solved).servers[:, 0].max() <= 4
    assert solved.x[solved.columns.short].max() <= 1e-6


def test_demand_that_nobody_can_serve_is_short_at_its_price() -> None:
    problem = toy(months=12, demand=(4.0,) * 12, pair_cell=np.zeros(0, int), pair_service=np.zeros(0, int))
    problem = replace(problem, value=np.zeros(0))
    assert problem.unserved() == ("web",)
    solved = solve_expansion(problem, time_limit_s=10.0, gap=0.0)
    assert solved.x[solved.columns.short].sum() == pytest.approx(48.0)
    assert not Orders.of(solved).bought.any()


def test_no_capacity_at_all_and_no_budget_leave_priced_shortfall() -> None:
    nothing = toy(
        months=12, demand=(4.0,) * 12, now=(0, 0), power_w=np.zeros(2), module_most=np.zeros(2, int)
    )
    assert solve_expansion(nothing, time_limit_s=10.0).x.sum() == pytest.approx(48.0, rel=1e-6)
    poor = with_prices(toy(months=12, demand=(9.0,) * 12), budget=np.zeros(1))
    solved = solve_expansion(poor, time_limit_s=10.0)
    assert not Orders.of(solved).bought.any() and not Orders.of(solved).built.any()
    assert solved.x[solved.columns.short].sum() == pytest.approx(60.0, rel=1e-6)


@pytest.mark.parametrize(
    ("problem", "word"),
    [
        (toy(months=3), "3 months"),
        (with_prices(toy(months=12, demand=(1.0,) * 12), budget=np.array([-1.0])), "budget is negative"),
        (toy(months=12, demand=(-1.0,) * 12), "demand"),
        (toy(months=12, demand=(float("nan"),) * 12), "demand"),
        (toy(months=12, demand=(1.0,) * 12, probability=np.array([0.5])), "add up to 0.5"),
        (toy(months=12, demand=(1.0,) * 12, watts=np.zeros(1)), "needs a power"),
        (with_prices(toy(months=12, demand=(1.0,) * 12), server=np.array([np.inf])), "price of servers"),
    ],
)
def test_nonsense_is_refused_in_words(problem: ExpansionProblem, word: str) -> None:
    with pytest.raises(ExpansionError, match=word):
        solve_expansion(problem)


def test_all_that_is_wrong_is_said_at_once() -> None:
    problem = with_prices(toy(months=3, demand=(-1.0,) * 3), budget=np.array([-1.0]))
    with pytest.raises(ExpansionError, match="3 months.*demand.*budget"):
        problem.refuse_nonsense()


@pytest.mark.parametrize("stop", [True, False])
def test_a_stop_before_anything_was_found_gives_the_plan_that_does_nothing(stop: bool) -> None:
    problem = expansion(0, months=12, sites=4, types=4, services=5, servers=2_000)
    solved = solve_expansion(problem, time_limit_s=60.0 if stop else 1e-6, should_stop=lambda: stop)
    assert np.array_equal(solved.x, solved.idle)
    assert solved.status == ("interrupted" if stop else "feasible") and solved.gap > 0.01
    usd, _ = counted(solved)
    assert usd == pytest.approx(solved.objective, rel=1e-6)


def test_scenarios_share_their_orders_and_are_weighed() -> None:
    low, high = np.full(12, 4.0), np.linspace(4.0, 9.0, 12)
    both = replace(
        toy(months=12, demand=tuple(low)),
        scenario_names=("low", "high"),
        demand=np.array([low, high])[:, :, None],
    )

    def cost(chance: float) -> float:
        problem = replace(both, probability=np.array([1 - chance, chance]))
        return solve_expansion(problem, time_limit_s=20.0, gap=1e-4).objective

    def alone(demand: np.ndarray) -> float:
        return solve_expansion(toy(months=12, demand=tuple(demand)), time_limit_s=20.0, gap=1e-4).objective

    assert cost(0.0) == pytest.approx(alone(low), rel=1e-3)
    assert cost(1.0) == pytest.approx(alone(high), rel=1e-3)
    assert cost(0.0) < cost(0.5) < cost(1.0) * 1.001
