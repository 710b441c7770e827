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
from solvers.capacity_plan import Transfer, replicas_of, transfers_of, waves_of
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


def owned_counts(given_: FleetProblem, seed: int) -> Ints:
    """Return some counts in which every server has an owner."""
    counts = some_counts(given_, seed)
    nobody = given_.problem.servers - (given_.problem.by_cell @ counts).astype(np.int64)
    first = np.searchsorted(given_.problem.pair_cell, np.arange(given_.problem.cells))
    counts[first] += nobody
    return counts


def kept(given_: FleetProblem, counts: Ints) -> list[list[float]]:
    """Return what each reservation has, and what is left without each domain that it survives, domain by domain."""
    problem, found = given_.problem, []
    load = problem.value * counts
    for r in range(problem.reservations):
        mine = problem.pair_reservation == r
        left = [float(load[mine].sum())]
        for f, family in enumerate(problem.families):
            at = family.of_cell[problem.pair_cell]
            lost = [float(load[mine & (at == g)].sum()) for g in range(len(family.domains))]
            left.append(left[0] - max(lost, default=0.0) if problem.survives[r, f] else np.inf)
        found.append(left)
    return found


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 40), st.sampled_from([300.0, 700.0, 900.0]))
def test_waves_make_any_counts_and_take_from_nobody_what_it_needs(seed: int, most: int, rate: float) -> None:
    given_ = capacity_problem(small(seed=seed % 7, rate=rate))
    problem, goal = given_.problem, owned_counts(given_, seed)
    now = problem.now.copy()
    pair_of = {
        (int(c), int(r)): p
        for p, (c, r) in enumerate(zip(problem.pair_cell, problem.pair_reservation, strict=True))
    }
    cell_of = {
        (rack, problem.type_names[problem.cell_type[c]]): c
        for c, racks in enumerate(given_.racks)
        for rack in racks
    }
    names = problem.reservation_names
    least = np.minimum(problem.demand[:, None], kept(given_, now))
    for wave in waves_of(given_, transfers_of(problem, goal), most):
        racks = [rack for part in wave for rack in part.racks]
        assert len(set(racks)) == len(racks) and sum(part.count for part in wave) <= most
        between, after_ = now.copy(), now.copy()
        for part in wave:
            cells = {cell_of[rack, part.type] for rack in part.racks}
            assert {rack for c in cells for rack in given_.racks[c]} == set(part.racks)
            sources = {c: pair_of[c, names.index(part.source)] for c in cells}
            gone = (
                {c: int(now[p]) for c, p in sources.items()} if len(cells) > 1 else {min(cells): part.count}
            )
            assert sum(gone.values()) == part.count > 0
            for c, count in gone.items():
                between[sources[c]] -= count
                after_[sources[c]] -= count
                after_[pair_of[c, names.index(part.target)]] += count
        assert (between >= 0).all()
        assert len(wave) == 1 or (np.array(kept(given_, between)) >= least - 1e-6).all()
        now = after_
    assert np.array_equal(now, goal)


def test_the_free_owner_gives_first_and_whole_cells_are_joined() -> None:
    given_ = capacity_problem(small())
    problem, names = given_.problem, given_.problem.reservation_names
    boxes = np.flatnonzero(problem.cell_type == 0)
    pair = {
        (int(c), names[r]): p
        for p, (c, r) in enumerate(zip(problem.pair_cell, problem.pair_reservation, strict=True))
    }
    counts = problem.now.copy()
    for c in boxes:
        counts[pair[c, "web"]] += problem.now[pair[c, "spare"]]
        counts[pair[c, "spare"]] = 0
    [[move]] = waves_of(given_, transfers_of(problem, counts), 1000)
    total = int(problem.now[[pair[c, "spare"] for c in boxes]].sum())
    assert (move.type, move.source, move.target, move.count) == ("box", "spare", "web", total)
    c = next(c for c in boxes if problem.now[pair[c, "spare"]] > 0 and problem.now[pair[c, "ml"]] > 0)
    mixed = problem.now.copy()
    mixed[[pair[c, "spare"], pair[c, "ml"]]] = 0
    mixed[pair[c, "web"]] = problem.servers[c]
    assert [names[problem.pair_reservation[one.source]] for one in transfers_of(problem, mixed)] == [
        "spare",
        "ml",
    ]
    # A larger transfer from an owner with demand waits for a smaller one from an owner without.
    other = next(d for d in boxes if d != c and problem.now[pair[d, "web"]] > 1)
    both = [
        Transfer(int(other), pair[other, "web"], pair[other, "ml"], int(problem.now[pair[other, "web"]])),
        Transfer(int(c), pair[c, "spare"], pair[c, "ml"], 1),
    ]
    assert [part.source for wave in waves_of(given_, both, 1) for part in wave][:2] == ["spare", "web"]
    assert transfers_of(problem, problem.now) == [] and waves_of(given_, [], 5) == []


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
