"""The record of a solve: prices are finite differences, sensitivities are new solves, conflicts cannot all hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from solvers.capacity import Form, plan_capacity
from solvers.capacity_fleet import FleetProblem, Wishes, capacity_problem
from solvers.capacity_record import (
    CHANGES,
    bindings,
    conflicts,
    gap_in_servers,
    sensitivities,
    shortfalls,
    tables,
)
from solvers.capacity_solve import Effort, Solved, solve_capacity
from solvers.formulations.capacity import capacity_program
from solvers.highs import Highs
from solvers.linear import LinearProgram
from solvers.problem import CapacityProblem, Ints, Prices
from tests.solvers import lp
from tests.solvers.capacity_fleets import plant, small
from twin.model.demand import with_demand

TIGHT = {"power_units": [unit for site in ("s1", "s2") for unit in plant(site, 14.0)]}


def solved(rate: float = 3000.0, demand: float = 1.0) -> tuple[FleetProblem, Solved]:
    given = capacity_problem(with_demand(small(rate=rate, **TIGHT), demand))
    return given, solve_capacity(given.problem, Effort(gap=1e-6, time_limit_s=20.0))


def value(program: LinearProgram) -> float:
    return Highs(program, relaxed=True).solve().objective


def raised(problem: CapacityProblem, budget: int, row: int, by: float) -> float:
    """Return the LP value when a limit, or what is drawn today above it, is raised."""
    program = capacity_program(problem)
    block = "".join(letter if letter.isalnum() else "_" for letter in problem.budgets[budget].name)
    upper = program.row_upper.copy()
    upper[program.rows(block).start + row] += by
    return value(replace(program, row_upper=upper))


def test_the_price_of_a_limit_is_what_a_little_more_of_it_saves() -> None:
    given, found = solved()
    budgets = {budget.name: number for number, budget in enumerate(given.problem.budgets)}
    base, seen = value(capacity_program(given.problem)), 0
    for binding in bindings(given, found):
        if binding.kind not in budgets:
            continue
        number = budgets[binding.kind]
        budget = given.problem.budgets[number]
        row = budget.rows.index(f"{binding.thing} {binding.state}".strip())
        size = {"kVA": 1000.0, "kW": 1000.0}.get(binding.unit, 1.0)
        assert binding.limit * size == pytest.approx(given.problem.limits(budget)[row])
        step = 1e-4 * (size if size > 1 else 1.0)
        more, less = (raised(given.problem, number, row, sign * step) for sign in (1, -1))
        # A dual is between the two one-sided slopes; where there is no kink it is both.
        right, left = (base - more) / step * size, (less - base) / step * size
        assert right - 1e-3 * abs(right) - 1e-4 <= binding.price <= left + 1e-3 * abs(left) + 1e-4
        seen += left > 1e-3
    assert seen >= 1


def test_the_price_of_a_server_is_what_one_more_saves() -> None:
    given, found = solved()
    program = capacity_program(given.problem)
    assert found.relaxed is not None and found.relaxed.row_dual is not None
    listed = {
        (row.thing, float(f"{row.price:.6g}")) for row in bindings(given, found) if row.kind == "servers"
    }
    assert listed
    rows = program.rows("cell")
    base = value(program)
    for c in np.flatnonzero(-found.relaxed.row_dual[rows] > 1e-6)[:4]:
        upper = program.row_upper.copy()
        upper[rows.start + c] += 1e-3
        saved = (base - value(replace(program, row_upper=upper))) / 1e-3
        assert saved <= -found.relaxed.row_dual[rows][c] + 1e-4


def test_bindings_and_sensitivities_agree_with_the_independent_program() -> None:
    given, found = solved(1500.0)
    rows = sensitivities(given, found)
    assert [row.change for row in rows] == list(CHANGES)
    for row in rows:
        other = replace(given.problem, demand=given.problem.demand * CHANGES[row.change])
        assert row.objective == pytest.approx(lp.solve(other).objective, rel=1e-6)
        anew = Highs(capacity_program(other), relaxed=True).solve()
        assert row.objective == pytest.approx(anew.objective, rel=1e-6)


def test_shortfalls_say_who_lacks_what_after_which_loss_and_cost_what_is_paid() -> None:
    given, found = solved()
    [row] = shortfalls(given, found)
    assert row.who == "web" and row.unit == "RRU" and row.where.startswith("rack ")
    assert row.amount == pytest.approx(found.value.short[0] * given.unit_rru[0])
    assert sum(each.cost for each in shortfalls(given, found)) == pytest.approx(found.value.costs["shortage"])
    assert "servers that it may use (box)" in row.because[0] and row.where in row.because[1]


def test_who_can_be_served_by_nothing_is_told_so() -> None:
    fleet = small()
    owners = tuple(
        row.model_copy(update={"values": {"box": 0.0, "gpu": 0.0}}) if row.name == "ml" else row
        for row in fleet.reservations
    )
    groups = tuple(row for row in fleet.server_groups if row.owner != "ml")
    planned = plan_capacity(
        fleet.model_copy(update={"reservations": owners, "server_groups": groups}),
        None,
        Effort(time_limit_s=5.0),
    )
    [row] = planned.proposal.solution.shortfalls
    assert row.who == "ml" and row.because == ("no server of the fleet can serve it",) and row.amount == 60.0


def test_a_conflict_cannot_hold_and_without_any_one_of_its_members_the_rest_can() -> None:
    given, found = solved()
    assert found.program is not None
    [conflict] = conflicts(given, found)
    assert not conflict.proven_smallest and any("demand that is left" in wish for wish in conflict.wishes)
    program = found.program
    upper = program.upper.copy()
    upper[program.columns("short").start] = 0.0
    hard = replace(program, upper=upper)
    solver = Highs(hard, relaxed=True)
    assert solver.solve().status == "infeasible"
    rows, _ = solver.conflict()

    def status(kept: Ints) -> str:
        lower, high = np.full(len(program.row_lower), -np.inf), np.full(len(program.row_lower), np.inf)
        lower[kept], high[kept] = program.row_lower[kept], program.row_upper[kept]
        return (
            Highs(replace(hard, row_lower=lower, row_upper=high, cost=np.zeros_like(hard.cost)), relaxed=True)
            .solve()
            .status
        )

    assert status(rows) == "infeasible"
    assert all(status(np.delete(rows, i)) == "optimal" for i in range(min(len(rows), 12)))


def test_the_record_adds_up() -> None:
    fleet = with_demand(small(rate=1500.0), 1.1)
    planned = plan_capacity(
        fleet, Wishes(overcommit={"web": 1.25}, prices=Prices(shortage=1e9)), Effort(gap=1e-4), Form()
    )
    solution = planned.proposal.solution
    assert sum(solution.costs.values()) == pytest.approx(solution.objective, abs=1e-4)
    assert solution.gap == pytest.approx(
        max(0.0, solution.objective - solution.bound) / abs(solution.objective)
    )
    changes = solution.table("changes")
    assert changes is not None
    now, planned_ = (sum(int(row[i]) for row in changes.rows) for i in (3, 4))
    assert now == planned_ == sum(row.count for row in fleet.server_groups)
    moved = sum(move.count for wave in planned.waves for move in wave)
    assert [row.moves for row in solution.alternatives] == [0, moved]
    nothing, plan = (row.objective for row in solution.alternatives)
    assert nothing is not None and plan is not None and nothing >= plan
    assert solution.risks == (
        "web promises 1.25 times what it keeps: asked for all at once, 20% is not there",
    )
    assert any("lost in rounding" in note for note in solution.notes)
    per = solution.table("reservations")
    assert per is not None
    for r, row in enumerate(per.rows):
        assert row[1:3] == (
            round(float(planned.given.problem.demand[r] * planned.given.unit_rru[r]), 3),
            round(float(planned.solved.value.has[r] * planned.given.unit_rru[r]), 3),
        )
    assert tables(planned.given, planned.solved) == (changes, per)


def test_a_gap_is_so_many_servers_and_kilowatts() -> None:
    given, found = solved(1500.0)
    wide = replace(found, bound=found.value.objective - 7.0)
    servers, kilowatts = gap_in_servers(given, wide)
    weight = next(b.weight for b in given.problem.budgets if b.name == "power")
    assert servers == pytest.approx(7.0) and kilowatts == pytest.approx(
        7.0 * weight[weight > 0].mean() / 1000
    )
    assert gap_in_servers(given, replace(found, bound=found.value.objective + 1.0)) == (0.0, 0.0)
