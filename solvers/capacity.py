"""Plan the capacity of a fleet: who gets which servers, so that every reservation keeps its demand after any declared loss.

The whole line in one call: fleet → problem → allocation → waves → plan, with the record of the solve beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from solvers.capacity_fleet import FleetProblem, Wishes, capacity_problem
from solvers.capacity_plan import Move, moves_of, plan_of, waves_of
from solvers.capacity_record import (
    alternatives,
    bindings,
    conflicts,
    gap_in_servers,
    sensitivities,
    shortfalls,
    tables,
)
from solvers.capacity_solve import Effort, Solved, solve_capacity
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.model.plan import Plan
from twin.records.solution import Solution

WAVE = 50  # servers at once, where nothing else is asked for
ABSURD = 1e7  # between the largest and the smallest price: beyond it the solver's tolerances decide


@dataclass(frozen=True)
class Planned:
    """A plan, its solution, and what both come from."""

    plan: Plan
    solution: Solution
    given: FleetProblem
    solved: Solved
    waves: tuple[tuple[Move, ...], ...]


@dataclass(frozen=True)
class Document:
    """How the plan is called, when it may begin (default: the next full hour after the fleet's `as_of`), how much moves at once.

    `fleet_digest` and `command` go into the plan and its record.
    """

    name: str = "capacity"
    start: datetime | None = None
    wave: int = WAVE
    fleet_digest: str | None = None
    command: str = ""


def plan_capacity(
    fleet: Fleet, wishes: Wishes | None = None, effort: Effort | None = None, document: Document | None = None
) -> Planned:
    """Return the plan that gives every reservation what it needs, as far as servers, power and time allow.

    The demand is that of the fleet: `twin.model.demand.with_demand` scales it. Raises UsageError for wishes that name nothing.
    """
    wishes, effort, document = wishes or Wishes(), effort or Effort(), document or Document()
    if document.wave < 1:
        raise UsageError(f"a wave of {document.wave} servers moves nothing; give at least 1")
    given = capacity_problem(fleet, wishes)
    solved = solve_capacity(given.problem, effort)
    free = frozenset(
        name
        for name, demand in zip(given.problem.reservation_names, given.problem.demand, strict=True)
        if demand <= 0
    )
    waves = waves_of(moves_of(given, solved.counts), free, document.wave)
    header = {
        "name": document.name,
        "description": _described(solved, waves),
        "start": document.start or _next_hour(fleet),
        "digest": document.fleet_digest,
    }
    plan = plan_of(fleet, given, waves, solved.counts, header)
    return Planned(
        plan,
        _solution(fleet, given, solved, wishes, (plan, document)),
        given,
        solved,
        tuple(map(tuple, waves)),
    )


def _described(solved: Solved, waves: Sequence[Sequence[Move]]) -> str:
    moved = sum(move.count for wave in waves for move in wave)
    if not moved:
        return "Nothing moves: no allocation is worth its moves."
    return f"{moved} servers change their owner in {len(waves)} wave{'s' if len(waves) != 1 else ''}, by the {solved.route} route."


def _next_hour(fleet: Fleet) -> datetime:
    as_of = fleet.as_of or datetime(2026, 1, 1, tzinfo=UTC)
    return as_of.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _solution(
    fleet: Fleet, given: FleetProblem, solved: Solved, wishes: Wishes, made: tuple[Plan, Document]
) -> Solution:
    plan, document = made
    servers, kilowatts = gap_in_servers(given, solved)
    return Solution(
        formulation="capacity",
        plan=plan.plan,
        plan_digest="",
        fleet=fleet.name,
        fleet_digest=document.fleet_digest or "",
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
            f"{name} promises {factor:g} times what it keeps: if all of it is asked for at once, {1 - 1 / factor:.0%} is not there"
            for name, factor in sorted(wishes.overcommit.items())
            if factor > 1
        ),
        notes=(*_scaling(wishes), *given.assumed),
        command=document.command,
    )


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
