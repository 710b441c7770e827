"""Plan the capacity of a fleet: who gets which servers, so that every reservation keeps its demand after any declared loss.

The whole line in one call: fleet → problem → allocation → waves → plan, with the record of the solve beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from solvers.capacity_energy import energy_change
from solvers.capacity_fleet import FleetProblem, Wishes
from solvers.capacity_phases import solve_in_phases
from solvers.capacity_plan import Move, steps_of, transfers_of, waves_of
from solvers.capacity_record import (
    alternatives,
    bindings,
    conflicts,
    gap_in_servers,
    sensitivities,
    shortfalls,
    tables,
)
from solvers.capacity_solve import Effort, Solved
from solvers.proposal import Proposal, first_hour, plan_document
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.records.solution import Solution

WAVE = 50  # servers at once, where nothing else is asked for
ENERGY = 0.015  # by which the energy may differ from what is claimed: cooling and hours off the peak are not counted
MARGIN = timedelta(hours=1)
ABSURD = 1e7  # between the largest and the smallest price: beyond it the solver's tolerances decide


@dataclass(frozen=True)
class Planned:
    """A plan with its solution, and what both come from."""

    proposal: Proposal
    given: FleetProblem
    solved: Solved
    waves: tuple[tuple[Move, ...], ...]


@dataclass(frozen=True)
class Form:
    """How the plan is called, when it may begin (default: the next full hour of the fleet's time), how much moves at once.

    `watch` is how long its window stays open after the last step: the twin judges until then.
    """

    name: str = "capacity"
    start: datetime | None = None
    wave: int = WAVE
    watch: timedelta = MARGIN


def plan_capacity(
    fleet: Fleet, wishes: Wishes | None = None, effort: Effort | None = None, form: Form | None = None
) -> Planned:
    """Return the plan that gives every reservation what it needs, as far as servers, power and time allow.

    The demand is that of the fleet: `twin.model.demand.with_demand` scales it. Raises UsageError for wishes that name nothing.
    """
    wishes, effort, form = wishes or Wishes(), effort or Effort(), form or Form()
    if form.wave < 1:
        raise UsageError(f"a wave of {form.wave} servers moves nothing; give at least 1")
    phased = solve_in_phases(fleet, wishes, effort)
    given, solved = phased.given, phased.solved
    waves = waves_of(given, transfers_of(given.problem, solved.counts), form.wave)
    steps, length = steps_of(fleet, given, waves, solved.counts)
    start = first_hour(fleet, form.start, datetime.now(UTC))
    document = None
    if steps:
        document = plan_document(
            fleet,
            form.name,
            description=_described(solved, waves),
            window=(start, start + length + form.watch),
            steps=steps,
            claims=[
                {
                    "metric": "energy_kwh",
                    "limit": f"{energy_change(fleet, given, solved.counts):+.1%} ± {ENERGY:.1%} of reference",
                }
            ],
        )
    solution = _solution(fleet, given, solved, wishes)
    notes = ((phased.note,) if phased.note else ()) + solution.notes
    solution = solution.model_copy(update={"plan": form.name, "notes": notes})
    return Planned(Proposal(document, solution), given, solved, tuple(map(tuple, waves)))


def _described(solved: Solved, waves: Sequence[Sequence[Move]]) -> str:
    moved = sum(move.count for wave in waves for move in wave)
    if not moved:
        return "Nothing moves; services get the replicas that their demand needs."
    several = "s" if len(waves) != 1 else ""
    return f"{moved} servers change their owner in {len(waves)} wave{several}, by the {solved.route} route."


def _solution(fleet: Fleet, given: FleetProblem, solved: Solved, wishes: Wishes) -> Solution:
    servers, kilowatts = gap_in_servers(given, solved)
    return Solution(
        formulation="capacity",
        plan="",
        plan_digest="",
        fleet=fleet.name,
        fleet_digest="",
        status=solved.status,
        route=solved.route,
        why=solved.why,
        objective=solved.value.objective,
        bound=solved.bound,
        bound_by=solved.bound_by,
        gap=solved.gap,
        gap_servers=servers,
        gap_kw=kilowatts,
        seconds=round(solved.seconds, 3),
        size={
            "servers": int(given.problem.servers.sum()),
            "reservations": given.problem.reservations,
            "cells": given.problem.cells,
            "pairs": given.problem.pairs,
            "integers": solved.integers,
            "rows": 0 if solved.program is None else len(solved.program.row_lower),
        },
        costs={name: round(cost, 6) for name, cost in solved.value.costs.items()},
        binding=bindings(given, solved),
        shortfalls=shortfalls(given, solved),
        conflicts=conflicts(given, solved),
        sensitivity=sensitivities(given, solved),
        alternatives=alternatives(given, solved),
        tables=tables(given, solved),
        risks=tuple(
            f"{name} promises {factor:g} times what it keeps: asked for all at once, {1 - 1 / factor:.0%} is not there"
            for name, factor in sorted(wishes.overcommit.items())
            if factor > 1
        ),
        notes=(*_scaling(wishes), _point(wishes), *given.assumed),
    )


def _point(wishes: Wishes) -> str:
    prices = wishes.prices
    return f"prices in points: a server moved {prices.move:g}, a server equivalent that is missing {prices.shortage:g}"


def _scaling(wishes: Wishes) -> tuple[str, ...]:
    """Return a warning where prices are so far apart that rounding decides among the cheap ones."""
    prices = wishes.prices
    paid = [price for price in (prices.move, prices.use, prices.buffer, prices.shortage) if price > 0]
    if len(paid) > 1 and max(paid) / min(paid) > ABSURD:
        return (
            f"prices from {min(paid):g} to {max(paid):g} are so far apart that what is cheap is lost in rounding; "
            "bring them within a factor of ten million",
        )
    return ()
