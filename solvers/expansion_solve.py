"""The route to a plan of expansion: small problems as they are, large ones by rounding a linear program month by month.

Doing nothing is always a plan, since what is missing is paid for; so there is an incumbent from the start, and whenever
time or the user ends the search, the best plan so far and a bound that holds are returned.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from solvers.expansion_bound import bounded, proven_bound
from solvers.expansion_problem import ExpansionProblem, Floats
from solvers.expansion_round import Task, finished, hurried, idle, relaxation, rolled, whole_modules
from solvers.formulations.expansion import KILO, Columns, columns, expansion_program
from solvers.highs import Answer, Highs
from solvers.linear import LinearModel, LinearProgram
from twin.records.solution import SolveStatus

SMALL_INTEGERS = 500  # beyond, HiGHS cuts for minutes at its root and does not look at the clock meanwhile
SMALL_COLUMNS = 10_000  # up to so many, a bound with whole modules takes a second
STEP = 2  # months of a window
WINDOW_S = 3.0  # processor time of a window
# A fraction of a module above which one is built: first with room to spare, then to the nearest, then
# within any budget.
LEAST = (0.02, 0.5, 0.98)
RESERVE_S = 3.0  # for the last linear program before the limit

# seconds, objective [USD], bound [USD], what is being done
Progress = Callable[[float, float, float, str], None]


@dataclass(frozen=True)
class Solved:
    """A plan `x` of a problem with its cost and a proven bound [USD], and the prices of the rows from the linear program.

    `trace` tells how the search went: (seconds, processor seconds, objective, bound).
    """

    problem: ExpansionProblem
    program: LinearProgram
    columns: Columns
    x: Floats
    idle: Floats
    objective: float
    bound: float
    bound_by: str
    status: SolveStatus
    route: str
    why: str
    seconds: float
    prices: Floats | None
    trace: tuple[tuple[float, float, float, float], ...]

    @property
    def gap(self) -> float:
        """Return how far the plan may at most be above the best, relative to its cost."""
        return max(0.0, self.objective - self.bound) / max(abs(self.objective), 1e-9)


@dataclass
class _Search:
    """The best plan and the best bound so far, both in thousands of dollars."""

    task: Task
    roomy: LinearProgram
    clock: Callable[[], float]
    tell: Progress | None
    x: Floats = field(default_factory=lambda: np.zeros(0))
    objective: float = np.inf
    bound: float = -np.inf
    bound_by: str = "the linear program, by weak duality"
    trace: list[tuple[float, float, float, float]] = field(default_factory=list)
    begun_cpu: float = field(default_factory=time.process_time)

    def offer(self, x: Floats | None, doing: str) -> None:
        """Keep a plan if it is better than the best."""
        if x is not None and (objective := float(self.task.program.cost @ x)) < self.objective:
            self.x, self.objective = x, objective
        self.say(doing)

    def raise_bound(self, bound: float, doing: str, by: str | None = None) -> None:
        """Keep a bound if it is better than the best; `by` says what proves it, where that is not the linear program."""
        bound = min(bound, self.objective)
        if bound > self.bound:
            self.bound, self.bound_by = bound, by or self.bound_by
        self.say(doing)

    def say(self, doing: str) -> None:
        """Tell how far the search is."""
        row = (self.clock(), time.process_time() - self.begun_cpu, self.objective / KILO, self.bound / KILO)
        self.trace.append(row)
        if self.tell is not None:
            self.tell(row[0], row[2], row[3], doing)

    def within(self, gap: float) -> bool:
        """Tell whether the plan is proven to be good enough."""
        return self.objective - self.bound <= gap * abs(self.objective)


def solve_expansion(
    problem: ExpansionProblem,
    *,
    time_limit_s: float = 60.0,
    gap: float = 0.01,
    should_stop: Callable[[], bool] | None = None,
    progress: Progress | None = None,
) -> Solved:
    """Return the best plan found within the limit, with a proven bound. Raises ExpansionError for numbers that are none."""
    problem.refuse_nonsense()
    begun = time.monotonic()

    def clock() -> float:
        return time.monotonic() - begun

    asked = should_stop or (lambda: False)

    def stop() -> bool:
        return asked() or clock() > time_limit_s - min(RESERVE_S, 0.1 * time_limit_s)

    program, x = expansion_program(problem), columns(LinearModel("numbers"), problem)
    task = Task.of(problem, program, x)
    search = _Search(task, bounded(program, x, problem), clock, progress)
    nothing = finished(task, idle(task))
    assert nothing is not None, "doing nothing is a plan"
    search.offer(nothing, "do nothing")
    search.raise_bound(proven_bound(search.roomy, np.zeros(len(program.row_lower))), "a first bound")
    loose = relaxation(program, should_stop=stop)
    route, why = _explore(search, loose, (time_limit_s, gap), stop)
    status: SolveStatus = "optimal" if search.within(gap) else "interrupted" if asked() else "feasible"
    return Solved(
        problem=problem,
        program=program,
        columns=x,
        x=search.x,
        idle=nothing,
        objective=search.objective / KILO,
        bound=search.bound / KILO,
        bound_by=search.bound_by,
        status=status,
        route=route,
        why=why,
        seconds=clock(),
        prices=loose.row_dual,
        trace=tuple(search.trace),
    )


def _explore(
    search: _Search, loose: Answer, limits: tuple[float, float], stop: Callable[[], bool]
) -> tuple[str, str]:
    """Look for plans; return the route and why it was taken."""
    if loose.row_dual is None:
        return (
            "nothing",
            "the linear program was not solved before the limit: doing nothing is the only plan known",
        )
    search.raise_bound(proven_bound(search.roomy, loose.row_dual), "the linear program")
    program = search.task.program
    if len(program.cost) <= SMALL_COLUMNS:
        _best_modules(search, limits, stop)
    for least in LEAST:
        if stop() or search.within(limits[1]):
            break
        assert loose.x is not None
        modules = whole_modules(search.task, loose.x, least)
        _round(search, modules, f"modules rounded above {least:g}", stop)
    if int(program.integer.sum()) <= SMALL_INTEGERS and not search.within(limits[1]):
        _whole(search, limits, stop)
        return "mip", "few enough whole numbers for branch and bound, begun from a rounded plan"
    return "rolling", "too many whole numbers for branch and bound: windows of a linear program are rounded"


def _best_modules(search: _Search, limits: tuple[float, float], stop: Callable[[], bool]) -> None:
    """Solve the program with whole modules and all else in fractions: a bound, and modules to begin with."""
    program, modules = search.task.program, search.task.columns.modules
    whole = np.zeros(len(program.cost), dtype=bool)
    whole[modules] = program.integer[modules]
    left = max(1.0, limits[0] - search.clock())
    answer = Highs(replace(program, integer=whole)).solve(
        time_limit_s=left, gap=limits[1] / 10, should_stop=stop
    )
    if np.isfinite(answer.bound):
        search.raise_bound(answer.bound, "whole modules", "branch and bound, with fractions of servers")
    if answer.x is not None and not stop():
        _round(search, np.round(answer.x[modules]), "the best modules", stop)


def _whole(search: _Search, limits: tuple[float, float], stop: Callable[[], bool]) -> None:
    """Solve the program as it is, from the best plan so far."""
    highs = Highs(search.task.program)
    highs.start_from(search.x)
    left = max(1.0, limits[0] - search.clock())
    answer = highs.solve(time_limit_s=left, gap=limits[1] / 2, should_stop=stop)
    if answer.x is not None:
        search.offer(finished(search.task, answer.x), "branch and bound")
    if np.isfinite(answer.bound):
        search.raise_bound(answer.bound, "branch and bound", "branch and bound")


def _round(search: _Search, modules: Floats, name: str, stop: Callable[[], bool]) -> None:
    """Round what is left to decide when the modules `[T, S]` are."""
    task = search.task
    numbers = task.columns.modules.ravel()
    start = relaxation(task.program, fixed=numbers, at=modules.ravel(), should_stop=stop)
    if start.x is None or start.row_dual is None:
        return
    _hurry(search, modules, f"{name}, the rest in a hurry", stop)
    if stop():
        return
    plan = rolled(task, start, modules, step=STEP, seconds=WINDOW_S, stop=stop)
    search.offer(finished(task, plan), "windows rounded")


def _hurry(search: _Search, modules: Floats, doing: str, stop: Callable[[], bool]) -> None:
    """Offer a plan that follows the linear program without moves, rounded up at once: something to fall back on."""
    task = search.task
    x = task.columns
    still = np.concatenate([x.leave[x.leave >= 0], x.enter[x.enter >= 0]])
    fixed = np.concatenate([x.modules.ravel(), still])
    at = np.concatenate([modules.ravel(), np.zeros(len(still))])
    guide = relaxation(task.program, fixed=fixed, at=at, should_stop=stop)
    if guide.x is not None:
        plan = guide.x.copy()
        plan[fixed] = at
        hurried(task, plan, guide.x, 0)
        search.offer(finished(task, plan), doing)
