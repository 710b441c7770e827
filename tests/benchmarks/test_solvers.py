"""The benchmark table of plans: goal, time, gap and shortage per instance and seed, every plan judged by the scorer.

It fails on what a plan breaks and on a bound above a plan, never for being slow. Limits are wall time times FLEETWIN_STRETCH (2
where a run gets half a core); the table gives CPU time as well. FLEETWIN_SEEDS and FLEETWIN_SEEDS_LARGE say how many seeds.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from solvers.capacity_solve import Effort, integers_of, solve_capacity, today
from solvers.formulations.capacity import capacity_program
from solvers.guide import LinearGuide
from solvers.highs import Highs
from solvers.problem import CapacityProblem, Ints
from solvers.pyomo_model import to_pyomo
from solvers.ready import ready
from solvers.scale import solve_large
from tests.benchmarks.yardsticks import copy_s, on_the_machine_of_the_goals, row, timeouts_per_s
from tests.solvers.instances import instance, without
from tests.solvers.lp import solve
from tests.solvers.score import score

pytestmark = pytest.mark.solvers
SEEDS = range(int(os.environ.get("FLEETWIN_SEEDS", "5")))
SEEDS_LARGE = range(int(os.environ.get("FLEETWIN_SEEDS_LARGE", "5")))
STRETCH = float(os.environ.get("FLEETWIN_STRETCH", "1"))


class Made(NamedTuple):
    """A plan's counts `[P]` and its proven bound."""

    counts: Ints
    bound: float


class Measured(NamedTuple):
    """What one plan took and is: beside the LP of `tests/solvers/lp.py` (NaN: not solved) in parts, servers, kW, RRU short."""

    wall_s: float
    cpu_s: float
    to_bound: float
    to_linear: float
    servers: float
    kilowatts: float
    short: float


def _measure(problem: CapacityProblem, plan: Callable[[], Made], *, linear: bool = True) -> Measured:
    """Measure a plan; with `linear` solve the independent LP, off the clock."""
    wall, cpu = time.perf_counter(), time.process_time()
    made = plan()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    scored = score(problem, made.counts)
    assert scored.violations == ()
    assert made.bound <= scored.objective * (1 + 1e-9)
    if not linear:
        return Measured(wall, cpu, scored.gap(made.bound), np.nan, np.nan, np.nan, scored.short)
    relaxed = solve(problem)
    assert relaxed.status == "Optimal"
    best = score(problem, relaxed.counts, whole=False)
    return Measured(
        wall,
        cpu,
        scored.gap(made.bound),
        scored.gap(relaxed.objective),
        scored.servers - best.servers,
        scored.kilowatts - best.kilowatts,
        scored.short - best.short,
    )


def _tell(what: str, goal: str, measured: list[Measured]) -> None:
    """Put the medians, and each seed, into the table at the end of the run."""
    middle = Measured(*(statistics.median(column) for column in zip(*measured, strict=True)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    each = "; ".join(f"{m.to_bound:.2%}, {m.short:.1f} RRU, {m.cpu_s:.1f} s" for m in measured)
    there = on_the_machine_of_the_goals(middle.cpu_s, copy_s(50), timeouts_per_s())
    value = (
        f"{middle.to_bound:.2%} to the bound, {middle.to_linear:.2%} to the LP "
        f"({middle.servers:+.0f} servers, {middle.kilowatts:+.1f} kW), "
        f"worst shortage beyond the LP's {max(m.short for m in measured):.2f} RRU, "
        f"{middle.cpu_s:.1f} s of CPU, {middle.wall_s:.1f} s of wall time, peak {peak:.0f} MB"
    )
    row(f"{what} ({len(measured)} seeds)", value, goal, f"{there}; by seed: {each}")


def _routed(problem: CapacityProblem, limit_s: float, gap: float = 1e-4) -> Made:
    solved = solve_capacity(problem, Effort(time_limit_s=STRETCH * limit_s, gap=gap))
    return Made(solved.counts, solved.bound)


@pytest.mark.parametrize(
    ("name", "limit_s", "goal"),
    [
        ("small", 10.0, "0.3 % proven in 10 s"),
        ("medium", 5.0, "2 % to the LP in 5 s"),
        ("medium", 60.0, "1 % proven in 60 s"),
    ],
)
def test_plan(name: str, limit_s: float, goal: str) -> None:
    ready()
    problems = [instance(name, seed) for seed in SEEDS]
    measured = [_measure(p, lambda p=p: _routed(p, limit_s)) for p in problems]
    _tell(f"plan {name}, {limit_s:.0f} s", goal, measured)


def test_plan_large() -> None:
    ready()
    measured = []
    for seed in SEEDS_LARGE:
        problem = instance("large", seed)
        measured.append(_measure(problem, lambda p=problem: _routed(p, 60.0), linear=False))
    _tell("plan large, 60 s", "1.5 % to the bound in 60 s, < 1 GB, nothing short", measured)


def test_plan_again_after_a_loss() -> None:
    ready()
    measured = []
    for seed in SEEDS:
        problem = instance("medium", seed)
        linear = LinearGuide(problem)
        linear.solve()
        lost = without(problem, seed)
        measured.append(_measure(lost, lambda of=linear, lost=lost: _again(of, lost, 2.0 * STRETCH)))
    _tell("plan medium again after a lost domain, 2 s", "3 % in 2 s", measured)


def _again(linear: LinearGuide, lost: CapacityProblem, limit_s: float) -> Made:
    clock = time.perf_counter()
    linear.change(lost)
    _, guide = linear.solve(time_limit_s=0.85 * limit_s)
    left = max(limit_s - (time.perf_counter() - clock), 0.15 * limit_s)
    found = solve_large(lost, time_limit_s=left, guide=guide)
    return Made(found.counts, found.bound)


@pytest.mark.parametrize(("name", "limit_s"), [("small", 10.0), ("medium", 60.0)])
def test_plain_branch_and_cut(name: str, limit_s: float) -> None:
    """The textbook's model with HiGHS as it comes, and our program with today's fleet as its first plan."""
    plain, ours = [], []
    for seed in SEEDS if name == "small" else range(1):
        problem = instance(name, seed)
        plain.append(_measure(problem, lambda p=problem: _textbook(p, limit_s)))
        ours.append(_measure(problem, lambda p=problem: _ours(p, limit_s)))
    _tell(f"HiGHS on the textbook's model, {name}, {limit_s:.0f} s", "", plain)
    _tell(f"HiGHS on our program from today's fleet, {name}, {limit_s:.0f} s", "", ours)


def _textbook(problem: CapacityProblem, limit_s: float) -> Made:
    found = solve(problem, whole=True, time_limit_s=STRETCH * limit_s, gap=1e-4)
    counts = np.rint(found.counts).astype(np.int64)
    # Where HiGHS found nothing, it left no plan: nothing moves.
    return Made(
        counts if score(problem, counts).violations == () and counts.any() else problem.now, found.bound
    )


def _ours(problem: CapacityProblem, limit_s: float) -> Made:
    program = capacity_program(problem)
    solver = Highs(program)
    solver.start_from(today(problem, program))
    answer = solver.solve(time_limit_s=STRETCH * limit_s, gap=1e-4)
    change = np.zeros(problem.pairs)
    if answer.x is not None:
        change = answer.x[program.columns("into")] - answer.x[program.columns("out")]
    return Made(problem.now + np.rint(change).astype(np.int64), answer.bound)


def test_build() -> None:
    for name, goal in (("medium", "0.1 s"), ("large", "3 s")):
        problem = instance(name, 0)
        seconds = _cpu_s(lambda p=problem: Highs(capacity_program(p), relaxed=True))
        row(
            f"build {name}, {integers_of(problem)} integers, arrays to HiGHS", f"{seconds:.2f} s of CPU", goal
        )
        if name == "medium":
            program = capacity_program(problem)
            by_pyomo = _cpu_s(lambda of=program: to_pyomo(of))
            row(
                "build medium by Pyomo",
                f"{by_pyomo:.1f} s of CPU = {by_pyomo / seconds:.0f} times",
                "50 times, 2.5 s",
            )


def _cpu_s(call: Callable[[], Any]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started
