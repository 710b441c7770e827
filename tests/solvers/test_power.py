"""Stranded power: the program is the analysis in fractions of servers, and its gains are seen again with the plan done."""

from __future__ import annotations

import dataclasses
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.fleets.example import example_fleet
from solvers.formulations.power import CONSTRAINTS, Terms, power_program
from solvers.highs import Highs
from solvers.power_plan import plan_power
from solvers.power_problem import PowerProblem, power_problem
from tests.solvers.golden import check_golden
from tests.solvers.oracles import by_enumeration, check_routes, shuffled
from tests.solvers.swap_toys import SERVER_W, Toy, draws, hot_and_cold
from tests.solvers.toys import START, fleet_of, two_panels
from twin.actions.fold import apply, with_tables
from twin.actions.schedule import resolve
from twin.graph.analysis_chain import rack_loads, site_loads
from twin.graph.analysis_stranded import stranded_power
from twin.model.errors import UsageError
from twin.model.fleet import Fleet

FREE = {"move_va": 0.0, "cap_va": 0.0}


def usable_va(fleet: Fleet, level: str = "utility") -> float:
    """Return the bound of the analysis: fractions of servers."""
    return sum(domain.bound_va for domain in stranded_power(fleet).domains if domain.kind == level)


def best(fleet: Fleet, terms: Terms, level: str = "utility") -> float:
    program, _ = power_program(power_problem(fleet, level=level), terms)
    answer = Highs(program).solve(gap=0.0)
    assert answer.status == "optimal"
    return -answer.objective


def refed(fleet: Fleet, feeds: tuple[str, ...]) -> Fleet:
    racks = [
        rack.model_copy(update={"fed_by": (feed,)}) for rack, feed in zip(fleet.racks, feeds, strict=False)
    ]
    return with_tables(fleet, racks=(*racks, *fleet.racks[len(feeds) :]))


def cooled(level: str = "panel") -> PowerProblem:
    """Return the problem of a toy with a plant, budgets of racks, a panel above its rating, and swaps that rows bound."""
    racks = (
        Toy(4, 0, 0, budget=6.5),
        Toy(0, 4, 1, "b", budget=6.5),
        Toy(2, 0, 0, "b", budget=6.5),
        Toy(0, 0, 2),
    )
    toy = hot_and_cold(racks, rated=(5, 10, 10))
    plant = {"name": "plant", "site": "s", "kind": "chiller", "fed_by": ["grid"], "rated_heat": "20 kW"}
    fleet = with_tables(toy, cooling_plants=fleet_of(cooling_plants=[plant]).cooling_plants)
    return power_problem(fleet, level=level, rack_w=draws(fleet), server_w=SERVER_W)


def test_every_constraint_is_one_of_the_toy() -> None:
    program, _ = power_program(cooled(), Terms(2))
    assert all(block.size for block in program.row_blocks)
    check_golden(program, "power", [constraint.__name__ for constraint in CONSTRAINTS])


@pytest.mark.parametrize("level", ["utility", "panel"])
def test_without_changes_it_is_the_bound_of_the_analysis_on_a_toy(level: str) -> None:
    fleet = two_panels(rated=(10, 7, 3), servers=(4, 9, 1))
    # Each panel stands alone in the analysis; with single cords nothing is shared between them.
    assert best(fleet, Terms(0), level) == pytest.approx(usable_va(fleet, level))


@pytest.mark.parametrize("site", ["ams1", "sgp1"])
def test_without_changes_it_is_the_bound_of_the_analysis_on_the_example(site: str) -> None:
    fleet = example_fleet()
    half = {rack.name: 2500.0 for rack in fleet.racks}
    domains = stranded_power(fleet, site=site, rack_w=half).domains
    program, _ = power_program(power_problem(fleet, sites=(site,), rack_w=half), Terms(0))
    answer = Highs(program).solve()
    bound = sum(domain.bound_va for domain in domains if domain.kind == "utility")
    assert bound > 0
    assert -answer.objective == pytest.approx(bound, rel=1e-6)


@settings(max_examples=12)
@given(
    rated=st.tuples(st.integers(3, 12), st.integers(3, 12), st.integers(1, 12)),
    servers=st.lists(st.integers(0, 6), min_size=3, max_size=3),
    changes=st.integers(0, 3),
)
def test_re_feeds_are_the_best_of_all(rated: tuple[int, int, int], servers: list[int], changes: int) -> None:
    """Try every assignment of the four racks to three panels that touches few racks and overloads nothing more than today."""
    fleet = two_panels(rated=rated, servers=tuple(servers))
    held, free_u = np.array([*servers, 0]), np.array([*(42 - n for n in servers), 1])
    home = np.array([int(rack.fed_by[0][1]) - 1 for rack in fleet.racks])
    limit = np.maximum(rated, np.bincount(home, held, 3))
    found = 0.0
    for feeds in product(range(3), repeat=4):
        load = np.bincount(feeds, held, 3)
        if (np.array(feeds) != home).sum() <= changes and (load <= limit).all():
            room = np.maximum(np.array(rated) - load, 0)
            found = max(found, float(np.minimum(room, np.bincount(feeds, free_u, 3)).sum()))
    assert best(fleet, Terms(changes, caps=False, **FREE)) == pytest.approx(1000 * found, abs=1e-3)


@settings(max_examples=6)
@given(seed=st.integers(0, 1000), changes=st.integers(0, 2))
def test_branch_and_bound_is_enumeration(seed: int, changes: int) -> None:
    random = np.random.default_rng(seed)
    fleet = two_panels(
        rated=tuple(random.integers(3, 10, 3).tolist()), servers=tuple(random.integers(0, 6, 2).tolist())
    )
    fleet = with_tables(fleet, racks=fleet.racks[:2])  # two racks: at most eight whole numbers
    program, _ = power_program(power_problem(fleet), Terms(changes))
    assert program.integer.sum() <= 8
    assert Highs(program).solve(gap=0.0).objective == pytest.approx(by_enumeration(program), abs=1e-4)


def test_a_cap_frees_what_it_takes() -> None:
    fleet = two_panels(rated=(10, 10, 1), servers=(10, 10))
    terms = Terms(1, depth=0.2, refeeds=False, **FREE)
    assert best(fleet, Terms(0)) == pytest.approx(usable_va(fleet))
    assert best(fleet, terms) - best(fleet, Terms(0)) == pytest.approx(2000.0)
    assert best(fleet, dataclasses.replace(terms, caps=False)) == pytest.approx(best(fleet, Terms(0)))


def test_both_routes_and_the_dual_give_one_value_whatever_the_order() -> None:
    program, _ = power_program(cooled(), Terms(2))
    value = check_routes(program)
    whole = Highs(program).solve(gap=0.0).objective
    assert value <= whole + 1e-6
    for seed in range(3):
        assert Highs(shuffled(program, seed)).solve(gap=0.0).objective == pytest.approx(whole, abs=1e-5)


def test_the_plan_makes_what_it_says_usable() -> None:
    fleet = two_panels(rated=(10, 4, 10), servers=(8, 4, 6))  # p1 carries 14 of 10
    proposal = plan_power(fleet, start=START, terms=Terms(1, caps=False))
    plan = proposal.plan
    assert plan is not None and [step.do for step in plan.steps] == ["rack.refeed@1"]
    table = proposal.solution.table("domains")
    assert table is not None
    grid = next(row for row in table.rows if row[0] == "grid")
    assert float(str(grid[4])) > float(str(grid[3]))
    moved = plan.steps[0].params
    feeds = tuple(
        moved["feeds"][0] if rack.name in moved["racks"] else rack.fed_by[0] for rack in fleet.racks
    )
    placed = [d for d in stranded_power(refed(fleet, feeds)).domains if d.name == "grid"]
    assert placed[0].usable_va / 1e3 == pytest.approx(float(str(grid[4])), abs=1e-3)


def test_every_loss_is_within_its_limit_with_the_plan_done() -> None:
    """Put the example's plan to the analysis of each loss: no unit above its rating that was not so before."""
    fleet = with_tables(example_fleet(), storage=())  # no rack holds copies: all may move
    half = {rack.name: 2500.0 for rack in fleet.racks}
    plan = plan_power(fleet, start=START, terms=Terms(1), sites=("ams1",), rack_w=half).plan
    assert plan is not None
    schedule = resolve(plan, fleet)
    after = apply(schedule.fleet, [change.change for change in schedule.timeline().changes])
    site = next(site for site in fleet.sites if site.name == "ams1")
    then, now = (site_loads(one, site, rack_loads(one, half)) for one in (fleet, after))
    assert (now.load_va <= np.maximum(now.limit_va[:, None], then.load_va) * (1 + 1e-6)).all()


def test_racks_with_stored_copies_keep_their_fate_upstream() -> None:
    problem = power_problem(example_fleet(), sites=("ams1",))
    units = {unit.name: unit.fed_by for unit in example_fleet().power_units}
    kept = [(o, problem.classes[r]) for o, r in enumerate(problem.option_class) if problem.classes[r].holds]
    assert kept
    for option, one in kept:
        ends = zip(
            problem.feeds[one.home].units, problem.feeds[problem.option_feed[option]].units, strict=True
        )
        assert all(set(units[old]) == set(units[new]) for old, new in ends)


def test_nothing_to_gain_is_no_plan() -> None:
    fleet = two_panels(rated=(10, 10, 10), servers=(2, 2))
    proposal = plan_power(fleet, start=START, terms=Terms(3, caps=False))
    assert proposal.document is None
    assert "doing nothing" in proposal.solution.notes[0]


def test_what_cannot_be_planned_is_refused_with_all_reasons() -> None:
    with pytest.raises(UsageError, match=r"no level 'pannel' \(.*panel.*no site 'ams9'"):
        power_problem(example_fleet(), level="pannel", sites=("ams9",))
