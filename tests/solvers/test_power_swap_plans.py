"""Plans that swap: what they free is seen again in the simulator's own loads, the twin passes them, nobody keeps less."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.fleets.example import example_fleet
from solvers.formulations.power import Terms, power_program
from solvers.highs import Answer
from solvers.power_changes import changes_of, steps_of
from solvers.power_plan import plan_power
from solvers.power_problem import power_problem
from solvers.proposal import Proposal
from tests.evaluate.tiny import CALM, gate_set, suite_of
from tests.solvers.swap_toys import (
    FREE,
    OTHERS,
    POWER,
    RATED,
    ROOM,
    SERVER_W,
    TIGHT,
    Toy,
    draws,
    hot_and_cold,
)
from tests.solvers.toys import START
from twin.actions.fold import apply, with_tables
from twin.actions.schedule import resolve
from twin.cli.plan_power import drawn_by_owner
from twin.evaluate import check
from twin.gates.static import static_checks
from twin.graph.analysis_chain import rack_loads
from twin.graph.analysis_stranded import stranded_power
from twin.model.fleet import Fleet
from twin.model.plan import Plan
from twin.model.series import Series
from twin.model.servers import ServerGroup
from twin.records.solution import Cell
from twin.sim.snapshot import snapshot

RULES: list[dict[str, Any]] = [
    {
        "id": "breakers",
        "metric": "overloads",
        "estimator": "invariant",
        "pass": "none new",
        "for": "1 min",
    },
    {"id": "trips", "metric": "breaker_trips", "estimator": "invariant", "pass": "none new"},
    {"id": "errors", "metric": "error_rate", "pass": "<= 0.1 %"},
    {"id": "claims", "metric": "claims", "pass": "inside"},
]


def test_what_a_swap_frees_is_what_the_twin_sees_with_the_plan_done() -> None:
    """Play the plan's steps, let the simulator say what racks draw then, and put that to the analysis of stranded power."""
    fleet = hot_and_cold(TIGHT, rated=RATED, load=0.8)
    proposal = planned(fleet, Terms(2))
    plan, table = proposal.plan, proposal.solution.table("domains")
    assert plan is not None and table is not None
    done = after(plan, fleet)
    for domain in stranded_power(done, rack_w=racks_w(done)).domains:
        row = next((row for row in table.rows if row[0] == domain.name), None)
        if row is not None:
            assert float(str(row[4])) == pytest.approx(domain.usable_va / 1e3, abs=1e-3)
    grid = next(row for row in table.rows if row[0] == "grid")
    assert float(str(grid[4])) - float(str(grid[3])) == pytest.approx(4.0)
    assert [row[1] for row in racks_that_change(proposal)] == ["swap"]
    assert "without swaps" in [other.name for other in proposal.solution.alternatives]


def test_where_cords_stay_swaps_free_what_the_twin_sees_on_the_example() -> None:
    """The free pool's racks are full: power at their panels is of no use, and busy GPU servers may draw it."""
    fleet = example_fleet()
    heights = {kind.name: kind.height_u for kind in fleet.server_types}
    full = {
        group.rack: group.count * heights[group.type]
        for group in fleet.server_groups
        if group.owner == "pool"
    }
    racks = [rack.model_copy(update={"space_u": full.get(rack.name, rack.space_u)}) for rack in fleet.racks]
    fleet = with_tables(fleet, racks=tuple(racks))
    proposal = planned(fleet, Terms(4, refeeds=False), sites=("sgp1",))
    assert proposal.plan is not None and static_checks(proposal.plan, fleet) == []
    done = after(proposal.plan, fleet)
    then, now = (
        sum(
            domain.usable_va
            for domain in stranded_power(one, site="sgp1", rack_w=racks_w(one)).domains
            if domain.kind == "utility"
        )
        for one in (fleet, done)
    )
    assert now > then + 5e3
    table = proposal.solution.table("domains")
    assert table is not None
    grid = next(row for row in table.rows if row[1] == "utility")
    assert [float(str(value)) for value in grid[3:5]] == pytest.approx([then / 1e3, now / 1e3], abs=2e-3)


def test_a_rack_draws_what_its_switches_and_servers_draw() -> None:
    fleet = example_fleet()
    now, bare = snapshot(fleet), rack_loads(fleet.model_copy(update={"server_groups": ()}))
    found = {name: bare[name][1] for name in now.racks}
    for name, watts in zip(now.groups, now.server_w.tolist(), strict=True):
        group = fleet.things[name][1]
        found[group.rack] += group.count * watts
    assert list(found.values()) == pytest.approx(now.rack_w.tolist())


def test_the_twin_passes_the_plan() -> None:
    fleet = hot_and_cold(TIGHT, rated=RATED, load=0.8)
    plan = planned(fleet, Terms(2)).plan
    assert plan is not None
    verdict = check(plan, fleet, gates=gate_set(*RULES), suite=suite_of(CALM), as_of=START)
    assert verdict.result == "pass", str(verdict)
    # The other way round the busy owner has no server at all for an hour.
    lend, back = plan.steps
    steps = (
        back.model_copy(update={"at_s": lend.at_s, "after": ()}),
        lend.model_copy(update={"at_s": None, "after": (back.id,)}),
    )
    turned = plan.model_copy(update={"steps": steps})
    verdict = check(turned, fleet, gates=gate_set(*RULES), suite=suite_of(CALM), as_of=START)
    assert verdict["errors"].result == "fail"


def test_the_twin_looks_at_a_whole_day_of_a_swap() -> None:
    """At the plan's hour hot's servers fit the panel of r2; later in the day they do not, and no limit of the solver knows."""
    fleet = hot_and_cold(TIGHT, rated=(8.0, 7.6, 1.0), load=0.8)
    busier = Series(name="day", step_s=3600.0, values=(1.0,) * 12 + (1.2,) * 12, repeat=True)
    demand = tuple(row.model_copy(update={"profile": "day"}) for row in fleet.demand)
    fleet = with_tables(fleet, series=(busier,), demand=demand)
    plan = planned(fleet, Terms(2, refeeds=False)).plan
    assert plan is not None
    verdict = check(plan, fleet, gates=gate_set(*RULES), suite=suite_of(CALM), as_of=START)
    assert verdict["breakers"].result == "fail"


def test_the_owner_that_draws_less_lends_first_and_steps_follow_each_other() -> None:
    fleet = hot_and_cold(TIGHT, rated=RATED, load=0.8)
    plan = planned(fleet, Terms(2)).plan
    assert plan is not None
    assert [(step.do, step.params["racks"], step.params["from"]) for step in plan.steps] == [
        ("capacity.move@1", ["r2"], "cold"),
        ("capacity.move@1", ["r1"], "hot"),
    ]
    assert plan.steps[1].after == (plan.steps[0].id,)
    assert static_checks(plan, fleet) == []


def test_changes_come_in_an_order_that_breaks_no_limit_on_the_way() -> None:
    """p1 is full until its busy rack has swapped; only then is there room for the rack that moves to it."""
    fleet = hot_and_cold((Toy(4, 0, 0), Toy(0, 4, 1), Toy(0, 4, 2)), rated=(4.0, 4.0, 4.0))
    problem = power_problem(fleet, rack_w=draws(fleet), server_w=SERVER_W)
    program, v = power_program(problem, Terms(3, **FREE))
    swap = next(j for j, one in enumerate(problem.swaps.each) if one.classes == (0, 1))
    x = np.zeros(len(program.cost))
    stays = problem.home & (problem.option_class < 2)
    goes = (problem.option_class == 2) & (problem.option_feed == problem.classes[0].home)
    x[v.on[stays | goes]] = x[v.swapped[swap]] = 1.0
    answer = Answer("optimal", x, 0.0, 0.0, 0.0, 0)
    made = changes_of(fleet, problem, Terms(3, **FREE), answer, v)
    assert [change.what for change in made] == ["swap", "refeed"]
    assert [step["id"] for step in steps_of(made)] == ["swap-1-lend", "swap-1-return", "refeed-2"]


@settings(max_examples=15)
@given(racks=st.tuples(ROOM, POWER, OTHERS, OTHERS), extra=st.integers(0, 3))
def test_no_owner_has_less_of_a_type_at_a_site_nor_loses_more_with_a_rack_or_row(
    racks: tuple[Toy, ...], extra: int
) -> None:
    """Look at the fleet with the plan done."""
    load = [sum(rack.hot + rack.cold / 2 for rack in racks if rack.panel == p) for p in range(3)]
    fleet = hot_and_cold(racks, rated=(max(1.0, load[0]), load[1] + extra, max(1.0, load[2])))
    proposal = plan_power(
        fleet, start=START, terms=Terms(4, caps=False), rack_w=draws(fleet), server_w=SERVER_W
    )
    if proposal.plan is None:
        return
    done = after(proposal.plan, fleet)
    assert owned(done, lambda group: group.type) == owned(fleet, lambda group: group.type)
    row_of = {rack.name: rack.row for rack in fleet.racks}
    for place in (lambda group: group.rack, lambda group: row_of[group.rack]):
        then, now = owned(fleet, place), owned(done, place)
        for owner in ("hot", "cold"):
            assert max((n for (o, _), n in now.items() if o == owner), default=0) <= max(
                (n for (o, _), n in then.items() if o == owner), default=0
            )


def after(plan: Plan, fleet: Fleet) -> Fleet:
    schedule = resolve(plan, fleet)
    return apply(schedule.fleet, [change.change for change in schedule.timeline().changes])


def planned(fleet: Fleet, terms: Terms, sites: tuple[str, ...] = ()) -> Proposal:
    server_w = drawn_by_owner(fleet, snapshot(fleet))
    return plan_power(fleet, start=START, terms=terms, sites=sites, rack_w=racks_w(fleet), server_w=server_w)


def racks_w(fleet: Fleet) -> dict[str, float]:
    """Return what the simulator says that racks draw."""
    now = snapshot(fleet)
    return dict(zip(now.racks, now.rack_w.tolist(), strict=True))


def racks_that_change(proposal: Proposal) -> tuple[tuple[Cell, ...], ...]:
    table = proposal.solution.table("changes")
    assert table is not None
    return table.rows


def owned(fleet: Fleet, key: Callable[[ServerGroup], str]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for group in fleet.server_groups:
        found[group.owner, key(group)] += group.count
    return +found
