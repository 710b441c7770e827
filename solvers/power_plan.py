"""The plan for stranded power: cords that move, caps, its claims, and what the analysis says of the fleet with the plan done."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from solvers.formulations.power import Terms, Variables, power_program
from solvers.highs import Answer, Highs
from solvers.linear import LinearProgram
from solvers.power_problem import PowerProblem, power_problem
from solvers.proposal import Proposal, Step, plan_document
from twin.actions.fold import apply
from twin.actions.schedule import resolve
from twin.graph.analysis_chain import rack_loads
from twin.graph.analysis_stranded import Domain, stranded_power
from twin.graph.levels import Ints
from twin.model.fleet import Fleet
from twin.model.names import compress
from twin.model.plan import Plan
from twin.records.solution import Alternative, Binding, Solution, SolveStatus, Table

HOUR = timedelta(hours=1)


@dataclasses.dataclass(frozen=True)
class Change:
    """Racks of one class that are fed by other units (`feeds`), or capped at `limit_w` together."""

    racks: tuple[str, ...]
    feeds: tuple[str, ...] = ()
    limit_w: float = 0.0


def plan_power(
    fleet: Fleet,
    *,
    start: datetime,
    terms: Terms,
    level: str = "utility",
    sites: Sequence[str] = (),
    rack_w: Mapping[str, float] | None = None,
    swing_va: Mapping[str, float] | None = None,
    time_limit_s: float = 60.0,
    should_stop: Callable[[], bool] = lambda: False,
) -> Proposal:
    """Return the changes that make the most power usable, seen again by the analysis of stranded power. Raises UsageError.

    Caps count where servers count at nameplate; what racks draw (`rack_w`) they do not lower.
    """
    problem = power_problem(fleet, level=level, sites=sites, rack_w=rack_w, swing_va=swing_va)
    terms = terms if rack_w is None else dataclasses.replace(terms, caps=False)
    clock = time.monotonic()
    program, v = power_program(problem, terms)
    answer = Highs(program).solve(time_limit_s=time_limit_s, should_stop=should_stop)
    seconds = time.monotonic() - clock
    made = list(changes_of(fleet, problem, terms, answer, v))
    document, steps = None, list(steps_of(made))
    if steps:
        document = plan_document(
            fleet,
            "power",
            description=_description(made, answer, level),
            window=(start, start + (1 + 2 * sum(len(change.racks) for change in made)) * HOUR),
            steps=steps,
            claims=[
                {"metric": "overloads", "limit": "none new", "for": "1 min"},
                {"metric": "breaker_trips", "limit": "none new"},
                {"metric": "slo_violations", "limit": "none new", "for": "2 min"},
            ],
        )
    after = _folded(fleet, document)
    capped = {
        rack: change.limit_w / len(change.racks) for change in made if change.limit_w for rack in change.racks
    }
    seen = _seen(fleet, after, sites, (rack_w, swing_va), capped)
    gain_va = sum(now.usable_va - then.usable_va for then, now in seen if then.kind == level)
    if document is not None and gain_va <= 0:
        document = None
    solution = _solution(
        fleet, (problem, terms, program, v, answer), seconds, made, (seen, level), should_stop
    )
    return Proposal(document, solution)


def changes_of(
    fleet: Fleet, problem: PowerProblem, terms: Terms, answer: Answer, v: Variables
) -> Iterator[Change]:
    """Yield what the answer changes, class by class; the last racks of a class are moved, the first ones are capped."""
    if answer.x is None:
        return
    on: Ints = np.round(answer.x[v.on]).astype(np.int64)
    capped: Ints = np.round(answer.x[v.capped]).astype(np.int64)
    for r, one in enumerate(problem.classes):
        left = list(one.racks)
        for option in np.flatnonzero((problem.option_class == r) & ~problem.home & (on > 0)):
            moved = [left.pop() for _ in range(on[option])]
            yield Change(tuple(sorted(moved)), problem.feeds[problem.option_feed[option]].units)
        if capped[r]:
            racks = tuple(left[: capped[r]])
            servers_w = sum(_servers_w(fleet, rack) for rack in racks)
            yield Change(racks, limit_w=(1.0 - terms.depth) * servers_w)


def steps_of(made: Sequence[Change]) -> Iterator[Step]:
    """Yield the steps, one after the other: caps first, for what they free is there at once."""
    before = ""
    for number, change in enumerate(sorted(made, key=lambda change: not change.limit_w)):
        when: Step = {"after": [before]} if before else {"at": "0 min"}
        racks = compress(list(change.racks))
        if change.limit_w:
            do, params = "power.cap@1", {"racks": racks, "limit": f"{change.limit_w:.6g} W"}
        else:
            do, params = "rack.refeed@1", {"racks": racks, "feeds": list(change.feeds)}
        before = f"{'cap' if change.limit_w else 'refeed'}-{number + 1}"
        yield {"id": before, "do": do, **when, "params": params}


def _servers_w(fleet: Fleet, rack: str) -> float:
    """Return the nameplate of the servers of a rack: what a cap is a part of."""
    without = fleet.things[rack][1].model_copy(update={"switches": ()})
    alone = fleet.model_copy(
        update={
            "racks": (without,),
            "switches": (),
            "server_groups": tuple(group for group in fleet.server_groups if group.rack == rack),
        }
    )
    return rack_loads(alone)[rack][1]


def _folded(fleet: Fleet, document: dict[str, Any] | None) -> Fleet:
    if document is None:
        return fleet
    schedule = resolve(Plan.model_validate(document, context={"document": True}), fleet)
    return apply(schedule.fleet, [change.change for change in schedule.timeline().changes])


def _seen(
    fleet: Fleet,
    after: Fleet,
    sites: Sequence[str],
    drawn: tuple[Mapping[str, float] | None, Mapping[str, float] | None],
    capped: Mapping[str, float],
) -> list[tuple[Domain, Domain]]:
    """Return each domain before and after, by the analysis of stranded power: in whole servers, capped racks at their cap."""
    rack_w, swing_va = drawn
    full = rack_loads(fleet)
    now_w = dict(rack_w or {})
    for rack, limit_w in capped.items():
        now_w[rack] = full[rack][1] - _servers_w(fleet, rack) + limit_w
    pairs = []
    for site in sites or [site.name for site in fleet.sites]:
        then = stranded_power(fleet, site=site, rack_w=rack_w, swing_va=swing_va).domains
        now = {
            domain.name: domain
            for domain in stranded_power(after, site=site, rack_w=now_w or None, swing_va=swing_va).domains
        }
        pairs += [(domain, now[domain.name]) for domain in then if domain.name in now]
    return pairs


def _description(made: Sequence[Change], answer: Answer, level: str) -> str:
    moved, capped = (
        sum(len(change.racks) for change in made if bool(change.limit_w) is cap) for cap in (False, True)
    )
    parts = [f"{moved} racks on other feeds" * bool(moved), f"{capped} racks capped" * bool(capped)]
    return f"{' and '.join(filter(None, parts))}, so that more power below the {level} can be used."


def _usable_va(problem: PowerProblem, answer: Answer, v: Variables) -> float:
    """Return what fractions of more servers could use [VA]."""
    if answer.x is None:
        return 0.0
    gain = np.outer(problem.gain_va[problem.option_feed], problem.type_va)
    gain += np.outer(problem.gain_w[problem.option_feed], problem.type_w)
    return float((gain * answer.x[v.new]).sum())


def _solution(
    fleet: Fleet,
    solved: tuple[PowerProblem, Terms, LinearProgram, Variables, Answer],
    seconds: float,
    made: Sequence[Change],
    seen_at: tuple[list[tuple[Domain, Domain]], str],
    should_stop: Callable[[], bool],
) -> Solution:
    problem, terms, program, v, answer = solved
    seen, level = seen_at
    then, now = (sum(pair[i].usable_va for pair in seen if pair[0].kind == level) / 1e3 for i in (0, 1))
    status: SolveStatus = (
        "nothing" if answer.x is None else "optimal" if answer.status == "optimal" else "feasible"
    )
    notes = [
        f"usable power is counted at the {level}; new servers at nameplate, each unit within its rating after any one loss",
        "no verb moves servers between racks: swaps are not among the candidates (capacity.retire and capacity.add could do it)",
    ]
    if not made or now <= then:
        notes.insert(
            0,
            f"no {terms.changes} changes make more power usable: doing nothing is the plan (see what binds)",
        )
    return Solution(
        formulation="power",
        plan="power",
        plan_digest="",
        fleet=fleet.name,
        fleet_digest="",
        status="interrupted" if should_stop() else status,
        route="mip",
        objective=answer.objective if answer.x is not None else 0.0,
        bound=answer.bound,
        bound_by="branch and bound",
        gap=answer.gap,
        seconds=seconds,
        size={
            "columns": len(program.cost),
            "rows": len(program.row_lower),
            "integers": int(program.integer.sum()),
        },
        currency="VA",
        costs={"usable (negative: gained)": -_usable_va(problem, answer, v)},
        binding=tuple(_binding(problem, program, answer, v)),
        alternatives=(
            Alternative(
                name="plan", text=f"{now:.4g} kVA usable in whole servers", objective=answer.objective
            ),
            Alternative(
                name="nothing",
                text=f"{then:.4g} kVA usable in whole servers",
                objective=-_nothing_va(problem, terms),
            ),
            *_fewer(problem, terms),
        ),
        tables=(_changes(fleet, made), _domains(seen)),
        notes=tuple(notes),
        inputs={"level": level, "changes": str(terms.changes), "depth": f"{terms.depth:g}"},
    )


def _nothing_va(problem: PowerProblem, terms: Terms) -> float:
    program, v = power_program(problem, dataclasses.replace(terms, changes=0))
    return _usable_va(problem, Highs(program).solve(time_limit_s=20.0), v)


def _fewer(problem: PowerProblem, terms: Terms) -> Iterator[Alternative]:
    """Yield the best with one change, and with half of them: where the gain comes from."""
    for changes in sorted({1, terms.changes // 2} - {0, terms.changes}):
        if changes < terms.changes:
            program, v = power_program(problem, dataclasses.replace(terms, changes=changes))
            answer = Highs(program).solve(time_limit_s=20.0)
            usable = _usable_va(problem, answer, v) / 1e3
            text = f"at most {changes} racks change: {usable:.4g} kVA usable in fractions of servers"
            yield Alternative(name=f"{changes} changes", text=text, objective=answer.objective, moves=changes)


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
            " ".join(compress(list(change.racks))),
            "cap" if change.limit_w else "refeed",
            " ".join(fleet.things[change.racks[0]][1].fed_by),
            f"{change.limit_w / 1e3:.4g} kW" if change.limit_w else " ".join(change.feeds),
        )
        for change in made
    )
    return Table(
        name="changes", title="Racks that change", columns=("racks", "what", "feeds_today", "plan"), rows=rows
    )


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
