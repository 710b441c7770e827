"""The rows of power and heat against a plain roll-up of every unit in every state, with other owners than today's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from solvers.capacity_fleet import FleetProblem, Wishes, capacity_problem
from solvers.problem import Budget, Ints
from solvers.requirements import with_less
from tests.solvers.capacity_fleets import small
from tests.solvers.rollup import RollUp, rack_draw, server_w, with_counts
from twin.model.fleet import Fleet
from twin.records.requirement import Requirement


def busy_of(given_: FleetProblem) -> dict[str, float]:
    """Return how busy the servers of each owner are: by its services, wholly without any, idle without demand."""
    needs = given_.needs
    found = {}
    for name, need, busy in zip(
        needs.reservations, needs.need.sum(axis=1), needs.busy.sum(axis=1), strict=True
    ):
        found[name] = 0.0 if need == 0 else min(busy / need, 1.0) or 1.0
    return found


def drawn(fleet: Fleet, given_: FleetProblem, counts: Ints) -> Mapping[str, tuple[float, float]]:
    """Return what racks draw with these counts; servers of a cell stand in its first rack, where no rule tells them apart."""
    problem, placed = given_.problem, {}
    idle = problem.servers - (problem.by_cell @ counts).astype(int)
    for p, count in enumerate(counts):
        c = int(problem.pair_cell[p])
        owner = problem.reservation_names[problem.pair_reservation[p]]
        placed[given_.racks[c][0], problem.type_names[problem.cell_type[c]], owner] = int(count)
    nobody = "nobody"
    for c, count in enumerate(idle):
        placed[given_.racks[c][0], problem.type_names[problem.cell_type[c]], nobody] = int(count)
    return rack_draw(with_counts(fleet, placed), busy_of(given_) | {nobody: 0.0})


def some_counts(given_: FleetProblem, seed: int) -> Ints:
    rng = np.random.default_rng(seed)
    left = given_.problem.servers.copy()
    counts = np.zeros(given_.problem.pairs, np.int64)
    for p in rng.permutation(given_.problem.pairs):
        c = given_.problem.pair_cell[p]
        counts[p] = rng.integers(0, left[c] + 1)
        left[c] -= counts[p]
    return counts


def budget(given_: FleetProblem, name: str) -> Budget:
    return next(row for row in given_.problem.budgets if row.name == name)


def limit_of(fleet: Fleet, unit: str, state: str) -> float:
    row = next(row for row in fleet.power_units if row.name == unit)
    return row.emergency_va or row.rated_va if state.startswith("after") else row.rated_va * row.continuous


def parsed(row: str) -> tuple[str, str, tuple[str, ...]]:
    """Return the thing, the state, and what is lost, of the name of a row."""
    for word in (" while ", " after the loss of "):
        if word in row:
            thing, _, rest = row.partition(word)
            return thing, word.strip(), (rest.removesuffix(" is maintained"),)
    return row, "", ()


@pytest.mark.parametrize("seed", range(4))
def test_every_row_is_the_roll_up_of_its_unit_in_its_state(seed: int) -> None:
    fleet = small(seed=seed)
    given_ = capacity_problem(fleet)
    counts = some_counts(given_, seed + 10)
    draw, power = dict(drawn(fleet, given_, counts)), budget(given_, "power")
    used = given_.problem.used(power, counts)
    assert len(power.rows) > 40
    for row, carried, room in zip(power.rows, used, power.limit, strict=True):
        unit, state, lost = parsed(row)
        naive = RollUp(fleet, unit[:2], draw, lost)
        assert limit_of(fleet, unit, state) - room + carried == pytest.approx(naive.va[unit], rel=1e-9), row
        assert state == "" or (state == "while") == (not naive.dark), row
    heat = budget(given_, "heat")
    for row, carried, room in zip(heat.rows, given_.problem.used(heat, counts), heat.limit, strict=True):
        thing, _, lost = parsed(row)
        naive = RollUp(fleet, thing.removeprefix("cooling of "), draw, lost)
        assert room - carried == pytest.approx(naive.room_w, abs=1e-5), row


@pytest.mark.parametrize("seed", range(3))
def test_no_unit_in_any_state_is_worse_than_the_rows_say(seed: int) -> None:
    """Rows that say the same are kept once: what was left out must follow from what was kept."""
    fleet = small(seed=seed)
    given_ = capacity_problem(fleet)
    counts = some_counts(given_, seed + 10)
    draw, power, heat = dict(drawn(fleet, given_, counts)), budget(given_, "power"), budget(given_, "heat")
    over: dict[str, float] = {}
    for rows in (power, heat):
        for row, above in zip(rows.rows, given_.problem.used(rows, counts) - rows.limit, strict=True):
            over[parsed(row)[0]] = max(over.get(parsed(row)[0], -np.inf), above)
    for site in ("s1", "s2"):
        names = [unit.name for unit in fleet.power_units if unit.site == site]
        whole = RollUp(fleet, site, draw)
        for lost in [(), *((name,) for name in names)]:
            naive = RollUp(fleet, site, draw, lost)
            state = "" if not lost else "while" if naive.dark == whole.dark else "after"
            for unit, va in naive.va.items():
                assert va - limit_of(fleet, unit, state) <= over[unit] + 1e-6, (unit, lost)
            # Where nothing draws there is no heat that a move could change.
            assert len(naive.dark) == 10 or -naive.room_w <= over[f"cooling of {site}"] + 1e-6


def test_a_busier_server_draws_more_by_hand() -> None:
    box, gpu = small().server_types
    assert server_w(box, 0.25) == pytest.approx(100 + 200 * (0.5 - 0.125))
    assert server_w(gpu, 0.25) == pytest.approx(200 + 250 * 1.1) and server_w(gpu, 0.75) == pytest.approx(
        200 + 650 * 1.1
    )
    given_ = capacity_problem(small())
    power, busy = budget(given_, "power"), busy_of(given_)
    owner = np.array(given_.problem.reservation_names)[given_.problem.pair_reservation]
    kind = given_.problem.cell_type[given_.problem.pair_cell]
    for p in range(given_.problem.pairs):
        row = (box, gpu)[kind[p]]
        assert power.weight[p] == pytest.approx(server_w(row, busy[owner[p]]) - server_w(row, 0.0))
    assert busy["ml"] == 1.0 and busy["spare"] == 0.0 and 0.5 < busy["web"] < 0.6


def test_overcommit_makes_servers_busier_up_to_all_they_have() -> None:
    plain, over = (capacity_problem(small(), Wishes(overcommit=o)) for o in ({}, {"web": 1.25, "ml": 1.25}))
    owner = plain.problem.pair_reservation
    assert over.problem.demand == pytest.approx(plain.problem.demand / [1.25, 1.25, 1.0])
    one, two = budget(plain, "power").weight, budget(over, "power").weight
    assert (two[owner == 0] > one[owner == 0]).all()
    assert two[owner == 1] == pytest.approx(one[owner == 1])


def test_less_on_a_unit_lowers_its_rows_and_no_others() -> None:
    power = budget(capacity_problem(small()), "power")
    required = (
        Requirement(kind="power", who="s1-pa", amount=0.1),
        Requirement(kind="heat", who="s1", amount=0.5),
    )
    less = with_less(power, required)
    mine = np.array([parsed(row)[0] == "s1-pa" for row in power.rows])
    assert mine.sum() > 1
    assert less.limit[mine] == pytest.approx(power.limit[mine] - 0.1 * np.abs(power.limit[mine]))
    assert (less.limit[~mine] == power.limit[~mine]).all()
    heat = budget(capacity_problem(small(), Wishes(require=required)), "heat")
    before = budget(capacity_problem(small()), "heat")
    assert np.isclose(heat.limit / before.limit, 0.5).sum() == sum("of s1" in row for row in before.rows)


def test_a_site_without_chillers_or_servers_has_no_heat_to_limit() -> None:
    fleet = small()
    bare = fleet.model_copy(update={"cooling_plants": ()})
    assert [row.name for row in capacity_problem(bare).problem.budgets] == ["power", "spare servers"]
    one = fleet.model_copy(
        update={"server_groups": tuple(row for row in fleet.server_groups if row.rack.startswith("s1"))}
    )
    rows = budget(capacity_problem(one), "power").rows
    assert rows and not any(row.startswith("s2") for row in rows)
    assert replace(budget(capacity_problem(one), "power"), price=1.0).price == 1.0
