"""The benchmark table of the solvers: goal, time, gap and shortage per instance, medians over seeds, judged by the scorer.

A row is a `Row` and a function that plans; add one and it is in the table. `FLEETWIN_PDLP=1` would need an hour at
large and is not
offered: the reference there is the bound of the decomposition, which is valid and may lie below the LP.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from solvers.problem import CapacityProblem
from solvers.scale import Found, ready, solve_large
from tests.benchmarks.yardsticks import GOAL_C_S, copy_s, row
from tests.solvers.instances import instance, without
from tests.solvers.lp import solve
from tests.solvers.score import score

SEEDS = range(int(os.environ.get("FLEETWIN_SEEDS", "5")))


class Row(NamedTuple):
    """An instance, its goal in words, how long a plan may take on the machine of the goals, and which gap it may have."""

    name: str
    goal: str
    limit_s: float
    gap: float
    lp: bool = False


class Measured(NamedTuple):
    """What one plan took and is: gaps in cost, servers and kW, and what is short [RRU]."""

    wall_s: float
    cpu_s: float
    to_bound: float
    to_lp: float
    servers: float
    kilowatts: float
    short: float


@pytest.mark.solvers
@pytest.mark.parametrize(
    "of",
    [
        Row("medium", "2 % to the LP in 5 s", 5.0, 0.02, lp=True),
        Row("medium", "1 % proven in 60 s", 60.0, 0.01, lp=True),
        Row("large", "1.5 % to the bound in 60 s, < 1 GB, nothing short", 60.0, 0.015),
    ],
    ids=lambda of: f"{of.name}-{of.limit_s:.0f}s",
)
def test_plan(of: Row) -> None:
    measured = [_measure(of, instance(of.name, seed), _plan(of.limit_s)) for seed in SEEDS]
    _tell(of, measured)
    assert statistics.median(m.to_bound if not of.lp else m.to_lp for m in measured) <= of.gap
    assert max(m.short for m in measured) < 1e-6


@pytest.mark.solvers
def test_plan_again_after_a_loss() -> None:
    of = Row("medium", "after a lost domain: 3 % in 2 s", 2.0, 0.03, lp=True)
    measured = []
    for seed in SEEDS:
        problem = instance(of.name, seed)
        before = solve_large(problem, time_limit_s=_limit(20.0)).trace
        lost = without(problem, seed)
        measured.append(
            _measure(of, lost, lambda p, t=before: solve_large(p, time_limit_s=_limit(2.0), guide=t))
        )
    _tell(of, measured)
    assert statistics.median(m.to_lp for m in measured) <= of.gap


def _limit(seconds: float) -> float:
    """Return the wall time here that is `seconds` on the machine of the goals; FLEETWIN_SHARE of a core is what we get here."""
    return seconds * max(copy_s(50) / GOAL_C_S, 1.0) / float(os.environ.get("FLEETWIN_SHARE", "1"))


def _plan(limit_s: float) -> Callable[[CapacityProblem], Found]:
    return lambda problem: solve_large(problem, time_limit_s=_limit(limit_s))


def _measure(of: Row, problem: CapacityProblem, plan: Callable[[CapacityProblem], Found]) -> Measured:
    ready()
    wall, cpu = time.perf_counter(), time.process_time()
    counts, bound, trace = plan(problem)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    scored = score(problem, counts)
    assert scored.violations == ()
    assert bound <= scored.objective
    if of.lp:
        best = solve(problem)
        reference, objective = score(problem, best.counts, whole=False), best.objective
    else:
        reference, objective = score(problem, trace.guide, whole=False), np.nan
    return Measured(
        wall, cpu, scored.gap(bound), scored.gap(objective), scored.servers - reference.servers,
        scored.kilowatts - reference.kilowatts, scored.short,
    )  # fmt: skip


def _tell(of: Row, measured: list[Measured]) -> None:
    """Put the medians, and the gap of each seed, into the table at the end of the run."""
    middle = Measured(*(statistics.median(column) for column in zip(*measured, strict=True)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    value = (
        f"{middle.to_bound:.2%} to the bound, {middle.to_lp:.2%} to the LP, {middle.servers:+.0f} servers, "
        f"{middle.kilowatts:+.0f} kW, worst shortage {max(m.short for m in measured):.2f} RRU"
    )
    each = ", ".join(f"{m.to_bound:.2%}/{m.short:.1f}" for m in measured)
    note = f"wall {middle.wall_s:.1f} s, CPU {middle.cpu_s:.1f} s = {middle.cpu_s / copy_s(50):.0f} C, {peak:.0f} MB; gap/short by seed: {each}"  # noqa: E501
    row(f"{of.name} ({len(measured)} seeds)", value, of.goal, note)
