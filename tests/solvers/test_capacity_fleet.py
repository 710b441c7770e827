"""The problem of a fleet: cells, pairs, worth, units of demand, and wishes that name nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from solvers.capacity_fleet import FleetProblem, Wishes, capacity_problem
from solvers.capacity_solve import Effort, solve_capacity
from solvers.problem import Prices
from tests.solvers.capacity_fleets import small
from twin.model.errors import UsageError
from twin.model.fleet import Fleet


def surviving(*families: str) -> Fleet:
    fleet = small()
    owners = tuple(row.model_copy(update={"survives": families}) for row in fleet.reservations)
    return fleet.model_copy(update={"reservations": owners})


def blocks(given: FleetProblem) -> set[tuple[str, ...]]:
    return set(given.racks)


def test_racks_are_told_apart_by_feed_shares_and_domains_only() -> None:
    # Without domains: a block per site and cord (A and B alike or not, a, c, d).
    plain = blocks(capacity_problem(surviving()))
    assert plain == {tuple(f"{site}-{cord}{n}" for n in (1, 2)) for site in ("s1", "s2") for cord in "vwxyz"}
    assert blocks(capacity_problem(surviving("panel"))) == plain  # a panel takes all racks of a cord or none
    for family in ("rack", "row"):
        assert all(len(racks) == 1 for racks in blocks(capacity_problem(surviving(family))))


def test_cells_hold_all_servers_and_who_has_them() -> None:
    fleet = small()
    given = capacity_problem(fleet)
    problem = given.problem
    assert problem.servers.sum() == sum(row.count for row in fleet.server_groups)
    owned: dict[tuple[str, str, str], int] = {}
    for row in fleet.server_groups:
        owned[row.rack, row.type, row.owner] = row.count
    key = np.lexsort((problem.pair_reservation, problem.pair_cell))
    assert np.array_equal(key, np.arange(problem.pairs))
    for p in range(problem.pairs):
        c = problem.pair_cell[p]
        kind, owner = (
            problem.type_names[problem.cell_type[c]],
            problem.reservation_names[problem.pair_reservation[p]],
        )
        assert problem.now[p] == sum(owned.pop((rack, kind, owner), 0) for rack in given.racks[c])
        assert problem.cell_names[c] == f"{given.racks[c][0]}/{kind}"
    assert owned == {}


def test_worth_decides_who_may_have_what_and_counts_in_server_equivalents() -> None:
    fleet = small()
    given = capacity_problem(fleet)
    problem = given.problem
    owners = {row.name: row for row in fleet.reservations}
    kinds = {row.name: row for row in fleet.server_types}
    may = {
        (problem.reservation_names[r], problem.type_names[problem.cell_type[c]])
        for c, r in zip(problem.pair_cell, problem.pair_reservation, strict=True)
    }
    # web has boxes only and names no gpu; ml and spare have both.
    assert may == {("web", "box"), ("ml", "box"), ("ml", "gpu"), ("spare", "box"), ("spare", "gpu")}
    worth = {
        ("web", "box"): 2.0,
        ("ml", "box"): 1.0,
        ("ml", "gpu"): 8.0,
        ("spare", "box"): 2.0,
        ("spare", "gpu"): 1.0,
    }
    for p, (c, r) in enumerate(zip(problem.pair_cell, problem.pair_reservation, strict=True)):
        name = problem.reservation_names[r]
        rru = problem.value[p] * given.unit_rru[r]
        assert rru == pytest.approx(worth[name, problem.type_names[problem.cell_type[c]]])
        assert rru == pytest.approx(owners[name].worth(kinds[problem.type_names[problem.cell_type[c]]]))
    mine = problem.pair_reservation == 1
    assert given.unit_rru[1] == pytest.approx(
        np.average(problem.value[mine] * given.unit_rru[1], weights=problem.now[mine])
    )
    assert problem.demand * given.unit_rru == pytest.approx(given.needs.demand)


def test_a_worth_of_nothing_keeps_others_out_but_not_who_is_there() -> None:
    fleet = small()
    values = {"web": {"gpu": 0.0}, "ml": {"gpu": 8.0, "box": 0.0}, "spare": {"gpu": 0.0}}
    owners = tuple(row.model_copy(update={"values": values[row.name]}) for row in fleet.reservations)
    problem = capacity_problem(fleet.model_copy(update={"reservations": owners})).problem
    kind, owner = problem.cell_type[problem.pair_cell], problem.pair_reservation
    assert not ((owner == 0) & (kind == 1)).any()
    boxes = (owner == 1) & (kind == 0)
    assert boxes.any() and (problem.value[boxes] == 0.0).all()  # what ml has, it can give away


def test_what_is_survived_and_where_traffic_wants_servers() -> None:
    given = capacity_problem(small(), Wishes(survive=("row",), spread=2.0))
    problem = given.problem
    assert [family.name for family in problem.families] == ["row", "rack", "panel", "panel (2)", "site"]
    assert problem.survives.tolist() == [
        [True, True, False, False, False], [True, False, True, True, False], [False] * 5,
    ]  # fmt: skip
    assert problem.spread == pytest.approx(2.0 / 4) and problem.affinity is not None
    assert problem.affinity.share[0] == pytest.approx(given.needs.need[0] / given.needs.demand[0])
    assert np.isnan(problem.affinity.share[2]).all() and np.isinf(problem.affinity.above)
    one = capacity_problem(small(sites=1)).problem
    assert one.affinity is None


def test_spread_needs_domains() -> None:
    problem = capacity_problem(surviving(), Wishes(survive=("generator", "panel"), spread=3.0)).problem
    assert problem.families[problem.spread_family].name == "panel" and problem.spread == pytest.approx(
        3.0 / 4
    )
    none = capacity_problem(surviving(), Wishes(survive=("utility",), spread=3.0)).problem
    assert none.survives[0].any()
    assert solve_capacity(none, Effort(time_limit_s=5.0)).status in ("optimal", "feasible")


def test_spare_servers_cover_what_is_broken_at_an_instant() -> None:
    given = capacity_problem(small())
    spare = next(row for row in given.problem.budgets if row.name == "spare servers")
    fleet = small()
    gpus = sum(row.count for row in fleet.server_groups if row.type == "gpu")
    kind = fleet.server_types[1]
    assert kind.mtbf_s is not None
    p = kind.mttr_s / (kind.mttr_s + kind.mtbf_s)
    chance, broken = 0.0, -1
    while chance < 0.99:  # the binomial, term by term
        broken += 1
        chance += math.comb(gpus, broken) * p**broken * (1 - p) ** (gpus - broken)
    assert spare.rows == ("gpu",) and spare.limit.tolist() == [gpus - broken] and broken >= 1
    free = given.problem.pair_reservation == 2
    assert (spare.weight[free] == 0).all() and (spare.weight[~free] == 1).all()


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        (
            Wishes(overcommit={"wep": 1.2, "ml": 0.5}),
            ["no reservation 'wep' (did you mean 'web'", "overcommit of ml: 0.5 is not between 1 and 10"],
        ),
        (Wishes(prices=Prices(move=-1.0, shortage=float("nan"))), ["price of move is -1", "price of shortage is nan"]),
        (Wishes(survive=("pannel",)), ["'pannel' (did you mean 'panel'"]),
    ],
)  # fmt: skip
def test_wishes_that_name_nothing_are_refused_all_at_once(wishes: Wishes, said: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        capacity_problem(small(), wishes)
    assert all(part in str(caught.value) for part in said)


@pytest.mark.parametrize(
    "without",
    [
        {"server_groups": ()},
        {"services": (), "deployments": (), "demand": ()},
        {
            "power_units": (),
            "cooling_plants": (),
            "racks": (),
            "switches": (),
            "links": (),
            "server_groups": (),
        },
        {"server_types": (), "server_groups": ()},
    ],
)
def test_fleets_without_most_things_have_a_problem_and_an_answer(without: dict[str, Any]) -> None:
    given = capacity_problem(small().model_copy(update=without))
    solved = solve_capacity(given.problem, Effort(time_limit_s=5.0))
    assert solved.status == "optimal"
    if "server_groups" in without:
        assert (solved.value.short == given.problem.demand).all() and not len(solved.counts)


def test_a_fleet_without_reservations_is_refused() -> None:
    nobody = {"reservations": (), "server_groups": (), "services": (), "deployments": (), "demand": ()}
    with pytest.raises(UsageError, match="nobody to plan for"):
        capacity_problem(small().model_copy(update=nobody))
