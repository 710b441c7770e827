"""Swaps in the program of stranded power: against trying all of them, and what may swap at all."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers.formulations.power import Terms, power_program
from solvers.highs import Highs
from solvers.power_problem import power_problem
from tests.solvers.oracles import by_enumeration, check_routes, shuffled
from tests.solvers.swap_toys import (
    FREE,
    OTHERS,
    POWER,
    RATED,
    ROOM,
    SERVER_W,
    TIGHT,
    Toy,
    best_usable_kva,
    draws,
    hot_and_cold,
)
from tests.solvers.toys import fleet_of
from twin.actions.fold import with_tables
from twin.model.errors import UsageError
from twin.model.fleet import Fleet


def best(fleet: Fleet, terms: Terms) -> float:
    problem = power_problem(fleet, rack_w=draws(fleet), server_w=SERVER_W)
    answer = Highs(power_program(problem, terms)[0]).solve(gap=0.0)
    assert answer.status == "optimal"
    return -answer.objective / 1e3


@settings(max_examples=100)
@given(
    racks=st.tuples(ROOM, POWER, st.lists(OTHERS, max_size=2)).map(lambda drawn: (*drawn[:2], *drawn[2])),
    margin=st.tuples(
        st.sampled_from([-0.5, 0.0, 0.5]), st.sampled_from([0.0, 0.5, 1.0, 2.0]), st.sampled_from([0.0, 1.0])
    ),
    changes=st.integers(0, 4),
    refeeds=st.booleans(),
)
def test_swaps_and_re_feeds_are_the_best_of_all(
    racks: tuple[Toy, ...], margin: tuple[float, float, float], changes: int, refeeds: bool
) -> None:
    load = [sum(rack.hot + rack.cold / 2 for rack in racks if rack.panel == p) for p in range(3)]
    rated = (
        max(1.0, load[0] + margin[0]),
        max(1.0, load[1] + margin[1]),
        max(1.0, load[2] + margin[2]),
    )
    found = best(hot_and_cold(racks, rated=rated), Terms(changes, refeeds=refeeds, **FREE))
    assert found == pytest.approx(best_usable_kva(racks, rated, changes, refeeds=refeeds), abs=1e-6)


def test_a_swap_frees_more_than_caps_and_re_feeds() -> None:
    """r1 has height on a full panel; r2 has none, and beside r2 the panel of r2 could not carry r1. By hand, in kVA:

    nothing 0; feeds exchanged: 9 - 8 beside r1; owners exchanged: p1 carries 4 of 8, p2 8 of 9 without height.
    """
    fleet = hot_and_cold(TIGHT, rated=RATED)
    assert best(fleet, Terms(0, **FREE)) == pytest.approx(0.0)
    assert best(fleet, Terms(2, swaps=False, **FREE)) == pytest.approx(1.0)
    assert best(fleet, Terms(2, refeeds=False, **FREE)) == pytest.approx(4.0)
    # At the prices that are set, sixteen servers that change hands cost 16 VA, two racks that are fed otherwise 20 VA.
    assert best(fleet, Terms(2, caps=False)) == pytest.approx(4.0 - 0.016)
    assert best(fleet, Terms(1, **FREE)) == pytest.approx(0.0)  # a swap touches two racks
    # What a cap of r1 gives at nameplate is less than the swap, too.
    at_nameplate, _ = power_program(power_problem(fleet), Terms(2, depth=0.1, **{**FREE, "caps": True}))
    assert Highs(at_nameplate).solve(gap=0.0).objective >= -1600.0 - 1e-6


@settings(max_examples=10)
@given(data=st.data(), changes=st.integers(2, 4))
def test_branch_and_bound_is_enumeration(data: st.DataObject, changes: int) -> None:
    racks = (data.draw(ROOM), dataclasses.replace(data.draw(POWER), hot=0))
    fleet = hot_and_cold(racks, rated=(racks[0].hot + 0.5, 4.5, 1.0))
    problem = power_problem(fleet, rack_w=draws(fleet), server_w=SERVER_W)
    program, v = power_program(problem, Terms(changes, refeeds=False, caps=False))
    assert len(v.swapped) <= 1 and program.integer.sum() <= 9
    assert Highs(program).solve(gap=0.0).objective == pytest.approx(by_enumeration(program), abs=1e-4)


def test_both_routes_give_one_value_whatever_the_order() -> None:
    racks = (*TIGHT, Toy(2, 0, 0, "b"), Toy(0, 3, 1, "b"), Toy(1, 2, 2, "b"))
    fleet = hot_and_cold(racks, rated=(11.0, 11.0, 4.0))
    program, v = power_program(power_problem(fleet, rack_w=draws(fleet), server_w=SERVER_W), Terms(4))
    assert len(v.swapped) > 4
    check_routes(program)
    whole = Highs(program).solve(gap=0.0).objective
    for seed in range(3):
        assert Highs(shuffled(program, seed)).solve(gap=0.0).objective == pytest.approx(whole, abs=1e-5)
    for order in ((4, 3, 2, 1, 0), (2, 0, 4, 1, 3)):  # racks under other names, in another order
        again = hot_and_cold([racks[i] for i in order], rated=(11.0, 11.0, 4.0))
        assert best(again, Terms(4)) * 1e3 == pytest.approx(-whole, abs=1e-5)


def test_what_reservations_survive_is_kept() -> None:
    """With p1 hot loses four servers today, with p2 two; after the swap that pays it would lose six with p2."""
    racks = (Toy(4, 0, 0, free_u=6), Toy(0, 4, 1, free_u=0), Toy(2, 0, 1, free_u=0))
    fleet = hot_and_cold(racks, rated=(4.0, 7.0, 1.0))
    assert best(fleet, Terms(2, refeeds=False, **FREE)) > best(fleet, Terms(0, **FREE)) + 0.5
    hot = fleet.reservations[0].model_copy(update={"survives": ("panel",)})
    keeping = with_tables(fleet, reservations=(hot, fleet.reservations[1]))
    assert best(keeping, Terms(2, refeeds=False, **FREE)) == pytest.approx(best(fleet, Terms(0, **FREE)))


def test_what_is_kept_is_kept_at_each_site() -> None:
    """A large rack of hot's in a large row of another site does not make it right to lose more at this one."""
    fleet = hot_and_cold((Toy(4, 0, 0), Toy(2, 3, 1), Toy(2, 0, 2)), rated=(9.0, 9.0, 9.0))
    more = fleet_of(
        regions=[{"name": "R"}],
        sites=[{"name": "t", "region": "R"}],
        power_units=[{"name": "u", "site": "t", "kind": "utility", "rated": "1 MVA"}],
        racks=[{"name": "far", "site": "t", "row": "t", "fed_by": ["u"], "switches": []}],
        server_types=[{"name": "box", "cores": 1, "idle": "500 W", "max": "1 kW", "power_factor": 1.0}],
        reservations=[{"name": "hot"}],
        server_groups=[{"name": "g", "rack": "far", "type": "box", "owner": "hot", "count": 40}],
    )
    tables = ("sites", "power_units", "racks", "server_groups")
    both = with_tables(fleet, **{name: (*fleet.rows(name), *more.rows(name)) for name in tables})
    drawn, server_w = {**draws(fleet), "far": 4e4}, {**SERVER_W, ("t", "hot", "box"): 1e3}
    swaps = power_problem(both, rack_w=drawn, server_w=server_w).swaps
    assert [swap.classes for swap in swaps.each] == [(1, 2)]


def test_racks_that_hold_copies_or_are_dark_are_no_candidates() -> None:
    fleet = hot_and_cold(TIGHT, rated=RATED)
    assert len(power_problem(fleet, rack_w=draws(fleet), server_w=SERVER_W).swaps.each) == 1
    stored = fleet_of(storage=[{"name": "ledger", "racks": ["r1"], "quorum": 1}]).storage
    holding = with_tables(fleet, storage=stored)
    assert not power_problem(holding, rack_w=draws(fleet), server_w=SERVER_W).swaps.each
    dark = {**draws(fleet), "r2": 0.0}
    assert not power_problem(fleet, rack_w=dark, server_w=SERVER_W).swaps.each
    alike = {key: 700.0 for key in SERVER_W}
    assert not power_problem(fleet, rack_w=dict.fromkeys(dark, 5600.0), server_w=alike).swaps.each


def test_a_rack_takes_no_load_above_its_budget_and_one_above_it_gives_no_more_than_that() -> None:
    over = (Toy(8, 0, 0, budget=5.0), Toy(0, 8, 1, budget=7.0))
    fleet = hot_and_cold(over, rated=(20.0, 20.0, 1.0))
    assert not power_problem(fleet, rack_w=draws(fleet), server_w=SERVER_W).swaps.each
    fleet = hot_and_cold((over[0], Toy(0, 8, 1, budget=8.0)), rated=(20.0, 20.0, 1.0))
    swaps = power_problem(fleet, rack_w=draws(fleet), server_w=SERVER_W).swaps
    assert swaps.more_w.tolist() == [[-4000.0, 4000.0]]
    # 8 kW of 5 become 4 of 5; 4 of 8 become 8 of 8.
    assert swaps.more_budget_w.tolist() == [[1000.0, -4000.0]]
    fleet = hot_and_cold((Toy(8, 0, 0, budget=3.0), Toy(0, 8, 1)), rated=(20.0, 20.0, 1.0))
    swaps = power_problem(fleet, rack_w=draws(fleet), server_w=SERVER_W).swaps
    # 8 kW of 3 become 4 of 3: still nothing left.
    assert swaps.more_budget_w.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize(("has", "may"), [(0, True), (1, True), (2, False)])
def test_no_rack_becomes_the_fullest_of_an_owner(has: int, may: bool) -> None:
    """r1 has four servers of hot's; r2 would get three to what it has."""
    fleet = hot_and_cold((Toy(4, 0, 0), Toy(has, 3, 1), Toy(2, 0, 2)), rated=(9.0, 9.0, 9.0))
    swaps = power_problem(fleet, rack_w=draws(fleet), server_w=SERVER_W).swaps
    assert any(swap.classes == (0, 1) for swap in swaps.each) == may


def test_swaps_need_what_racks_draw() -> None:
    with pytest.raises(UsageError, match="needs what racks draw"):
        power_problem(hot_and_cold(TIGHT, rated=RATED), server_w=SERVER_W)


def test_an_optimum_that_highs_disowns_is_found_again() -> None:
    """Presolved and scaled, the optimum of this program is off by the tolerance of HiGHS to the last digit: a solve error."""
    racks = (
        Toy(2, 0, 1, free_u=6, budget=3.0),
        Toy(0, 3, 2, free_u=6),
        Toy(0, 5, 2, "b", free_u=6, budget=4.5),
    )
    fleet = hot_and_cold(racks, rated=(6.0, 4.0, 2.0))
    program, _ = power_program(power_problem(fleet, rack_w=draws(fleet), server_w=SERVER_W), Terms(2, **FREE))
    assert Highs(program).solve(gap=0.0).objective == pytest.approx(by_enumeration(program), abs=1e-4)
