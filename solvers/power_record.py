"""The record of a plan for stranded power: what becomes usable, what binds, what else there was, and what changes where."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from solvers.formulations.power import Terms, Variables, power_program
from solvers.highs import Answer, Highs
from solvers.linear import LinearProgram
from solvers.power_changes import Change
from solvers.power_problem import PowerProblem
from twin.graph.analysis_stranded import Domain
from twin.model.fleet import Fleet
from twin.model.names import compress
from twin.records.solution import Alternative, Binding, Solution, SolveStatus, Table


class Solved(NamedTuple):
    """A problem, its terms and program, and the answer; how long that took, and whether it was interrupted."""

    problem: PowerProblem
    terms: Terms
    program: LinearProgram
    v: Variables
    answer: Answer
    seconds: float
    interrupted: bool


def power_solution(
    fleet: Fleet,
    solved: Solved,
    made: Sequence[Change],
    seen: Sequence[tuple[Domain, Domain]],
    level: str,
) -> Solution:
    """Return the record of a solve; `seen` are the domains before and after, by the analysis of stranded power."""
    problem, terms, program, v, answer = solved[:5]
    then, now = (sum(pair[i].usable_va for pair in seen if pair[0].kind == level) / 1e3 for i in (0, 1))
    status: SolveStatus = (
        "nothing" if answer.x is None else "optimal" if answer.status == "optimal" else "feasible"
    )
    objective, usable_va = answer.objective if answer.x is not None else 0.0, _usable_va(problem, answer, v)
    return Solution(
        formulation="power",
        plan="power",
        plan_digest="",
        fleet=fleet.name,
        fleet_digest="",
        status="interrupted" if solved.interrupted else status,
        route="mip",
        objective=objective,
        bound=answer.bound,
        bound_by="branch and bound",
        gap=answer.gap,
        seconds=solved.seconds,
        size={
            "columns": len(program.cost),
            "rows": len(program.row_lower),
            "integers": int(program.integer.sum()),
        },
        currency="VA",
        costs={"usable (negative: gained)": -usable_va, "changes": round(objective + usable_va, 3) + 0.0},
        binding=tuple(_binding(problem, program, answer, v)),
        alternatives=(
            Alternative(name="plan", text=f"{now:.4g} kVA usable in whole servers", objective=objective),
            Alternative(
                name="nothing",
                text=f"{then:.4g} kVA usable in whole servers",
                objective=-_nothing_va(problem, terms),
            ),
            *_fewer(problem, terms),
            *_without_swaps(problem, terms, made),
        ),
        tables=(_changes(fleet, made), _domains(seen)),
        notes=tuple(_notes(problem, terms, level, worth=bool(made) and now > then)),
        inputs={"level": level, "changes": str(terms.changes), "depth": f"{terms.depth:g}"},
    )


def _notes(problem: PowerProblem, terms: Terms, level: str, *, worth: bool) -> Iterator[str]:
    if not worth:
        yield f"no {terms.changes} changes make more power usable: doing nothing is the plan (see what binds)"
    yield f"usable power is counted at the {level}; new servers at nameplate, each unit within its rating after any one loss"
    if terms.swaps and problem.swaps.each:
        yield (
            f"{len(problem.swaps.each)} kinds of swaps are candidates: no reservation has fewer servers of any type at any site,"
            " nor more there than today in its fullest rack, row, or domain of a family that reservations survive; servers draw"
            " what those of their next owner at the site draw now, and a plan that swaps has a window that is a day longer"
            " than its steps, so that the twin sees other hours"
        )
    elif terms.swaps:
        yield (
            "no swap is a candidate: nowhere do servers of one type and site draw more for one owner than for another (at"
            " nameplate all are alike), or those that do may not change hands"
        )


def _usable_va(problem: PowerProblem, answer: Answer, v: Variables) -> float:
    """Return what fractions of more servers could use [VA]."""
    if answer.x is None:
        return 0.0
    gain = np.outer(problem.gain_va[problem.option_feed], problem.type_va)
    gain += np.outer(problem.gain_w[problem.option_feed], problem.type_w)
    return float((gain * answer.x[v.new]).sum())


def _nothing_va(problem: PowerProblem, terms: Terms) -> float:
    program, v = power_program(problem, dataclasses.replace(terms, changes=0))
    return _usable_va(problem, Highs(program).solve(time_limit_s=20.0), v)


def _fewer(problem: PowerProblem, terms: Terms) -> Iterator[Alternative]:
    """Yield the best with one change, and with half of them: where the gain comes from."""
    for changes in sorted({1, terms.changes // 2} - {0, terms.changes}):
        if changes < terms.changes:
            of = "1 rack changes" if changes == 1 else f"{changes} racks change"
            name, text = f"up to {changes}", f"at most {of}"
            yield _other(problem, dataclasses.replace(terms, changes=changes), name, text)


def _without_swaps(problem: PowerProblem, terms: Terms, made: Sequence[Change]) -> Iterator[Alternative]:
    """Yield the best of caps and re-feeds, where the plan swaps: what swaps are worth."""
    if any(change.what == "swap" for change in made):
        text = f"no swaps, at most {terms.changes} racks change"
        yield _other(problem, dataclasses.replace(terms, swaps=False), "without swaps", text)


def _other(problem: PowerProblem, terms: Terms, name: str, text: str) -> Alternative:
    program, v = power_program(problem, terms)
    answer = Highs(program).solve(time_limit_s=20.0)
    usable = _usable_va(problem, answer, v) / 1e3
    return Alternative(
        name=name,
        text=f"{text}: {usable:.4g} kVA usable in fractions of servers",
        objective=answer.objective,
        moves=terms.changes,
    )


def _binding(
    problem: PowerProblem, program: LinearProgram, answer: Answer, v: Variables
) -> Iterator[Binding]:
    """Yield the limits that cost most at the racks of the plan: what one more kVA of each would make usable."""
    if answer.x is None:
        return
    fixed = dataclasses.replace(program, lower=program.lower.copy(), upper=program.upper.copy())
    whole = np.flatnonzero(program.integer)
    fixed.lower[whole] = fixed.upper[whole] = np.round(answer.x[whole])
    prices = Highs(fixed, relaxed=True).solve().row_dual
    if prices is None:
        return
    found = []
    for block in program.row_blocks:
        if block.name in ("units_carry_their_load", "plants_remove_the_heat"):
            for i in np.flatnonzero(prices[block.members] < -1e-6):
                row = block.first + int(i)
                found.append((-float(prices[row]), *block.label(int(i)), float(program.row_upper[row])))
    for price, unit, state, limit in sorted(found, reverse=True)[:12]:
        kind = "cooling" if unit == "cooling" else "unit"
        words = f"one more kVA at {unit} {'with nothing lost' if state == 'whole' else state} would make {price:.3g} kVA usable"
        yield Binding(
            kind=kind,
            thing=unit,
            state="" if state == "whole" else state,
            unit="VA",
            limit=limit,
            price=price,
            text=words,
        )


def _changes(fleet: Fleet, made: Sequence[Change]) -> Table:
    rows = tuple(
        (
            " ".join(change.touched) if change.others else " ".join(compress(list(change.racks))),
            change.what,
            " | ".join(
                " ".join(fleet.things[racks[0]][1].fed_by) for racks in (change.racks, change.others) if racks
            ),
            _planned(change),
        )
        for change in made
    )
    return Table(
        name="changes", title="Racks that change", columns=("racks", "what", "feeds_today", "plan"), rows=rows
    )


def _planned(change: Change) -> str:
    if change.what == "cap":
        return f"{change.limit_w / 1e3:.4g} kW"
    if change.what == "refeed":
        return " ".join(change.feeds)
    giver, taker = change.owners
    return f"{change.count} {change.kind} each: {change.racks[0]} {giver} > {taker}, {change.others[0]} {taker} > {giver}"


def _domains(seen: Sequence[tuple[Domain, Domain]]) -> Table:
    """Return what becomes usable in each domain, the largest gain first; those without a change are left out."""
    rows = [
        (
            then.name,
            then.kind,
            *(
                round(value / 1e3, 3)
                for value in (then.headroom_va, then.usable_va, now.usable_va, now.stranded_va)
            ),
        )
        for then, now in sorted(seen, key=lambda pair: pair[0].usable_va - pair[1].usable_va)
        if abs(now.usable_va - then.usable_va) > 1.0
    ]
    columns = ("domain", "kind", "headroom_kva", "usable_today_kva", "usable_plan_kva", "stranded_plan_kva")
    return Table(
        name="domains", title="Power that becomes usable (whole servers)", columns=columns, rows=tuple(rows)
    )
