"""Load placement: the flows are the twin's, the program is what it says, and plans are never worse than doing nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.fleets.example import example_fleet
from solvers.formulations.placement import CONSTRAINTS, Terms, placement_program, point_at
from solvers.highs import Highs
from solvers.placement import solve_placement, terms_for, worth
from solvers.placement_flows import flows, point_of, spreading
from solvers.placement_plan import plan_placement, shift_steps
from solvers.placement_problem import PlacementProblem, placement_problem, sojourn_p99_s
from tests.solvers.golden import check_golden
from tests.solvers.oracles import check_routes, shuffled
from tests.solvers.toys import START, two_regions
from twin.actions.fold import apply
from twin.actions.schedule import resolve
from twin.graph.compile import compile_fleet
from twin.graph.levels import Floats
from twin.model.errors import UsageError
from twin.sim.network import find_routes
from twin.sim.queueing import sojourn_p99
from twin.sim.routing import route, site_traffic, spread_users


def toy(hours: int = 1, **how: object) -> PlacementProblem:
    return placement_problem(two_regions(**how), start=START, hours=hours)  # type: ignore[arg-type]


def some_shares(problem: PlacementProblem, seed: int) -> Floats:
    weights = np.random.default_rng(seed).random(problem.share.shape) * (problem.share > 0)
    share = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return np.repeat(share[None], problem.hours, axis=0)


def test_every_constraint_is_one_of_the_toy() -> None:
    problem = toy(2, latency="100 ms")
    terms = Terms(problem.price, every=1)
    program, _ = placement_program(problem, terms, point_at(problem, point_of(problem)))
    check_golden(program, "placement", [constraint.__name__ for constraint in CONSTRAINTS])


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), site=st.integers(-1, 4))
def test_users_go_where_the_twin_sends_them(seed: int, site: int) -> None:
    fleet = example_fleet()
    problem = placement_problem(fleet, start=START, hours=1)
    compiled = compile_fleet(fleet, start=START)
    share = some_shares(problem, seed)
    state = problem.states[1 + site]
    assert state.lost == site
    network = compiled.network
    up = network.switch_site != site
    routes = find_routes(network, up, np.ones(len(network.link_capacity_bps), dtype=bool), len(problem.sites))
    routing = route(compiled, share[0], state.able, routes)
    arrivals, nowhere = spread_users(compiled, routing, problem.demand)
    per_share, spilled = spreading(problem, share, state)
    mine = (problem.demand[..., None] * per_share * share[:, :, None, :]).sum(axis=2)
    np.testing.assert_allclose(mine, arrivals, rtol=1e-9, atol=1e-6)
    np.testing.assert_array_equal(spilled[0], routing.spill > 0)
    found = flows(replace(problem, calls=np.zeros_like(problem.calls)), share, state)
    np.testing.assert_allclose(found.nowhere, nowhere, atol=1e-6)
    np.testing.assert_allclose(found.rtt_s[0], routing.rtt_s * found.spilled[0], atol=1e-12)
    crossing = site_traffic(compiled, routing, problem.demand, np.zeros_like(arrivals))
    loads = problem.own_gbps + 1e-9 * crossing.reshape(1, -1)
    np.testing.assert_allclose(found.link_gbps, (state.ways.part @ loads.T).T, atol=1e-9)


def test_calls_of_calls_stay_at_their_site() -> None:
    found = flows(toy(), point_of(toy()), toy().states[0])
    np.testing.assert_allclose(found.arrivals[0], [[200.0] * 3, [100.0] * 3])


def test_calls_to_what_does_not_answer_leave_the_site() -> None:
    problem = toy()
    able = problem.states[0].able.copy()
    able[problem.services.index("db"), 0] = False
    state = replace(problem.states[0], able=able)
    found = flows(problem, point_of(problem), state)
    np.testing.assert_allclose(found.arrivals[0, 1], [0.0, 150.0, 150.0])
    assert found.nowhere.sum() == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=20)
@given(st.integers(1, 32), st.floats(0.05, 0.95))
def test_the_answer_time_is_that_of_the_twin(slots: int, utilisation: float) -> None:
    theirs = float(sojourn_p99(slots, np.array([utilisation]))[0])
    assert sojourn_p99_s(slots, utilisation, 2.0) == pytest.approx(2.0 * theirs, rel=1e-6)


def test_one_worker_is_exponential() -> None:
    assert sojourn_p99_s(1, 0.75, 1.0) == pytest.approx(np.log(100) / 0.25, rel=1e-9)


def test_the_slopes_are_derivatives() -> None:
    """Each row about a point, moved a little, follows the exact flows to second order."""
    problem = toy(locality="region")
    share = point_of(problem)
    program, v = placement_program(problem, Terms(problem.price, keep=0.0, every=1), point_at(problem, share))
    direction = np.array([0.03, -0.03, 0.0])
    moved = share.copy()
    moved[0, 0] += direction
    x = np.zeros(len(program.cost))
    x[v.share] = moved[:, v.service, v.site]
    for block in ("sites_have_capacity", "capacity_survives_any_loss"):
        rows = program.rows(block)
        for row, (linear, most) in enumerate(
            zip(program.matrix[rows] @ x, program.row_upper[rows], strict=True)
        ):
            state, _, service, site = next(b for b in program.row_blocks if b.name == block).label(row)
            number = [one.name or "whole" for one in problem.states].index(state)
            k, s = problem.services.index(service), problem.sites.index(site)
            limit = problem.rate[k, s] * (problem.target[k] if number == 0 else 0.9)
            exact = flows(problem, moved, problem.states[number]).arrivals[0, k, s]
            today = flows(problem, share, problem.states[number]).arrivals[0, k, s]
            assert limit > today
            # the row says: linear(x) <= limit - value + slope . point
            assert abs((limit - most) + linear - exact) <= 0.02 * exact


def test_traffic_goes_where_energy_is_cheap() -> None:
    problem = toy(2, rates=(3000.0, 1500.0))
    solved = solve_placement(problem, terms_for(problem, "cost", keep=0.0, move=0.0, emergency=1.0))
    assert solved.status == "optimal"
    assert solved.worth.cost_usd < solved.nothing.cost_usd
    assert (solved.share[:, 0, 2] > 0.34).all()
    assert solved.share[:, 0].sum(axis=-1) == pytest.approx(1.0)


@settings(max_examples=3)
@given(
    a=st.integers(5, 60),
    b=st.integers(5, 60),
    price=st.sampled_from(["20 USD/MWh", "50 USD/MWh", "200 USD/MWh"]),
)
def test_no_grid_of_shares_is_better(a: int, b: int, price: str) -> None:
    """Enumerate shares in steps of 1/16: the plan is as good as the best of them, by the exact flows."""
    problem = toy(rates=(100.0 * a, 100.0 * b), prices=("100 USD/MWh", price))
    terms = terms_for(problem, "cost", keep=0.0, move=0.01, every=1)
    solved = solve_placement(problem, terms)
    point = point_at(problem, point_of(problem))
    best = solved.nothing.objective
    for i, j in product(range(17), repeat=2):
        if i + j <= 16:
            share = point_of(problem)
            share[0, 0] = np.array([i, j, 16 - i - j]) / 16
            best = min(best, worth(problem, terms, point, share).objective)
    assert solved.worth.objective <= best + 1e-6 * abs(best)


@settings(max_examples=8)
@given(seed=st.integers(0, 1000))
def test_every_single_loss_is_survived(seed: int) -> None:
    random = np.random.default_rng(seed)
    rates = tuple(random.uniform(500, 5000, 2).tolist())
    problem = toy(2, rates=rates, prices=("100 USD/MWh", f"{random.uniform(20, 180):.0f} USD/MWh"))
    terms = terms_for(problem, "cost", move=0.0, keep=0.2, every=1)
    solved = solve_placement(problem, terms)
    today = point_of(problem)
    for number, state in enumerate(problem.states):
        found, then = flows(problem, solved.share, state), flows(problem, today, state)
        limit = problem.rate * (problem.target[:, None] if number == 0 else terms.emergency)
        assert (found.arrivals <= np.maximum(limit, then.arrivals) * (1 + 1e-6) + solved.worth.over).all()
        assert found.nowhere.max() <= then.nowhere.max() + 1e-9


def test_both_routes_and_the_dual_give_one_value_whatever_the_order() -> None:
    problem = toy(2, rates=(3000.0, 1500.0))
    program, _ = placement_program(
        problem, terms_for(problem, "cost", every=1), point_at(problem, point_of(problem))
    )
    value = check_routes(program)
    for seed in range(3):
        assert Highs(shuffled(program, seed)).solve().objective == pytest.approx(value, rel=1e-7)


def test_far_users_keep_traffic_at_home() -> None:
    near, far = (
        solve_placement(p, terms_for(p, "cost", keep=0.0, move=0.0, slower=0.0))
        for p in (toy(rates=(3000.0, 1500.0), latency="0.1 ms"), toy(rates=(3000.0, 1500.0), latency="90 ms"))
    )
    assert near.worth.moved == pytest.approx(0.0, abs=1e-6)  # no answer may come later than today
    p = toy(rates=(3000.0, 1500.0), latency="90 ms")
    loose = solve_placement(p, terms_for(p, "cost", keep=0.0, move=0.0, slower=0.5))
    assert far.worth.moved <= loose.worth.moved
    assert loose.worth.over <= 1e-6


def test_the_steps_lead_to_the_shares_and_back() -> None:
    fleet = two_regions(rates=(3000.0, 1500.0))
    proposal = plan_placement(fleet, start=START, hours=4, every=2, move=0.0, keep=0.0)
    plan = proposal.plan
    assert plan is not None and proposal.document is not None
    changes = resolve(plan, fleet).timeline().changes
    wanted = {(row[0], row[1], row[2]): row[5] for row in proposal.solution.tables[0].rows}
    for (service, site, hour), percent in wanted.items():
        there = apply(fleet, [c.change for c in changes if c.at_s < (int(hour) + 1) * 3600])
        weight = {row.site: row.weight for row in there.deployments if row.service == service}
        assert 100 * weight[str(site)] / sum(weight.values()) == pytest.approx(percent, abs=0.2)
    back = apply(fleet, [c.change for c in changes])
    for row, before in zip(back.deployments, fleet.deployments, strict=True):
        assert row.weight == pytest.approx(before.weight, abs=0.01)
    assert any(claim.metric == "energy_cost_usd" for claim in plan.claims)


def test_doing_nothing_is_a_plan_without_steps() -> None:
    fleet = two_regions(prices=("50 USD/MWh", "50 USD/MWh"))
    proposal = plan_placement(fleet, start=START, hours=2)
    assert proposal.document is None
    assert "doing nothing" in proposal.solution.notes[0]
    assert proposal.solution.objective == pytest.approx(proposal.solution.alternatives[1].objective)
    assert list(shift_steps(toy(), point_of(toy()))) == []


def test_what_is_short_today_is_said_and_not_made_worse() -> None:
    fleet = two_regions(rates=(25_000.0, 10_000.0))
    solution = plan_placement(fleet, start=START, hours=1).solution
    assert solution.shortfalls
    assert all(row.amount > 0 and row.unit == "1/s" for row in solution.shortfalls)


def test_a_fleet_without_a_choice_is_refused_with_all_reasons() -> None:
    fleet = two_regions()
    bare = fleet.model_copy(update={"demand": (), "sites": fleet.sites[:1]})
    with pytest.raises(UsageError, match=r"0 hours.*1 site.*nobody asks"):
        placement_problem(bare, start=START, hours=0)


def test_ctrl_c_gives_the_best_so_far() -> None:
    problem = toy(rates=(3000.0, 1500.0))
    solved = solve_placement(problem, terms_for(problem, "cost"), should_stop=lambda: True)
    assert solved.status == "interrupted"
    assert solved.worth.objective <= solved.nothing.objective


def test_a_plan_starts_at_the_hour_given() -> None:
    fleet = two_regions(rates=(3000.0, 1500.0))
    plan = plan_placement(fleet, start=START + timedelta(hours=7), hours=2, move=0.0, keep=0.0).plan
    assert plan is not None and plan.window.not_before == START + timedelta(hours=7)
