"""The formulation of capacity against golden files, an independent program, counting, duality, and what must not matter."""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers.capacity_solve import counts_of, today
from solvers.capacity_value import broken, value_of
from solvers.formulations import capacity as formulation
from solvers.formulations.capacity import capacity_program
from solvers.highs import Highs
from solvers.linear import Floats, LinearProgram
from solvers.problem import CapacityProblem, Ints
from tests.solvers import lp
from tests.solvers.capacities import by_counting, problems, renamed, server_by_server, toy
from tests.solvers.golden import check_golden
from tests.solvers.instances import instance
from tests.solvers.oracles import check_routes, shuffled
from tests.solvers.score import score

# The blocks of the toy that each function of the formulation writes.
BLOCKS = {
    "cells_have_enough_servers": ["cell"],
    "loads_of_domains_add_up": ["domain"],
    "demand_survives_any_loss": ["demand"],
    "buffer_covers_every_domain": ["survive_board"],
    "buffer_covers_family": ["survive_row"],
    "budgets_hold_in_every_state": ["power", "spare_servers"],
    "demand_stays_near_its_network": ["affinity"],
}


def value(program: LinearProgram) -> float:
    answer = Highs(program, relaxed=True).solve()
    assert answer.status == "optimal"
    return answer.objective


def holds(program: LinearProgram, x: Floats, tolerance: float = 1e-7) -> bool:
    rows = program.matrix @ x
    slack = tolerance * (1.0 + np.abs(program.matrix) @ np.abs(x))
    return bool(
        (rows <= program.row_upper + slack).all()
        and (rows >= program.row_lower - slack).all()
        and (x <= program.upper + tolerance).all()
        and (x >= program.lower - tolerance).all()
    )


def test_every_constraint_reads_as_its_golden_file() -> None:
    check_golden(capacity_program(toy()), "capacity", [name for blocks in BLOCKS.values() for name in blocks])


def test_every_function_that_writes_a_constraint_has_a_golden_file() -> None:
    writers = {
        name
        for name, function in inspect.getmembers(formulation, inspect.isfunction)
        if function.__module__ == formulation.__name__ and "model.rows(" in inspect.getsource(function)
    }
    assert writers == BLOCKS.keys()


@pytest.mark.parametrize(
    ("name", "seed"), [("tiny", 0), ("small", 0), pytest.param("small-sb4", 1, marks=pytest.mark.slow)]
)
def test_the_lp_value_is_that_of_the_independent_program(name: str, seed: int) -> None:
    problem = instance(name, seed)
    answer = Highs(capacity_program(problem), relaxed=True).solve()
    assert answer.objective == pytest.approx(lp.solve(problem).objective, rel=1e-7)


@settings(max_examples=60)
@given(problems())
def test_random_lp_values_are_those_of_the_independent_program(problem: CapacityProblem) -> None:
    program = capacity_program(problem)
    answer = Highs(program, relaxed=True).solve()
    assert answer.objective == pytest.approx(lp.solve(problem).objective, rel=1e-6, abs=1e-6)
    assert answer.x is not None
    # The point is worth what it costs, by the scorer and by our own count.
    change = answer.x[program.columns("into")] - answer.x[program.columns("out")]
    scored = score(problem, problem.now + change, whole=False)
    assert scored.violations == ()
    assert scored.objective == pytest.approx(answer.objective, rel=1e-6, abs=1e-5)
    assert value_of(problem, problem.now + change).objective == pytest.approx(scored.objective, abs=1e-9)


@settings(max_examples=12)
@given(problems())
def test_routes_and_duals_of_random_problems_agree(problem: CapacityProblem) -> None:
    program = capacity_program(problem)
    assert check_routes(shuffled(program, 1)) == pytest.approx(check_routes(program), rel=1e-6, abs=1e-6)


def test_routes_and_dual_of_an_instance_agree() -> None:
    check_routes(capacity_program(instance("tiny", 2)))


@settings(max_examples=30)
@given(problems(pairs=4))
def test_branch_and_cut_finds_what_counting_finds(problem: CapacityProblem) -> None:
    program = capacity_program(problem)
    assert program.integer.sum() <= 8
    answer = Highs(program).solve(gap=0.0)
    assert answer.status == "optimal" and answer.x is not None
    best = by_counting(problem)
    assert answer.objective == pytest.approx(best, rel=1e-6, abs=1e-6)
    counts = counts_of(problem, program, answer.x)
    assert broken(problem, counts) == [] and score(problem, counts).violations == ()
    assert value_of(problem, counts).objective == pytest.approx(best, rel=1e-6, abs=1e-5)


@settings(max_examples=60)
@given(problems())
def test_counted_by_server_the_value_is_the_same(problem: CapacityProblem) -> None:
    if not problem.servers[problem.pair_cell].any():
        return
    single = capacity_program(server_by_server(problem))
    assert value(single) == pytest.approx(value(capacity_program(problem)), rel=1e-6, abs=1e-6)


@settings(max_examples=25)
@given(problems(), st.integers(0, 99))
def test_neither_names_nor_order_matter(problem: CapacityProblem, seed: int) -> None:
    other = renamed(problem, seed)
    for relaxed in (True, False):
        one, two = (
            Highs(capacity_program(each), relaxed=relaxed).solve(gap=0.0).objective
            for each in (problem, other)
        )
        assert two == pytest.approx(one, rel=1e-6, abs=1e-5)


@settings(max_examples=60)
@given(problems())
def test_today_always_holds_and_is_worth_its_score(problem: CapacityProblem) -> None:
    program = capacity_program(problem)
    x = today(problem, program)
    assert holds(program, x)
    scored = score(problem, problem.now)
    assert scored.violations == ()
    assert program.cost @ x + program.offset == pytest.approx(scored.objective, abs=1e-9)
    assert value_of(problem, problem.now).short == pytest.approx(scored.shortage)


@pytest.mark.parametrize("name", ["tiny", "small-sb4"])
def test_today_is_taken_as_the_first_incumbent(name: str) -> None:
    problem = instance(name, 0)
    program = capacity_program(problem)
    solver = Highs(program)
    solver.option("mip_max_nodes", 0)
    solver.option("mip_heuristic_effort", 0.0)
    x = today(problem, program)
    assert holds(program, x)
    solver.start_from(x)
    best: list[float] = []
    solver.solve(time_limit_s=5.0, progress=lambda _, found, *__: best.append(found))
    assert best and best[0] <= program.cost @ x + program.offset + 1e-6


def test_what_is_broken_today_must_not_get_worse() -> None:
    problem = toy()
    tight = replace(
        problem, budgets=(replace(problem.budgets[0], limit=np.array([-5.0, -5.0])), *problem.budgets[1:])
    )
    counts = _best(tight)
    used, now = (tight.used(tight.budgets[0], n) for n in (counts, tight.now))
    assert (used <= now + 1e-9).all()


def test_a_wish_that_nothing_can_serve_is_short_not_infeasible() -> None:
    problem = toy()
    greedy = replace(problem, demand=np.array([9.0, 500.0, 0.0]))
    answer = Highs(capacity_program(greedy)).solve(gap=0.0)
    assert answer.status == "optimal" and answer.objective > 200.0 * 400.0
    nobody = problem.pair_reservation != 1
    keep = np.flatnonzero(nobody)
    alone = replace(
        problem,
        pair_cell=problem.pair_cell[keep],
        pair_reservation=problem.pair_reservation[keep],
        value=problem.value[keep],
        now=problem.now[keep],
        budgets=tuple(replace(b, weight=b.weight[keep]) for b in problem.budgets),
    )
    assert value_of(alone, _best(alone)).short[1] == 5.0


@pytest.mark.parametrize("servers", [np.zeros(3, np.int64), np.array([0, 6, 0])])
def test_cells_without_servers_are_nothing_to_plan_with(servers: Ints) -> None:
    problem = toy()
    empty = replace(problem, servers=servers, now=np.where(servers[problem.pair_cell] > 0, problem.now, 0))
    counts = _best(empty)
    assert (empty.by_cell @ counts <= servers).all()
    assert value_of(empty, counts).short[0] > 0


def _best(problem: CapacityProblem) -> Floats:
    program = capacity_program(problem)
    answer = Highs(program).solve(gap=0.0)
    assert answer.status == "optimal" and answer.x is not None
    return counts_of(problem, program, answer.x).astype(float)
