"""Solve a capacity problem by the route that its size calls for, and say how good the answer is.

Up to a few thousand integers HiGHS proves a plan nearly best, starting from today's fleet (route "mip"). Above that its root
node takes minutes without a better plan: there prices separate the reservations, and whole servers are made of what each would
buy ("prices"). Where it takes seconds the linear program is solved as well, for the prices that people read and for a second
bound. Each bound is proven; the value of a plan is counted from its servers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from solvers.capacity_value import Value, broken, value_of
from solvers.formulations.capacity import capacity_program
from solvers.guide import Guide, LinearGuide, guide_of
from solvers.highs import Answer, Highs, Progress, SolverError
from solvers.linear import LinearProgram, block_name
from solvers.owners import all_owned
from solvers.problem import CapacityProblem, Floats, Ints
from solvers.reach import costs_of_states
from twin.records.solution import SolveStatus

if TYPE_CHECKING:
    from solvers.found import Found

MIP_INTEGERS = 8_000  # up to so many servers-to-place numbers HiGHS' own branch and cut is right
ANNEAL_INTEGERS = 1_000  # from so many on branch and cut starts from an annealed plan, which takes seconds
ANNEAL_PART = 0.5  # of the time, for that plan at most
LP_PAIRS = 60_000  # up to so many pairs the linear program takes seconds
FIRST_PART = 0.1  # of the time, for a plan that knows nothing of the backbone where there is one
REST_PART = 0.85  # of what is left then, for another where its users are reached all the same
FLOORS_LONGER = (
    25  # times as long as the linear program without them may one with floors take, with time for the rest
)
LP_PART = 0.75  # of the time, for the linear program where it is to be the guide
PRESSED_S = 1.0  # what is kept of a time limit for counting and writing


@dataclass(frozen=True)
class Solved:
    """An allocation `[P]`, its value, the proven bound, and the linear program whose duals are prices (None above its size).

    `posed` is the problem that it is of, where that is another: one without a backbone, with floors instead.
    """

    counts: Ints
    value: Value
    bound: float
    status: SolveStatus
    route: str
    why: str
    bound_by: str
    seconds: float
    integers: int
    program: LinearProgram | None = None
    relaxed: Answer | None = None
    posed: CapacityProblem | None = None

    @property
    def gap(self) -> float:
        """Return (objective - bound) / |objective|, at least 0."""
        return max(0.0, self.value.objective - self.bound) / max(abs(self.value.objective), 1e-9)


@dataclass(frozen=True)
class Effort:
    """How long to try, how good to be, and whom to ask and tell meanwhile."""

    time_limit_s: float = 60.0
    gap: float = 1e-3
    should_stop: Callable[[], bool] | None = None
    progress: Progress | None = None
    route: str = "auto"


def solve_capacity(problem: CapacityProblem, effort: Effort | None = None) -> Solved:
    """Return the best allocation found within the effort.

    Today's allocation is always an answer, so there is always one; its gap says what it is worth. Raises SolverError only when
    an answer breaks a hard limit, which would be an error of ours.
    """
    effort = effort or Effort()
    clock = time.monotonic()
    integers = integers_of(problem)
    route, why = route_of(problem, integers, effort.route)
    solve = {"mip": _by_mip, "prices": _by_prices}[route]
    found = solve(problem, effort, clock)
    counts = all_owned(problem, found.counts) if problem.owned else found.counts
    wrong = broken(problem, counts)
    if wrong:
        raise SolverError(f"the {route} route broke a limit: {'; '.join(wrong[:5])}")
    return Solved(
        counts=counts,
        value=with_backbone(value_of(problem, counts), found.backbone),
        bound=found.bound,
        status=found.status,
        route=route,
        why=why,
        bound_by=found.bound_by,
        seconds=time.monotonic() - clock,
        integers=integers,
        program=found.program,
        relaxed=found.relaxed,
        posed=found.posed,
    )


def integers_of(problem: CapacityProblem) -> int:
    """Return how many whole numbers a problem has that may differ from zero."""
    return int(np.count_nonzero(problem.room > 0) + np.count_nonzero(problem.now > 0))


def route_of(problem: CapacityProblem, integers: int, wanted: str) -> tuple[str, str]:
    """Return the route and the reason for it."""
    if wanted != "auto":
        return wanted, "asked for"
    if integers <= MIP_INTEGERS:
        return "mip", f"{integers} integers: branch and cut proves it"
    return "prices", f"{integers} integers: too many for branch and cut, prices separate the reservations"


@dataclass(frozen=True)
class _Found:
    counts: Ints
    bound: float
    status: SolveStatus
    bound_by: str
    program: LinearProgram | None = None
    relaxed: Answer | None = None
    backbone: float = 0.0
    posed: CapacityProblem | None = None


def _by_mip(problem: CapacityProblem, effort: Effort, clock: float) -> _Found:
    """Linear program for the prices, then branch and cut from today's allocation, or from an annealed one where it is long."""
    program = capacity_program(problem)
    relaxing = Highs(program, relaxed=True)
    relaxed = relaxing.solve(time_limit_s=_left(effort, clock), should_stop=effort.should_stop)
    counts = problem.now
    if problem.backbone is None and integers_of(problem) > ANNEAL_INTEGERS:
        counts = _annealed(problem, program, relaxed, effort, clock)
    solver, begun = Highs(program), point_of(problem, program, counts)
    solver.start_from(begun)
    answer = solver.solve(
        time_limit_s=_left(effort, clock),
        gap=effort.gap,
        should_stop=effort.should_stop,
        progress=effort.progress,
    )
    bound = max(answer.bound, relaxed.bound)
    if answer.x is None:
        backbone = backbone_cost(problem, program, begun)
        return _Found(counts, bound, _cut_short(effort), "HiGHS", program, relaxed, backbone)
    counts = counts_of(problem, program, answer.x)
    status: SolveStatus = "optimal" if answer.status == "optimal" else _cut_short(effort)
    backbone = backbone_cost(problem, program, answer.x)
    return _Found(counts, bound, status, "HiGHS branch and cut", program, relaxed, backbone)


def _annealed(
    problem: CapacityProblem, program: LinearProgram, relaxed: Answer, effort: Effort, clock: float
) -> Ints:
    """Return the counts of a good plan, made of the linear program in seconds; today's where that is not solved."""
    guide = guide_of(problem, program, relaxed)
    if guide is None:
        return problem.now
    found = _searched(problem, guide, ANNEAL_PART * _left(effort, clock), effort)
    return all_owned(problem, found.counts) if problem.owned else found.counts


def _searched(problem: CapacityProblem, guide: Guide | None, limit_s: float, effort: Effort) -> Found:
    """Search for whole plans in so many seconds. Numba is loaded here, where it is used: that takes a second."""
    from solvers.scale import solve_large

    return solve_large(
        problem,
        time_limit_s=limit_s,
        guide=guide,
        gap=effort.gap,
        should_stop=effort.should_stop,
        progress=effort.progress,
    )


def _by_prices(problem: CapacityProblem, effort: Effort, clock: float) -> _Found:
    """Whole plans by prices; flows join what prices separate, so a backbone is looked at with a plan that knows none of it."""
    if problem.backbone is None:
        return _without_backbone(problem, effort, clock)[0]
    from solvers.capacity_reach import Clock, better, reach, valued

    bare = replace(problem, backbone=None)
    limits = Clock(lambda: _left(effort, clock), effort.gap, effort.should_stop)
    made, found = _without_backbone(bare, effort, clock, FIRST_PART)
    best = valued(problem, found.counts, found.bound)
    if not best.unreached and not limits.over() and best.gap > effort.gap:
        made, found = _without_backbone(bare, effort, clock, REST_PART)
        best = better(best, valued(problem, found.counts, found.bound))
    if best.unreached and not limits.over():
        seconds = np.inf if made.relaxed is None or made.relaxed.x is None else made.relaxed.seconds
        linear = FLOORS_LONGER * seconds < limits.left()
        reached = reach(problem, best, found.trace.guide.prices, limits, linear=linear)
        if reached is None and not limits.over():
            made, found = _without_backbone(bare, effort, clock)
            best = better(best, valued(problem, found.counts, found.bound))
        best = reached or best
    return _Found(
        counts=best.counts,
        bound=best.bound,
        status="optimal" if best.gap <= effort.gap else _cut_short(effort),
        bound_by="price decomposition, with what flows cost at its prices" if best.knows else made.bound_by,
        program=made.program if best.program is None else best.program,
        relaxed=made.relaxed if best.program is None else best.relaxed,
        backbone=float(best.by_state.sum()),
        posed=best.posed or bare,
    )


def _without_backbone(
    problem: CapacityProblem, effort: Effort, clock: float, part: float = 1.0
) -> tuple[_Found, Found]:
    """Plans from the linear program where it takes seconds; from what prices say beyond, or where it was too slow."""
    program = relaxed = guide = None
    if problem.pairs <= LP_PAIRS:
        linear = LinearGuide(problem)
        relaxed, guide = linear.solve(LP_PART * part * _left(effort, clock), effort.should_stop)
        program = linear.program
    found = _searched(problem, guide, part * _left(effort, clock), effort)
    by, bound = "price decomposition, strengthened for whole numbers", found.bound
    if guide is not None and guide.bound >= bound:
        by = "linear program"
    # With owners the plan that is valued is another.
    status: SolveStatus = "optimal" if not problem.owned and found.gap <= effort.gap else _cut_short(effort)
    return _Found(found.counts, bound, status, by, program, relaxed), found


def counts_of(problem: CapacityProblem, program: LinearProgram, x: Floats) -> Ints:
    """Return the counts `[P]` of a point of the program."""
    change = x[program.columns("into")] - x[program.columns("out")]
    return problem.now + np.rint(change).astype(np.int64)


def today(problem: CapacityProblem, program: LinearProgram) -> Floats:
    """Return the point of the program at which nothing moves: it always holds, what it lacks is slack."""
    return point_of(problem, program, problem.now)


def point_of(problem: CapacityProblem, program: LinearProgram, counts: Ints) -> Floats:
    """Return the point of the program that has these counts `[P]`, no users served over the backbone, and slack for the rest."""
    x = np.zeros(len(program.cost))
    x[program.columns("into")] = np.maximum(counts - problem.now, 0)
    x[program.columns("out")] = np.maximum(problem.now - counts, 0)
    moved = program.matrix @ x
    low, high = program.row_lower - moved, program.row_upper - moved
    spread, excess = program.columns("load"), program.columns("excess")
    load = -low[program.rows("domain")]
    x[spread] = np.minimum(load, program.upper[spread])
    x[excess] = load - x[spread]
    value = value_of(problem, counts)
    x[program.columns("buffer")] = value.has - value.kept
    x[program.columns("short")] = value.short
    for budget in problem.budgets:
        if np.isfinite(budget.price):
            over = problem.used(budget, counts) - problem.limits(budget)
            x[program.columns(f"over_{block_name(budget.name)}")] = np.maximum(over, 0.0)
    if problem.affinity is not None:
        rows = program.rows("affinity")
        x[program.columns("too_little")] = np.maximum(low[rows], 0.0)
        x[program.columns("too_much")] = np.maximum(-high[rows], 0.0)
    if problem.backbone is not None:
        x[program.columns("unserved")] = low[program.rows("asked")]
        x[program.columns("over_link")] = np.maximum(-high[program.rows("link")], 0.0)
    return x


def backbone_cost(problem: CapacityProblem, program: LinearProgram, x: Floats) -> float:
    """Return what is paid for users who cannot be reached and links that are too full; counts alone do not say it."""
    if problem.backbone is None:
        return 0.0
    columns = (program.columns("unserved"), program.columns("over_link"))
    return float(sum(program.cost[part] @ x[part] for part in columns))


def value_with_flows(problem: CapacityProblem, counts: Ints) -> Value:
    """Return what counts are worth with the best flows over the backbone, where there is one."""
    backbone = 0.0 if problem.backbone is None else float(costs_of_states(problem, counts).sum())
    return with_backbone(value_of(problem, counts), backbone)


def with_backbone(value: Value, cost: float) -> Value:
    """Return a value with the cost of the backbone among its parts, where there is any."""
    return replace(value, costs={**value.costs, "backbone": cost}) if cost > 1e-9 else value


def _left(effort: Effort, clock: float) -> float:
    return max(
        0.1, effort.time_limit_s - (time.monotonic() - clock) - min(PRESSED_S, effort.time_limit_s / 10)
    )


def _cut_short(effort: Effort) -> SolveStatus:
    return "interrupted" if effort.should_stop is not None and effort.should_stop() else "feasible"
