"""From a fleet to a plan of expansion: the problem, its solution, the steps, and the record beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from solvers.expansion_fleet import MONTH_S, ExpansionWishes, FleetExpansion, expansion_of
from solvers.expansion_plan import Orders, Steps, steps_of
from solvers.expansion_problem import ExpansionProblem
from solvers.expansion_record import (
    alternatives,
    bindings,
    capex_usd,
    month_names,
    shortfalls,
    tables,
)
from solvers.expansion_round import relaxation
from solvers.expansion_solve import Progress, Solved, solve_expansion
from solvers.formulations.expansion import KILO, expansion_program
from solvers.proposal import Proposal, plan_document
from twin.model.fleet import Fleet
from twin.records.solution import Sensitivity, Solution

CHANGES = {"-5 %": 0.95, "+5 %": 1.05}
CLAIM = {"metric": "error_rate", "limit": "<= +5 % of reference, floor 0.1 %"}
ABSURD_USD = 1e8  # a server or a module above this is taken for a mistake of units
SENSITIVITY_S = 60.0


def plan_expansion(
    fleet: Fleet,
    wishes: ExpansionWishes | None = None,
    *,
    start: datetime,
    time_limit_s: float = 60.0,
    gap: float = 0.01,
    should_stop: Callable[[], bool] | None = None,
    progress: Progress | None = None,
) -> Proposal:
    """Return a plan of expansion (None where nothing can be written as a step) and its solution.

    Raises ExpansionError and UsageError for what is no problem.
    """
    given = expansion_of(fleet, wishes)
    solved = solve_expansion(
        given.problem, time_limit_s=time_limit_s, gap=gap, should_stop=should_stop, progress=progress
    )
    orders = Orders.of(solved)
    steps = steps_of(fleet, given, solved, orders)
    end = start + timedelta(seconds=MONTH_S * given.problem.months)
    document = None
    if steps.steps:
        document = plan_document(
            fleet,
            "expansion",
            description=f"What to buy, move and retire in {given.problem.months} months",
            window=(start, end),
            steps=steps.steps,
            claims=[CLAIM],
        )
    solution = _solution(fleet, given, solved, (orders, steps), start)
    return Proposal(document, solution)


def _solution(
    fleet: Fleet, given: FleetExpansion, solved: Solved, made: tuple[Orders, Steps], start: datetime
) -> Solution:
    p, orders = solved.problem, made[0]
    names = month_names(start, p.months)
    difference = max(0.0, solved.objective - solved.bound)
    sold = np.unique(p.cell_type[p.buyable]) if p.buyable.any() else np.arange(len(p.type_names))
    cheapest = int(sold[np.argmin(p.prices.server[sold])])
    servers = difference / max(float(p.prices.server[cheapest]), 1e-9)
    return Solution(
        formulation="expansion",
        plan="expansion",
        plan_digest="",
        fleet=fleet.name,
        fleet_digest="",
        status=solved.status,
        route=solved.route,
        why=solved.why,
        objective=solved.objective,
        bound=solved.bound,
        bound_by=solved.bound_by,
        gap=solved.gap,
        gap_servers=servers,
        gap_kw=servers * float(p.watts[cheapest]) * KILO,
        seconds=solved.seconds,
        size=_size(solved),
        currency="USD",
        costs=_costs(solved, orders),
        binding=bindings(solved, names),
        shortfalls=shortfalls(solved, names),
        sensitivity=tuple(sensitivities(p)) if solved.prices is not None else (),
        alternatives=alternatives(solved),
        tables=tables(given, solved, orders, names),
        notes=(*_notes(given, solved, made, names), *given.assumed),
    )


def sensitivities(problem: ExpansionProblem) -> list[Sensitivity]:
    """Return the linear program's answer to a little less and a little more demand."""
    found = []
    for name, factor in CHANGES.items():
        program = expansion_program(replace(problem, demand=problem.demand * factor))
        answer = relaxation(program, time_limit_s=SENSITIVITY_S)
        if answer.x is None:
            continue
        short = float(answer.x[program.columns("short")].sum())
        moves = float(answer.x[program.columns("leave")].sum())
        text = f"{name} demand: at least {answer.objective / KILO:,.4g} USD"
        found.append(
            Sensitivity(
                change=name, objective=answer.objective / KILO, shortage=short, moves=moves, text=text
            )
        )
    return found


def _size(solved: Solved) -> dict[str, int]:
    p = solved.problem
    return {
        "months": p.months,
        "sites": p.sites,
        "types": len(p.type_names),
        "services": len(p.service_names),
        "scenarios": p.scenarios,
        "columns": len(solved.program.cost),
        "rows": len(solved.program.row_lower),
        "integers": int(solved.program.integer.sum()),
    }


def _costs(solved: Solved, orders: Orders) -> dict[str, float]:
    """Return the parts of the objective in USD of today, and what is ordered without discount."""
    of = {
        "servers": ("buy",),
        "modules": ("modules",),
        "retired and moved": ("retired", "leave", "enter"),
        "energy": ("servers",),
        "shortage": ("short",),
    }
    parts = {}
    for name, blocks in of.items():
        members = [solved.program.columns(block) for block in blocks]
        parts[name] = sum(float(solved.program.cost[m] @ solved.x[m]) for m in members) / KILO
    return parts | {"ordered, undiscounted": float(capex_usd(solved.problem, orders).sum())}


def _notes(
    given: FleetExpansion, solved: Solved, made: tuple[Orders, Steps], names: tuple[str, ...]
) -> list[str]:
    """Return what a reader must know, first what the plan does not do."""
    p, (orders, steps) = given.problem, made
    found = []
    modules, unplaced = int(orders.built.sum()), int(steps.unplaced.sum())
    if modules:
        found.append(f"{modules} power modules stand in the table 'orders' only: no action builds them yet")
    if unplaced:
        found.append(
            f"{unplaced} servers of the table 'orders' are in no step: they need racks that are not there yet, or room"
            " that only fractions of servers would find in today's"
        )
    lead = int(p.lead.min(initial=p.months))
    if 0 < lead < p.months:
        found.append(
            f"until {names[lead - 1]} nothing that is ordered now has arrived; what must arrive after {names[-1]}"
            f" is left open: orders of its last {lead} months ({p.module_lead} for modules) serve nothing inside"
            " the horizon and are not planned"
        )
    if not steps.steps:
        found.insert(0, "nothing to do in the racks of today is better than what is there")
    if unserved := p.unserved():
        found.append(f"no server that is here or sold can serve {', '.join(unserved)}: all of it is short")
    for what, usd, labels in (
        ("server", p.prices.server, p.type_names),
        ("module", p.prices.module, p.site_names),
    ):
        dear = [name for name, one in zip(labels, usd.tolist(), strict=True) if one > ABSURD_USD]
        if dear:
            found.append(f"the price of a {what} ({', '.join(dear)}) is above 100 MUSD: is its unit right?")
    if solved.route == "nothing":
        found.append("the time limit came before any search: this is the plan that does nothing")
    return found
