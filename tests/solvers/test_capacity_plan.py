"""Plans of capacity: folded into the fleet they give the counts, waves are lawful, static checks find nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers.capacity import Form, Planned, plan_capacity
from solvers.capacity_fleet import FleetProblem, Wishes, capacity_problem
from solvers.capacity_plan import Move, moves_of, replicas_of, waves_of
from solvers.capacity_solve import Effort
from solvers.problem import Ints
from tests.solvers.capacity_fleets import small
from tests.solvers.test_capacity_power import some_counts
from tests.solvers.toys import two_regions
from twin.actions.fold import apply
from twin.actions.schedule import resolve
from twin.gates.static import static_checks
from twin.model.demand import with_demand
from twin.model.errors import UsageError
from twin.model.fleet import Fleet

QUICK = Effort(time_limit_s=5.0, gap=0.05)


def counts_in(fleet: Fleet, given_: FleetProblem) -> Ints:
    """Return what the pairs have in a fleet; servers that no pair stands for would be lost."""
    problem = given_.problem
    has: Counter[tuple[str, str, str]] = Counter()
    for row in fleet.server_groups:
        has[row.rack, row.type, row.owner] += row.count
    found = np.zeros(problem.pairs, np.int64)
    for p in range(problem.pairs):
        c = problem.pair_cell[p]
        kind, owner = (
            problem.type_names[problem.cell_type[c]],
            problem.reservation_names[problem.pair_reservation[p]],
        )
        found[p] = sum(has.pop((rack, kind, owner), 0) for rack in given_.racks[c])
    assert not +has
    return found


def after(planned: Planned, fleet: Fleet) -> Fleet:
    plan = planned.proposal.plan
    assert plan is not None
    schedule = resolve(plan, fleet)
    return apply(schedule.fleet, [change.change for change in schedule.timeline().changes])


@settings(max_examples=8)
@given(
    st.integers(0, 10**6),
    st.floats(600.0, 3000.0),
    st.integers(1, 60),
    st.sampled_from([(), ("row",), ("panel", "site")]),
)
def test_plans_pass_the_static_checks_and_do_what_was_solved(
    seed: int, rate: float, wave: int, survive: tuple[str, ...]
) -> None:
    fleet = small(seed=seed, rate=rate)
    planned = plan_capacity(fleet, Wishes(survive=survive), QUICK, Form(wave=wave))
    plan = planned.proposal.plan
    if plan is None:
        assert np.array_equal(planned.solved.counts, planned.given.problem.now)
        return
    assert [finding.message for finding in static_checks(plan, fleet)] == []
    new = after(planned, fleet)
    assert np.array_equal(counts_in(new, planned.given), planned.solved.counts)
    assert sum(row.count for row in new.server_groups) == sum(row.count for row in fleet.server_groups)
    # Services have replicas for what they need at every site where they stand.
    needs = planned.given.needs
    for row in new.deployments:
        k, s = needs.services.index(row.service), needs.sites.index(row.site)
        one = next(service for service in fleet.services if service.name == row.service)
        assert row.replicas * 1.0051 >= needs.of_service[k, s] / one.replica_rru


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 40))
def test_moves_make_any_counts_and_waves_are_lawful(seed: int, most: int) -> None:
    given_ = capacity_problem(small(seed=seed % 7))
    counts = some_counts(given_, seed)
    moves = moves_of(given_, counts)
    change = counts - given_.problem.now
    gained = np.bincount(given_.problem.pair_reservation, change, given_.problem.reservations)
    net = {name: 0 for name in given_.problem.reservation_names}
    for move in moves:
        assert move.count > 0 and move.source != move.target and len(set(move.racks)) == len(move.racks)
        if move.source in net:
            net[move.source] -= move.count
        net[move.target] += move.count
    assert sum(net.values()) == 0 or gained.sum() != 0
    waves = waves_of(moves, frozenset({"spare"}), most)
    parts = [part for wave in waves for part in wave]
    for wave in waves:
        racks = [rack for part in wave for rack in part.racks]
        assert len(set(racks)) == len(racks) and sum(part.count for part in wave) <= most
    total: Counter[tuple[object, ...]] = Counter()
    for part in parts:
        total[part.racks, part.type, part.source, part.target] += part.count
    for move in moves:
        total[move.racks, move.type, move.source, move.target] -= move.count
    assert set(total.values()) <= {0}
    # Who has no demand goes first: with these moves alone their waves would be the same.
    free = [[part for part in wave if part.source == "spare"] for wave in waves]
    alone = waves_of([move for move in moves if move.source == "spare"], frozenset({"spare"}), most)
    assert [wave for wave in free if wave] == alone


def test_the_free_owner_gives_first_and_whole_cells_are_joined() -> None:
    given_ = capacity_problem(small())
    problem = given_.problem
    counts = problem.now.copy()
    web, spare = (
        {int(c): p for p, c in enumerate(problem.pair_cell) if problem.pair_reservation[p] == r and problem.cell_type[c] == 0}
        for r in (0, 2)
    )  # fmt: skip
    both = [c for c in web if c in spare and problem.now[spare[c]] > 0]
    expected = 0
    for c in both:
        counts[web[c]] += problem.now[spare[c]]
        counts[spare[c]] = 0
        expected += int(problem.now[spare[c]])
    moves = moves_of(given_, counts)
    assert [(move.type, move.source, move.target, move.count) for move in moves] == [
        ("box", "spare", "web", expected)
    ]
    assert moves[0].racks == tuple(rack for c in both for rack in given_.racks[c])
    first = both[0]
    other = next(p for p in np.flatnonzero(problem.pair_cell == first) if problem.pair_reservation[p] == 1)
    mixed = problem.now.copy()
    mixed[web[first]] += problem.now[spare[first]] + problem.now[other]
    mixed[spare[first]] = mixed[other] = 0
    assert {move.source for move in moves_of(given_, mixed)} == {"spare", "ml"} - (
        {"ml"} if not problem.now[other] else set()
    )


def test_a_large_move_is_parts_in_waves_one_after_the_other() -> None:
    moves = [Move(("a", "b"), "box", "web", "ml", 7), Move(("c",), "box", "spare", "ml", 3)]
    waves = waves_of(moves, frozenset({"spare"}), 5)
    assert [[(part.source, part.count) for part in wave] for wave in waves] == [
        [("spare", 3), ("web", 2)],
        [("web", 5)],
    ]
    assert waves_of([], frozenset(), 5) == []


def test_steps_wait_for_the_wave_before_and_replicas_come_last() -> None:
    fleet = with_demand(small(), 2.0)
    planned = plan_capacity(fleet, None, QUICK, Form(name="more", wave=4))
    plan = planned.proposal.plan
    assert plan is not None and plan.name == "more"
    moves = [step for step in plan.steps if step.do == "capacity.move@1"]
    scales = [step for step in plan.steps if step.do == "service.scale@1"]
    assert len(planned.waves) > 1 and scales and plan.steps[-1] == scales[-1]
    of_wave = [
        {step.id for step in moves if step.id.startswith(f"wave-{w}-")}
        for w in range(1, len(planned.waves) + 1)
    ]
    for step in moves:
        number = int(step.id.split("-")[1])
        assert set(step.after) == (of_wave[number - 2] if number > 1 else set())
    assert all(set(step.after) == of_wave[-1] for step in scales)
    assert planned.proposal.solution.plan == "more"


def test_replicas_rise_to_what_the_neediest_site_needs() -> None:
    fleet = two_regions(rates=(9000.0, 9000.0))  # 6000 /s at each site: 60 % of ten replicas is not enough
    given_ = capacity_problem(fleet)
    target = fleet.services[0].target_utilisation
    more = 6000.0 * 0.01 / 10 / target / 10 - 1.0
    assert more < 0 and replicas_of(fleet, given_, given_.problem.now) == []
    fleet = two_regions(rates=(18000.0, 18000.0))
    more = 12000.0 * 0.01 / 10 / target / 10 - 1.0
    [scale] = replicas_of(fleet, capacity_problem(fleet), given_.problem.now)
    assert scale["service"] == "web" and 100 * more <= float(scale["replicas"][1:-2]) <= 100 * more + 0.1


def test_a_fleet_that_has_what_it_needs_gets_no_plan() -> None:
    fleet = two_regions(rates=(40.0, 20.0))
    planned = plan_capacity(fleet, None, QUICK)
    assert planned.waves == () and planned.proposal.document is None and planned.proposal.plan is None
    assert planned.solved.status == "optimal" and planned.solved.value.short.sum() == 0.0


def test_a_wave_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="moves nothing"):
        plan_capacity(small(), None, QUICK, replace(Form(), wave=0))
