"""Maintenance: who conflicts with whom and why, the best schedule by enumeration, and what is said of what does not fit."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.fleets.example import example_fleet
from solvers.formulations.maintenance import CONSTRAINTS, Terms, maintenance_program
from solvers.highs import Highs
from solvers.maintenance_loads import MARGIN, Overloads, hourly_rack_w, without
from solvers.maintenance_plan import begin_slots, broken_rules, plan_maintenance, running, worth
from solvers.maintenance_problem import Job, MaintenanceProblem, maintenance_problem
from tests.solvers.golden import check_golden
from tests.solvers.oracles import by_enumeration, check_routes, shuffled
from tests.solvers.toys import START, fleet_of
from twin.actions.schedule import resolve
from twin.graph.compile import compile_fleet
from twin.graph.sweep import sweep_of
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.sim.snapshot import snapshot

HOUR_S = 3600.0


def dual_fed(*, ups: str = "4 kVA", mtbf: str = "1000 h") -> Fleet:
    """Return one site: rack r1 on panels a1 and b1, r2 on a2 and b2, r3 on a1 alone; a-panels on two UPSs, b-panels on the grid.

    Ten servers of 100 to 200 W (power factor 1) in each rack.
    """

    def unit(name: str, kind: str, *fed_by: str, rated: str = "100 kVA") -> dict[str, Any]:
        return {"name": name, "kind": kind, "site": "s", "rated": rated, "fed_by": list(fed_by), "mtbf": mtbf}

    feeds = {"r1": ["a1", "b1"], "r2": ["a2", "b2"], "r3": ["a1"]}
    return fleet_of(
        regions=[{"name": "R"}],
        sites=[{"name": "s", "region": "R"}],
        power_units=[
            {"name": "grid", "kind": "utility", "site": "s", "rated": "1 MVA"},
            unit("u1", "ups", "grid", rated=ups),
            unit("u2", "ups", "grid", rated=ups),
            unit("u3", "ups", "grid", rated=ups),
            unit("out", "switchboard", "u1", "u2", "u3"),
            *(unit(name, "panel", "out") for name in ("a1", "a2")),
            *(unit(name, "panel", "grid") for name in ("b1", "b2")),
        ],
        racks=[
            {"name": name, "site": "s", "row": "r", "fed_by": fed, "switches": []}
            for name, fed in feeds.items()
        ],
        server_types=[{"name": "box", "cores": 1, "idle": "100 W", "max": "200 W", "power_factor": 1.0}],
        reservations=[{"name": "all"}],
        server_groups=[
            {"name": f"{r}-g", "rack": r, "type": "box", "owner": "all", "count": 10} for r in feeds
        ],
    )


def problem_of(
    *units: str, hours: float = 4.0, fleet: Fleet | None = None, length_s: float = HOUR_S
) -> MaintenanceProblem:
    jobs = [Job(unit, length_s) for unit in units]
    return maintenance_problem(fleet or dual_fed(), jobs, start=START, window_s=hours * HOUR_S, slot_s=HOUR_S)


def solved(problem: MaintenanceProblem, terms: Terms) -> np.ndarray:
    program, v = maintenance_program(problem, terms)
    answer = Highs(program).solve(gap=0.0)
    assert answer.status == "optimal"
    begins = begin_slots(problem, answer, v)
    assert answer.objective == pytest.approx(worth(problem, terms, begins), rel=1e-6, abs=1e-6)
    return begins


def test_every_constraint_is_one_of_the_toy() -> None:
    problem = problem_of("a1", "b1", hours=3, length_s=2 * HOUR_S)
    program, _ = maintenance_program(problem, Terms(crews=1))
    check_golden(program, "maintenance", [constraint.__name__ for constraint in CONSTRAINTS])


def test_both_feeds_of_a_rack_conflict_and_feeds_of_two_racks_do_not() -> None:
    assert [group for group, _ in problem_of("a1", "b1").conflicts] == [(0, 1)]
    assert "r1 down" in problem_of("a1", "b1").conflicts[0][1]
    assert problem_of("a2", "b1").conflicts == ()


def test_what_only_a_further_loss_shows_conflicts_too() -> None:
    """With u1 and u2 away, the loss of u3 takes `out` down; with one of them away it does not."""
    conflicts = problem_of("u1", "u2").conflicts
    assert [group for group, _ in conflicts] == [(0, 1)]
    assert "down with the loss of u3" in conflicts[0][1]


def test_three_that_conflict_only_together_are_a_set_of_three() -> None:
    quiet = dual_fed(ups="50 kVA")
    four = quiet.power_units[3].model_copy(update={"name": "u4"})
    units = [
        unit.model_copy(update={"fed_by": ("u1", "u2", "u3", "u4")}) if unit.name == "out" else unit
        for unit in (*quiet.power_units[:4], four, *quiet.power_units[4:])
    ]
    fleet = quiet.model_copy(update={"power_units": tuple(units)})
    assert [group for group, _ in problem_of("u1", "u2", "u3", fleet=fleet).conflicts] == [(0, 1, 2)]


def test_what_overloads_together_conflicts() -> None:
    """6 kW of racks, 4 kVA of UPS each: without u1 (and any one more) two carry it; b-panels take their part."""
    fleet = dual_fed(ups="2.1 kVA")
    overloads = [why for _, why in problem_of("u1", "b1", fleet=fleet).conflicts]
    assert overloads and "above its rating" in overloads[0]
    assert problem_of("u1", "b1", fleet=dual_fed(ups="50 kVA")).conflicts == ()


def test_the_risk_is_the_chance_of_the_other_feed() -> None:
    """While a2 is away, only b2 keeps r2: 1 h / 1000 h, of a third of the pool, for an hour of one request a second."""
    problem = problem_of("a2")
    assert problem.risk[0] == pytest.approx(np.full(4, 1e-3 / 3 * HOUR_S))
    assert problem.drained == ((),)


def test_a_rack_that_goes_down_with_a_job_is_drained_around_it() -> None:
    fleet = dual_fed()
    proposal = plan_maintenance(fleet, [Job("a1", HOUR_S)], start=START, window_s=4 * HOUR_S, terms=Terms())
    assert proposal.plan is not None
    assert [step.do for step in proposal.plan.steps] == ["rack.drain@1", "unit.maintain@1", "rack.undrain@1"]
    assert proposal.plan.steps[0].params["racks"] == ["r3"]
    runs = resolve(proposal.plan, fleet).timeline().steps
    problem = maintenance_problem(fleet, [Job("a1", HOUR_S)], start=START, window_s=4 * HOUR_S)
    assert runs[-1].end_s <= runs[0].start_s + problem.length[0] * problem.slot_s


def test_without_takes_what_is_fed_alone() -> None:
    fleet = dual_fed()
    for lost in (("u1",), ("u1", "u2", "u3"), ("a1",), ("a1", "b1"), ("grid",)):
        left = without(fleet, lost)
        alive = sweep_of(fleet).without(lost)
        index = sweep_of(fleet).index
        assert {rack.name for rack in left.racks} == {
            rack.name for rack in fleet.racks if alive[index[rack.name]]
        }
        assert {unit.name for unit in left.power_units} == {
            unit.name for unit in fleet.power_units if alive[index[unit.name]]
        }


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), crews=st.integers(1, 2))
def test_no_schedule_is_better(seed: int, crews: int) -> None:
    """Enumerate all begins of three jobs of different lengths in five slots, with risks drawn at random."""
    random = np.random.default_rng(seed)
    base = problem_of("a1", "b1", "a2", hours=5)
    problem = dataclasses.replace(
        base,
        risk=random.integers(0, 50, (3, 5)).astype(float),
        length=random.integers(1, 4, 3),
        room=random.uniform(0, 12, base.room.shape),
    )
    terms = Terms(crews=crews, skip=1e4, short=10.0)
    best = float("inf")
    for begins in product(*(range(-1, 5 - int(n) + 1) for n in problem.length)):
        schedule = np.array(begins)
        if not broken_rules(problem, terms, schedule):
            best = min(best, worth(problem, terms, schedule))
    begins = solved(problem, terms)
    assert broken_rules(problem, terms, begins) == []
    assert worth(problem, terms, begins) == pytest.approx(best, abs=1e-6)


def test_branch_and_bound_is_enumeration() -> None:
    program, _ = maintenance_program(problem_of("a1", "b1", hours=2), Terms())
    assert program.integer.sum() <= 8
    assert Highs(program).solve(gap=0.0).objective == pytest.approx(by_enumeration(program))


def test_both_routes_and_the_dual_give_one_value_whatever_the_order() -> None:
    program, _ = maintenance_program(problem_of("a1", "b1", "u1", "u2"), Terms())
    value = check_routes(program)
    whole = Highs(program).solve(gap=0.0).objective
    assert value <= whole + 1e-6
    for seed in range(3):
        assert Highs(shuffled(program, seed)).solve(gap=0.0).objective == pytest.approx(whole, rel=1e-6)


def test_no_further_loss_takes_more_down_than_with_one_job_alone() -> None:
    """Enumerate every further loss in every slot of the example's plan: jobs that run together do not meet."""
    fleet = example_fleet()
    units = ["ams1-ups-1a", "ams1-ups-2b", "ams1-c-panel-a", "ams1-c-panel-b", "ams1-a-panel-b"]
    draws = {rack.name: 2500.0 for rack in fleet.racks}
    problem = maintenance_problem(
        fleet, [Job(unit, 5400.0) for unit in units], start=START, window_s=12 * HOUR_S, rack_w=draws
    )
    begins = solved(problem, Terms(crews=3))
    assert (begins >= 0).all() and broken_rules(problem, Terms(crews=3), begins) == []
    sweep = sweep_of(fleet)
    racks = [sweep.index[rack.name] for rack in fleet.racks]
    for column in np.unique(running(problem, begins), axis=1).T:
        away = [unit for unit, runs in zip(units, column, strict=True) if runs]
        for further in (
            unit.name for unit in fleet.power_units if unit.site == "ams1" and unit.name not in away
        ):
            together = ~sweep.without((*away, further))[racks]
            alone = np.any(
                [~sweep.without((unit, further))[racks] for unit in away] or [together & False], axis=0
            )
            assert not (together & ~alone).any() or len(away) < 2


def test_a_job_longer_than_the_window_is_a_shortfall_and_the_others_are_done() -> None:
    jobs = [Job("a1", 9 * HOUR_S), Job("b2", HOUR_S)]
    proposal = plan_maintenance(dual_fed(), jobs, start=START, window_s=4 * HOUR_S, terms=Terms())
    assert [row.who for row in proposal.solution.shortfalls] == ["a1"]
    assert proposal.plan is not None and [s.params["unit"] for s in proposal.plan.steps] == ["b2"]


def test_jobs_that_fit_only_together_are_skipped_not_broken() -> None:
    jobs = [Job("a1", HOUR_S), Job("b1", HOUR_S)]
    solution = plan_maintenance(dual_fed(), jobs, start=START, window_s=1.6 * HOUR_S, terms=Terms()).solution
    assert len(solution.shortfalls) == 1 and solution.shortfalls[0].because
    assert solution.conflicts[0].wishes[0] == "a1 at the same time"


def test_what_cannot_be_planned_is_refused_with_all_reasons() -> None:
    jobs = [Job("a9", HOUR_S), Job("a1", 0.0), Job("a1", HOUR_S)]
    with pytest.raises(UsageError, match=r"'a9'.*'a1' lasts 0 s.*'a1' twice"):
        maintenance_problem(dual_fed(), jobs, start=START, window_s=HOUR_S)
    with pytest.raises(UsageError, match="nothing to maintain.*shorter than a slot"):
        maintenance_problem(dual_fed(), [], start=START, window_s=1.0)


def test_stopping_gives_what_there_is() -> None:
    stop = plan_maintenance(
        dual_fed(),
        [Job("a1", HOUR_S)],
        start=START,
        window_s=4 * HOUR_S,
        terms=Terms(),
        should_stop=lambda: True,
    )
    assert stop.solution.status == "interrupted"


def test_the_power_of_racks_by_the_hour_is_that_of_the_twin() -> None:
    fleet = example_fleet()
    hours = hourly_rack_w(fleet, START, 3)
    compiled = compile_fleet(fleet, start=START)
    settled: list[dict[str, float]] = []
    for hour in range(3):
        now = snapshot(fleet, at=START + timedelta(hours=hour, minutes=30))
        settled.append(dict(zip(now.racks, now.rack_w.tolist(), strict=True)))
    assert list(hours[0]) == list(compiled.names["racks"])
    for mine, theirs in zip(hours, settled, strict=True):
        for name, watts in mine.items():
            assert watts == pytest.approx(theirs[name], rel=1e-3)


def test_a_job_waits_for_the_hour_in_which_a_further_loss_overloads_nothing() -> None:
    """One UPS of three is away at peak: the loss of a second would load the third above its rating; at night it would not."""
    fleet = dual_fed(ups="3 kVA")
    problem = problem_of("u1", fleet=fleet)
    assert problem.unsafe.all()  # nameplate, all day: a1, a2 and r3 draw 4 kVA, one UPS has 3
    calm = dataclasses.replace(problem, unsafe=np.array([[True, True, False, True]]))
    assert solved(calm, Terms()).tolist() == [2]
    told = plan_maintenance(
        fleet, [Job("u1", HOUR_S)], start=START, window_s=4 * HOUR_S, terms=Terms()
    ).solution
    assert any("u1" in risk and "above its rating" in risk for risk in told.risks)


def test_the_margin_counts() -> None:
    """out carries 2 + 2 kVA of r3 and halves of r1, r2: 4 kVA over three UPSs; without one 2 kVA each."""
    inside, beyond = (dual_fed(ups=f"{4.0 / 2 / MARGIN * factor:.6f} kVA") for factor in (1.001, 0.999))
    assert not any(further == "" for _, further in Overloads(inside, []).of("s", ("u1",), 0))
    assert any(further == "" for _, further in Overloads(beyond, []).of("s", ("u1",), 0))
