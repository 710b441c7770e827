"""The plan of a maintenance: when each job begins, what is drained for it, its claims, and the record of its solve."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from solvers.formulations.maintenance import Terms, Variables, maintenance_program
from solvers.highs import Answer, Highs
from solvers.linear import Floats, Ints, LinearProgram
from solvers.maintenance_problem import Job, MaintenanceProblem, maintenance_problem, with_demand
from solvers.proposal import Proposal, Step, plan_document
from twin.model.fleet import Fleet
from twin.model.names import compress
from twin.model.units import format_quantity
from twin.records.solution import (
    Alternative,
    Conflict,
    Sensitivity,
    Shortfall,
    Solution,
    SolveStatus,
    Table,
)

NEVER = -1


def plan_maintenance(
    fleet: Fleet,
    jobs: Sequence[Job],
    *,
    start: datetime,
    window_s: float,
    terms: Terms,
    slot_s: float = 1800.0,
    rack_w: Mapping[str, float] | None = None,
    time_limit_s: float = 60.0,
    should_stop: Callable[[], bool] = lambda: False,
) -> Proposal:
    """Return when to do which job at least risk. Racks that a job takes down are drained before and given back after it."""
    problem = maintenance_problem(fleet, jobs, start=start, window_s=window_s, slot_s=slot_s, rack_w=rack_w)
    clock = time.monotonic()
    program, v = maintenance_program(problem, terms)
    answer = Highs(program).solve(time_limit_s=time_limit_s, should_stop=should_stop)
    seconds = time.monotonic() - clock
    begins = begin_slots(problem, answer, v)
    steps = list(steps_of(problem, begins))
    document = None
    if steps:
        done = begins >= 0
        end_s = float(((begins + problem.length) * problem.slot_s)[done].max())
        document = plan_document(
            fleet,
            "maintenance",
            description=f"{int(done.sum())} of {len(jobs)} jobs, at least risk of a further loss.",
            window=(start, start + timedelta(seconds=max(end_s, window_s))),
            steps=steps,
            claims=[
                {"metric": "overloads", "limit": "none new", "for": "1 min"},
                {"metric": "breaker_trips", "limit": "none new"},
                {"metric": "slo_violations", "limit": "none new", "for": "2 min"},
            ],
        )
    solution = _solution(fleet, (problem, terms, program, answer), begins, seconds, should_stop)
    return Proposal(document, solution)


def begin_slots(problem: MaintenanceProblem, answer: Answer, v: Variables) -> Ints:
    """Return the slot in which each job begins (-1: never)."""
    begins = np.full(len(problem.jobs), NEVER, dtype=np.int64)
    if answer.x is not None:
        chosen = np.flatnonzero(answer.x[v.starts] > 0.5)
        begins[v.job[chosen]] = v.slot[chosen]
    return begins


def steps_of(problem: MaintenanceProblem, begins: Ints) -> Iterator[Step]:
    """Yield the steps in time order; a rack is drained before the first job that takes it down and given back after it."""
    for number, j in enumerate(np.argsort(begins, kind="stable").tolist()):
        if begins[j] < 0:
            continue
        job, at_s = problem.jobs[j], float(begins[j]) * problem.slot_s
        name, racks = f"job-{number + 1}", compress(list(problem.drained[j]))
        when: Step = {"at": _duration(at_s)}
        if racks:
            together = {"racks": racks, "batch": len(problem.drained[j])}
            yield {"id": f"drain-{number + 1}", "do": "rack.drain@1", **when, "params": together}
            when = {"after": [f"drain-{number + 1}"]}
        yield {
            "id": name,
            "do": "unit.maintain@1",
            **when,
            "params": {"unit": job.unit, "lasts": _duration(job.lasts_s)},
        }
        if racks:
            yield {"id": f"back-{number + 1}", "do": "rack.undrain@1", "after": [name], "params": together}


def _duration(seconds: float) -> str:
    return format_quantity(seconds, "duration") if seconds else "0 min"


def worth(problem: MaintenanceProblem, terms: Terms, begins: Ints) -> float:
    """Return the objective of a schedule, counted slot by slot (waiting, risk, shortage, what is skipped)."""
    runs = running(problem, begins)
    missing = np.maximum(problem.lost @ runs - problem.room, 0.0)
    price = np.where(problem.certain, terms.short, terms.short_after)
    unsafe = terms.unsafe * float((problem.unsafe * runs).sum())
    waits = terms.wait * float(begins[begins >= 0].sum())
    risk, short = float((problem.risk * runs).sum()), float((price[:, None] * missing).sum())
    return risk + unsafe + short + waits + terms.skip * int((begins < 0).sum())


def running(problem: MaintenanceProblem, begins: Ints) -> Floats:
    """Return which jobs run in which slots `[J, T]`."""
    slot = np.arange(problem.slots)
    return (
        (begins[:, None] >= 0) & (slot >= begins[:, None]) & (slot < (begins + problem.length)[:, None])
    ).astype(np.float64)


def broken_rules(problem: MaintenanceProblem, terms: Terms, begins: Ints) -> list[str]:
    """Return what a schedule breaks: conflicts that overlap, more jobs than crews."""
    runs = running(problem, begins)
    wrong = [why for group, why in problem.conflicts if (runs[list(group)].sum(axis=0) >= len(group)).any()]
    for site in dict.fromkeys(problem.at):
        here = np.array([name == site for name in problem.at])
        if runs[here].sum(axis=0).max(initial=0.0) > terms.crews:
            wrong.append(f"more than {terms.crews} jobs at once at {site}")
    return wrong


def _solution(
    fleet: Fleet,
    solved: tuple[MaintenanceProblem, Terms, LinearProgram, Answer],
    begins: Ints,
    seconds: float,
    should_stop: Callable[[], bool],
) -> Solution:
    problem, terms, program, answer = solved
    status: SolveStatus = (
        "nothing" if answer.x is None else "optimal" if answer.status == "optimal" else "feasible"
    )
    runs = running(problem, begins)
    risk = float((problem.risk * runs).sum())
    return Solution(
        formulation="maintenance",
        plan="maintenance",
        plan_digest="",
        fleet=fleet.name,
        fleet_digest="",
        status="interrupted" if should_stop() else status,
        route="mip",
        objective=worth(problem, terms, begins),
        bound=answer.bound,
        bound_by="branch and bound",
        gap=answer.gap,
        seconds=seconds,
        size={
            "columns": len(program.cost),
            "rows": len(program.row_lower),
            "integers": int(program.integer.sum()),
        },
        currency="requests",
        costs={"requests at risk": risk, "all": worth(problem, terms, begins)},
        shortfalls=tuple(_shortfalls(problem, terms, begins)),
        conflicts=tuple(
            Conflict(
                wishes=(*(f"{problem.jobs[j].unit} at the same time" for j in group), why),
                proven_smallest=True,
            )
            for group, why in problem.conflicts
        ),
        sensitivity=tuple(_sensitivity(problem, terms)),
        alternatives=tuple(_alternatives(problem, terms, begins)),
        tables=(_changes(problem, begins),),
        risks=tuple(_risks(problem, begins)),
        notes=(
            "risk: the chance that a further thing fails in a slot x the requests that it would hit, more than without the job",
            "a thing without mtbf never fails in this count; what a job takes down itself is drained before",
            "loads by the hour follow today's shares of traffic; a unit counts as overloaded from 95 % of its rating on",
        ),
        inputs={
            "start": problem.start.isoformat(),
            "slot_s": f"{problem.slot_s:g}",
            "crews": str(terms.crews),
        },
    )


def _shortfalls(problem: MaintenanceProblem, terms: Terms, begins: Ints) -> Iterator[Shortfall]:
    """Yield jobs that fit nowhere, and capacity that is missing while nothing else is lost."""
    for j in np.flatnonzero(begins < 0):
        job = problem.jobs[j]
        because = tuple(why for group, why in problem.conflicts if j in group)
        hours = job.lasts_s / 3600
        text = f"{job.unit}: no slot of the window fits its {hours:.3g} h"
        yield Shortfall(
            who=job.unit,
            amount=hours,
            unit="h",
            where=problem.at[j],
            cost=terms.skip,
            because=because,
            text=text,
        )
    missing = np.maximum(problem.lost @ running(problem, begins) - problem.room, 0.0)
    for n in np.flatnonzero(problem.certain & (missing.max(axis=1, initial=0.0) > 1e-6)):
        most, cost = float(missing[n].max()), float(terms.short * missing[n].sum())
        text = f"{problem.pools[n]}: {most:.4g} RRU short while the work goes on"
        yield Shortfall(who=problem.pools[n], amount=most, unit="RRU", cost=cost, text=text)


def _risks(problem: MaintenanceProblem, begins: Ints) -> Iterator[str]:
    """Yield what a further loss would take below what users need, worst first."""
    slots = (problem.unsafe * running(problem, begins)).sum(axis=1)
    for j in np.flatnonzero(slots):
        hours = float(slots[j]) * problem.slot_s / 3600
        yield f"{problem.jobs[j].unit}: for {hours:.3g} h a further loss would load a unit above its rating"
    missing = np.maximum(problem.lost @ running(problem, begins) - problem.room, 0.0).max(axis=1, initial=0.0)
    missing[problem.certain] = 0.0
    for n in np.argsort(-missing, kind="stable")[:8]:
        if missing[n] > 1e-6:
            yield f"{problem.pools[n]}: {missing[n]:.4g} RRU below what users need"


def _alternatives(problem: MaintenanceProblem, terms: Terms, begins: Ints) -> Iterator[Alternative]:
    """Yield the plan, all at once, one after the other, and doing nothing."""
    ends = np.cumsum(problem.length)
    in_turn = np.where(ends <= problem.slots, ends - problem.length, NEVER)
    fits = np.where(problem.length <= problem.slots, 0, NEVER)
    for name, schedule in (
        ("plan", begins),
        ("all at once", fits),
        ("one after the other", in_turn),
        ("nothing", np.full(len(begins), NEVER)),
    ):
        wrong = broken_rules(problem, terms, schedule)
        risk = float((problem.risk * running(problem, schedule)).sum())
        text = f"{risk:.6g} requests at risk, {int((schedule < 0).sum())} jobs not done"
        text += f"; breaks: {'; '.join(wrong)}" if wrong else ""
        yield Alternative(
            name=name, text=text, objective=worth(problem, terms, schedule), moves=int((schedule >= 0).sum())
        )


def _sensitivity(problem: MaintenanceProblem, terms: Terms) -> Iterator[Sensitivity]:
    for change, factor in (("-5 %", 0.95), ("+5 %", 1.05)):
        other = with_demand(problem, factor)
        program, v = maintenance_program(other, terms)
        begins = begin_slots(other, Highs(program).solve(time_limit_s=10.0), v)
        missing = np.maximum(other.lost @ running(other, begins) - other.room, 0.0)[other.certain].sum()
        yield Sensitivity(
            change=f"demand {change}",
            objective=worth(other, terms, begins),
            shortage=float(missing),
            moves=float((begins >= 0).sum()),
        )


def _changes(problem: MaintenanceProblem, begins: Ints) -> Table:
    runs = running(problem, begins)
    rows = []
    for j in np.argsort(begins, kind="stable").tolist():
        job = problem.jobs[j]
        if begins[j] >= 0:
            at = problem.start + timedelta(seconds=float(begins[j]) * problem.slot_s)
            risk = round(float(problem.risk[j] @ runs[j]), 3)
            drained = " ".join(compress(list(problem.drained[j])))
            rows.append((job.unit, f"{at:%Y-%m-%d %H:%M}", round(job.lasts_s / 3600, 3), risk, drained))
    columns = ("unit", "begins_utc", "lasts_h", "requests_at_risk", "drained")
    return Table(name="changes", title="Jobs in their order", columns=columns, rows=tuple(rows))
