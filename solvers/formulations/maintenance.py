"""Maintenance: which jobs run together, in which slots, at least risk.

    min   Σ_jt (risk[j,t] + unsafe[j,t]) · runs[j,t]  +  wait · Σ_jt t · starts[j,t]
          +  skip · Σ_j skipped[j]  +  short · Σ_nt short[n,t]
    with  runs[j,t] = Σ_{t − length < t' ≤ t} starts[j,t']

starts[j,t] is 1 where job j begins in slot t. A job that fits nowhere is skipped at a price; missing capacity has a price.
Each function is one constraint.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solvers.linear import Axis, Ints, LinearModel, LinearProgram
from solvers.maintenance_problem import MaintenanceProblem


@dataclass(frozen=True)
class Terms:
    """At most `crews` jobs run at a site; what a slot of waiting, a job skipped, and an RRU missing for a slot cost [requests].

    `short_after` is the price of an RRU that would be missing if a further thing were lost, `unsafe` that of a slot in which a
    further loss would overload a unit.
    """

    crews: int = 2
    wait: float = 1e-3
    skip: float = 1e9
    short: float = 1e6
    short_after: float = 1.0
    unsafe: float = 1e5


@dataclass(frozen=True)
class Variables:
    """The columns: starts of jobs `[S]` with their job and slot, and jobs that are skipped `[J]`."""

    starts: Ints
    job: Ints
    slot: Ints
    skipped: Ints


def maintenance_program(problem: MaintenanceProblem, terms: Terms) -> tuple[LinearProgram, Variables]:
    """Return the program of a maintenance problem. Cost: slots x (conflicts + pools + sites) x jobs x length entries."""
    model = LinearModel("maintenance")
    v = maintenance_variables(model, problem, terms)
    each_job_is_done_once(model, problem, v)
    conflicting_jobs_do_not_overlap(model, problem, v)
    crews_suffice(model, problem, terms, v)
    capacity_suffices_after_any_loss(model, problem, terms, v)
    return model.build(), v


def maintenance_variables(model: LinearModel, problem: MaintenanceProblem, terms: Terms) -> Variables:
    """Add the columns: a start for each slot from which the job ends within the window."""
    last: Ints = problem.slots - problem.length
    job = np.repeat(np.arange(len(problem.jobs)), np.maximum(last + 1, 0))
    slot = np.concatenate([np.arange(max(0, n + 1)) for n in last] or [np.zeros(0, dtype=np.int64)])
    names = [one.unit for one in problem.jobs]
    risky = problem.risk + terms.unsafe * problem.unsafe
    whole = np.concatenate([np.zeros((len(names), 1)), np.cumsum(risky, axis=1)], axis=1)
    risk = whole[job, slot + problem.length[job]] - whole[job, slot]
    starts = model.columns(
        "starts",
        [Axis(names, job), Axis(_slots(problem), slot)],
        upper=1.0,
        cost=risk + terms.wait * slot,
        integer=True,
    )
    skipped = model.columns("skipped", [Axis(names)], upper=1.0, cost=terms.skip, integer=True)
    return Variables(starts, job, slot, skipped)


def each_job_is_done_once(model: LinearModel, problem: MaintenanceProblem, v: Variables) -> None:
    """Σ_t starts[j,t] + skipped[j] = 1."""
    j = np.arange(len(problem.jobs))
    model.rows(
        "each_job_is_done_once",
        [Axis([job.unit for job in problem.jobs])],
        [(v.job, v.starts, 1.0), (j, v.skipped, 1.0)],
        lower=1.0,
        upper=1.0,
        text="a job is done once",
    )


def conflicting_jobs_do_not_overlap(model: LinearModel, problem: MaintenanceProblem, v: Variables) -> None:
    """Σ_{j in set} runs[j,t] ≤ jobs in the set − 1."""
    column, job, slot = _running(problem, v)
    sets = [group for group, _ in problem.conflicts]
    inside = np.zeros((len(sets), len(problem.jobs)), dtype=bool)
    for one, group in enumerate(sets):
        inside[one, list(group)] = True
    number, entry = np.nonzero(inside[:, job])
    model.rows(
        "conflicting_jobs_do_not_overlap",
        [
            Axis(
                ["+".join(problem.jobs[j].unit for j in group) for group in sets],
                np.repeat(np.arange(len(sets)), problem.slots),
            ),
            Axis(_slots(problem), np.tile(np.arange(problem.slots), len(sets))),
        ],
        [(number * problem.slots + slot[entry], column[entry], 1.0)],
        upper=np.repeat([float(len(group) - 1) for group in sets], problem.slots),
        text="jobs that must not all run at once",
    )


def crews_suffice(model: LinearModel, problem: MaintenanceProblem, terms: Terms, v: Variables) -> None:
    """Σ_{j at site} runs[j,t] ≤ crews."""
    sites = list(dict.fromkeys(problem.at))
    site = np.array([sites.index(name) for name in problem.at], dtype=np.int64)
    column, job, slot = _running(problem, v)
    model.rows(
        "crews_suffice",
        [
            Axis(sites, np.repeat(np.arange(len(sites)), problem.slots)),
            Axis(_slots(problem), np.tile(np.arange(problem.slots), len(sites))),
        ],
        [(site[job] * problem.slots + slot, column, 1.0)],
        upper=float(terms.crews),
        text="crews at a site",
    )


def capacity_suffices_after_any_loss(
    model: LinearModel, problem: MaintenanceProblem, terms: Terms, v: Variables
) -> None:
    """Σ_j lost[n,j] · runs[j,t] ≤ room[n,t] + short[n,t] for each pool, with nothing and with any one thing lost besides."""
    column, job, slot = _running(problem, v)
    pools = len(problem.pools)
    axes = [
        Axis(problem.pools, np.repeat(np.arange(pools), problem.slots)),
        Axis(_slots(problem), np.tile(np.arange(problem.slots), pools)),
    ]
    number, entry = np.nonzero(problem.lost[:, job] > 0)
    price = np.where(problem.certain, terms.short, terms.short_after)
    short = model.columns("short", axes, cost=np.repeat(price, problem.slots))
    model.rows(
        "capacity_suffices_after_any_loss",
        axes,
        [
            (number * problem.slots + slot[entry], column[entry], problem.lost[number, job[entry]]),
            (np.arange(pools * problem.slots), short, -1.0),
        ],
        upper=problem.room.ravel(),
        text="capacity [RRU]",
    )


CONSTRAINTS = (
    each_job_is_done_once,
    conflicting_jobs_do_not_overlap,
    crews_suffice,
    capacity_suffices_after_any_loss,
)


def _running(problem: MaintenanceProblem, v: Variables) -> tuple[Ints, Ints, Ints]:
    """Return the starts that make a job run in a slot: column, job and slot of each."""
    width = problem.length[v.job]
    first = np.repeat(np.cumsum(width) - width, width)
    later = np.arange(int(width.sum())) - first
    return np.repeat(v.starts, width), np.repeat(v.job, width), np.repeat(v.slot, width) + later


def _slots(problem: MaintenanceProblem) -> list[str]:
    return [f"slot{t:03d}" for t in range(problem.slots)]
