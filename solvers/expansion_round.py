"""From a linear program to whole numbers: modules first, then everything else, a few months at a time.

*Rolling horizon*: the months of a window are decided in whole numbers while prices stand for the rest
(solvers/expansion_window.py); then the linear program of the months that are left is solved again, from where the window
has led, and the next window follows it within a band.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from solvers.expansion_problem import ExpansionProblem, Floats, Ints, grouped
from solvers.expansion_window import Calendar, Window, calendar, window
from solvers.formulations.expansion import Columns
from solvers.highs import Answer, Highs
from solvers.linear import LinearProgram

BAND = 2.0  # whole numbers above what the linear program has ordered until then
NEAR = 0.05  # below this fraction an interior point is taken for a whole number
Stop = Callable[[], bool]


@dataclass(frozen=True)
class Task:
    """What every step of the solution needs: the problem, its program, its columns, and when each is decided."""

    problem: ExpansionProblem
    program: LinearProgram
    columns: Columns
    calendar: Calendar

    @classmethod
    def of(cls, problem: ExpansionProblem, program: LinearProgram, x: Columns) -> Task:
        """Return the task of a problem."""
        return cls(problem, program, x, calendar(program, x, problem))


def relaxation(
    program: LinearProgram, *, fixed: Ints | None = None, at: Floats | None = None, **limits: Any
) -> Answer:
    """Solve the linear program, with some columns fixed: interior point, without a vertex.

    The dual simplex takes 35 times as long on 24 months of 20 sites (142 s against 4 s): transport between sites and services in
    every month makes it degenerate, and no vertex is needed.
    """
    highs = Highs(program, relaxed=True)
    highs.option("solver", "ipm")
    highs.option("run_crossover", "off")
    if fixed is not None and at is not None:
        highs.change_columns(fixed, at, at)
    return highs.solve(**limits)


def whole_modules(task: Task, x: Floats, least: float) -> Floats:
    """Return modules `[T, S]` in whole numbers: a fraction above `least` is a module."""
    fractions = x[task.columns.modules]
    return np.maximum.accumulate(np.clip(np.ceil(fractions - least), 0, None), axis=0)


def rolled(task: Task, start: Answer, modules: Floats, *, step: int, seconds: float, stop: Stop) -> Floats:
    """Return whole decisions for all columns, window by window; what was not reached before a stop is `hurried`.

    `start` is the linear program with these modules. `seconds` of processor time are given to each window.
    """
    assert start.x is not None and start.row_dual is not None
    p, x = task.problem, task.columns
    guide, prices = start.x, start.row_dual
    plan = guide.copy()
    plan[x.modules] = modules
    _pencil_in(task, plan, guide, 0)
    for first in range(0, p.months, step):
        if first:
            again = _what_is_left(task, plan, first, stop)
            if again is None:
                hurried(task, plan, guide, first)
                break
            guide, prices = again
            _pencil_in(task, plan, guide, first)
        _decide(task, plan, (guide, prices), (first, min(first + step, p.months)), (seconds, stop))
        plan[x.servers] = servers_of(task, plan)
    return plan


def hurried(task: Task, plan: Floats, guide: Floats, first: int) -> None:
    """Order from month `first` on what the guide has and the plan lacks, rounded up as far as power, space and budget go.

    Without a look ahead, and without moves: seconds instead of minutes, and a few percent worse.
    """
    p, x = task.problem, task.columns
    _pencil_in(task, plan, guide, first)
    purse = _purse(task, plan)
    for month in range(first, p.months):
        servers = servers_of(task, plan)[month]
        lacking = np.where(x.buy[month] >= 0, guide[x.servers[month]] - servers, 0.0)
        modules = plan[x.modules[month]]
        power = p.power_limit_w + modules * p.module_w - p.per_site(servers * p.watts[p.cell_type])
        room = p.space_limit_u + modules * p.module_u - p.per_site(servers * p.height_u[p.cell_type])
        for cell in np.argsort(-lacking, kind="stable").tolist():
            kind, site = int(p.cell_type[cell]), int(p.cell_site[cell])
            batch, year = int(p.batch[kind]), max(0, month - int(p.lead[kind])) // 12
            usd = max(float(p.prices.server[kind]) * batch, 1e-9)
            limits = (
                np.ceil(lacking[cell] / batch - NEAR),
                power[site] / (p.watts[kind] * batch) + 1e-9,
                room[site] / (p.height_u[kind] * batch) + 1e-9,
                purse[year] / usd + 1e-9,
            )
            count = np.floor(min(limits))
            if count <= 0:
                continue
            plan[x.buy[month, cell]] = count
            power[site] -= count * batch * p.watts[kind]
            room[site] -= count * batch * p.height_u[kind]
            purse[year] -= count * usd


def _purse(task: Task, plan: Floats) -> Floats:
    """Return what is left of the budget of each year `[Y]` after what the plan orders."""
    p, x = task.problem, task.columns
    left = p.prices.budget.astype(float).copy()
    built = np.diff(plan[x.modules], axis=0, prepend=0.0) @ p.prices.module
    np.subtract.at(left, np.maximum(np.arange(p.months) - p.module_lead, 0) // 12, built)
    time, cell = np.nonzero(x.buy >= 0)
    kind = p.cell_type[cell]
    spent = plan[x.buy[time, cell]] * (p.prices.server * p.batch)[kind]
    np.subtract.at(left, (time - p.lead[kind]) // 12, spent)
    return left


def idle(task: Task) -> Floats:
    """Return the plan that does nothing: servers go at the end of their life, nothing else happens."""
    plan = np.zeros(len(task.program.cost))
    plan[task.columns.retired] = np.minimum(task.problem.aged, task.problem.now)
    return plan


def finished(task: Task, plan: Floats, **limits: object) -> Floats | None:
    """Return the point whose whole columns are those of a plan and whose work is the best for them; None without one.

    An interior point is a hair outside: its work is cut down to the servers there are, and what is missing is short.
    """
    p, x = task.problem, task.columns
    whole = np.flatnonzero(task.program.integer)
    point = plan.copy()
    point[whole] = np.round(plan[whole])
    point[x.servers] = servers_of(task, point)
    fixed = np.concatenate([whole, x.servers.ravel()])
    answer = relaxation(task.program, fixed=fixed, at=point[fixed], **limits)
    if answer.x is None:
        return None
    work = np.maximum(answer.x[x.work], 0.0)
    busy = grouped(work, p.pair_cell, p.cells)
    there = np.broadcast_to(point[x.servers], busy.shape)
    cut = np.divide(there, busy, out=np.ones_like(busy), where=busy > there)
    work = work * cut[:, :, p.pair_cell]
    served = grouped(work * p.value, p.pair_service, len(p.service_names))
    point[x.work], point[x.short] = work, np.maximum(p.demand - served, 0.0)
    return point


def servers_of(task: Task, plan: Floats) -> Floats:
    """Return the servers `[T, C]` that whole decisions lead to."""
    p, x = task.problem, task.columns

    def of(numbers: Ints) -> Floats:
        return np.where(numbers >= 0, plan[numbers], 0.0)

    change = of(x.buy) * p.batch[p.cell_type] - of(x.leave) + of(x.enter)
    return p.now + change.cumsum(axis=0) - plan[x.retired]


def _pencil_in(task: Task, plan: Floats, guide: Floats, first: int) -> None:
    """Write into the plan what later months will do if nobody decides: retire as the guide does, order nothing."""
    x = task.columns
    for numbers in (x.buy, x.leave, x.enter):
        later = numbers[(numbers >= 0)]
        later = later[task.calendar.month[later] >= first]
        plan[later] = 0.0
    bounds = task.program.lower[x.retired], task.program.upper[x.retired]
    wanted = np.clip(np.floor(guide[x.retired] + NEAR), *bounds)
    if first:
        wanted[first:] = np.maximum(wanted[first:], plan[x.retired[first - 1]])
    plan[x.retired[first:]] = np.maximum.accumulate(wanted[first:], axis=0)


def _what_is_left(task: Task, plan: Floats, first: int, stop: Stop) -> tuple[Floats, Floats] | None:
    """Solve the linear program of the months from `first` on; return the whole point and the prices of all rows."""
    settled = (task.calendar.month < first) | task.calendar.modules
    part = window(task.program, ~settled, settled, plan, np.zeros(len(task.program.row_lower)))
    answer = relaxation(part.program, should_stop=stop)
    if answer.x is None or answer.row_dual is None:
        return None
    guide, prices = plan.copy(), np.zeros(len(task.program.row_lower))
    guide[part.free], prices[part.rows] = answer.x, answer.row_dual
    return guide, prices


def _decide(
    task: Task,
    plan: Floats,
    guided: tuple[Floats, Floats],
    months: tuple[int, int],
    effort: tuple[float, Stop],
) -> None:
    """Decide the months [first, last) in whole numbers and write them into the plan, if any are found."""
    dates, (first, last), (guide, prices) = task.calendar, months, guided
    now = (dates.month >= first) & (dates.month < last) & ~dates.modules
    free = now | (dates.servers & (dates.month >= last))
    settled = ((dates.month < first) | dates.modules | dates.order) & ~free
    part = window(task.program, free, settled, plan, prices)
    highs = Highs(part.program)
    columns, upper = _band(task, plan, guide, months, part)
    highs.change_columns(columns, part.program.lower[columns], upper)
    begun, (seconds, stop) = time.process_time(), effort
    answer = highs.solve(
        gap=1e-4,
        should_stop=lambda: stop() or time.process_time() - begun > seconds,
        time_limit_s=20 * seconds,
    )
    if answer.x is not None:
        plan[part.free] = np.where(part.program.integer, np.round(answer.x), answer.x)


def _band(
    task: Task, plan: Floats, guide: Floats, months: tuple[int, int], part: Window
) -> tuple[Ints, Floats]:
    """Return the whole columns of a window and how far they may go above what the guide has ordered by its end."""
    x, (first, last) = task.columns, months
    found, limits = [], []
    for numbers, extra in ((x.buy, BAND), (x.leave, 0.0), (x.enter, 0.0)):
        there = numbers >= 0
        month = np.where(there, task.calendar.month[numbers], -1)
        before = np.where(there & (month < first), plan[numbers], 0.0).sum(axis=0)
        until = np.where(there & (month < last), guide[numbers], 0.0).sum(axis=0)
        most = np.maximum(np.ceil(until - NEAR) + extra - before, 0.0)
        inside = there & (month >= first) & (month < last)
        found.append(numbers[inside])
        limits.append(np.broadcast_to(most, numbers.shape)[inside])
    retired = x.retired[first:last].ravel()
    found.append(retired)
    limits.append(np.maximum(np.ceil(guide[retired] - NEAR), plan[retired]))
    columns = part.position(np.concatenate(found))
    return columns, np.minimum(np.concatenate(limits), part.program.upper[columns])
