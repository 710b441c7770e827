"""The example fleet with a fifth more demand: every loss of a rack and of a power unit is tried on the plan, one by one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scenarios.fleets.example import example_fleet
from solvers.capacity import Planned, plan_capacity
from solvers.capacity_fleet import Wishes
from solvers.capacity_solve import Effort
from tests.solvers.rollup import RollUp, rack_draw
from tests.solvers.test_capacity_plan import after
from tests.solvers.test_capacity_power import busy_of, limit_of
from twin.gates.static import static_checks
from twin.model.demand import with_demand
from twin.model.fleet import Fleet

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def planned() -> tuple[Fleet, Planned, Fleet]:
    """Return the fleet with its demand, the plan that survives racks and panels, and the fleet after it."""
    fleet = with_demand(example_fleet(), 1.2)
    made = plan_capacity(fleet, Wishes(survive=("rack",)), Effort(time_limit_s=60.0, gap=0.01))
    assert made.proposal.plan is not None and made.waves
    assert [finding.message for finding in static_checks(made.proposal.plan, fleet)] == []
    return fleet, made, after(made, fleet)


def states(fleet: Fleet, busy: dict[str, float]) -> Iterator[tuple[str, str, RollUp]]:
    """Yield every site with every unit lost, and with none."""
    draw = rack_draw(fleet, busy)
    for site in fleet.sites:
        for lost in ["", *(unit.name for unit in fleet.power_units if unit.site == site.name)]:
            yield site.name, lost, RollUp(fleet, site.name, draw, [lost] if lost else [])


def test_demand_is_kept_after_every_loss_that_is_survived(planned: tuple[Fleet, Planned, Fleet]) -> None:
    fleet, made, new = planned
    kinds = {kind.name: kind for kind in fleet.server_types}
    owners = {row.name: row for row in fleet.reservations}
    unit_kind = {unit.name: unit.kind for unit in fleet.power_units}
    has = dict.fromkeys(owners, 0.0)
    inside: dict[str, dict[str, float]] = {}
    for group in new.server_groups:
        rru = group.count * owners[group.owner].worth(kinds[group.type])
        has[group.owner] += rru
        there = inside.setdefault(group.rack, dict.fromkeys(owners, 0.0))
        there[group.owner] += rru
    short = {row.who: row.amount for row in made.proposal.solution.shortfalls}
    losses = [("rack", (rack.name,)) for rack in fleet.racks]
    losses += [(unit_kind[lost], tuple(up.dark)) for _, lost, up in states(new, busy_of(made.given)) if lost]
    checked = 0
    for kind, dark in losses:
        for r, (name, owner) in enumerate(owners.items()):
            need = made.given.needs.demand[r]
            if need > 0 and (kind == "rack" or kind in owner.survives):
                left = has[name] - sum(inside.get(rack, {}).get(name, 0.0) for rack in dark)
                assert left >= need - short.get(name, 0.0) - 1e-6, (name, kind, dark)
                checked += 1
    assert checked >= len(fleet.racks)


def test_ratings_hold_after_every_loss_or_are_no_worse_than_today(
    planned: tuple[Fleet, Planned, Fleet],
) -> None:
    fleet, made, new = planned
    busy = busy_of(made.given)
    dark = {site: set(up.dark) for site, lost, up in states(new, busy) if not lost}
    for (site, lost, now), (_, _, then) in zip(states(fleet, busy), states(new, busy), strict=True):
        state = "" if not lost else "while" if set(then.dark) == dark[site] else "after"
        for unit, va in then.va.items():
            limit = max(limit_of(fleet, unit, state), now.va[unit])
            assert va <= limit * (1 + 1e-6) + 1e-3, (unit, state, lost)
        if fleet.cooling_plants:
            assert then.room_w >= min(0.0, now.room_w) - 1.0, (site, lost)


def test_it_is_better_than_doing_nothing_and_says_how_good(planned: tuple[Fleet, Planned, Fleet]) -> None:
    solution = planned[1].proposal.solution
    nothing, plan = solution.alternatives
    assert nothing.objective is not None and plan.objective is not None and plan.objective < nothing.objective
    assert (
        solution.status in ("optimal", "feasible")
        and 0 <= solution.gap < 0.25
        and solution.bound <= plan.objective
    )
