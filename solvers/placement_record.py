"""The record of a placement's solve: how good it is, what binds, what is short, and what changes by service and site."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from solvers.placement import LEAST_SHARE, Objective, Solved, Worth, solve_placement
from solvers.placement_flows import facility_w, flows, point_of
from twin.model.fleet import Fleet
from twin.records.solution import (
    Alternative,
    Binding,
    Sensitivity,
    Shortfall,
    Solution,
    Table,
)

CURRENCY = {"cost": "USD", "carbon": "kg"}


def placement_solution(
    fleet: Fleet, solved: Solved, objective: Objective, should_stop: Callable[[], bool]
) -> Solution:
    """Return the record; it solves twice more, to say what other demand would change."""
    best, bound = solved.worth.objective, min(_bound(solved), solved.worth.objective)
    return Solution(
        formulation="placement",
        plan="placement",
        plan_digest="",
        fleet=fleet.name,
        fleet_digest="",
        status=solved.status,
        route="successive linear programs",
        why="renormalised shares after a loss are not linear: each program is exact at its point",
        objective=best,
        bound=bound,
        bound_by="the last linear program, which holds the sums of shares after a loss at its point: no global bound",
        gap=max(0.0, best - bound) / max(abs(best), 1e-9),
        seconds=solved.seconds,
        size={
            "columns": len(solved.program.cost),
            "rows": len(solved.program.row_lower),
            "rounds": solved.rounds,
        },
        currency=CURRENCY[objective],
        costs=_costs(solved, solved.worth, objective),
        binding=tuple(_binding(solved, CURRENCY[objective])),
        shortfalls=tuple(_shortfalls(solved)),
        sensitivity=() if solved.status != "optimal" else tuple(_sensitivity(solved, should_stop)),
        alternatives=(
            _alternative("plan", "the shifts of this plan", solved.worth),
            _alternative("nothing", "today's weights at every hour", solved.nothing),
        ),
        tables=(_changes(solved), _sites(solved)),
        notes=_notes(solved),
        inputs={
            "objective": objective,
            "hours": str(solved.problem.hours),
            "start": solved.problem.start.isoformat(),
        },
    )


def _bound(solved: Solved) -> float:
    """Return the least objective of the last program, on the scale of the exact one (energy that is not linear is added)."""
    if solved.answer.x is None or not np.isfinite(solved.answer.bound):
        return -float("inf") if solved.answer.x is None else solved.worth.objective
    share = solved.variables.of(solved.answer.x, point_of(solved.problem))
    columns = solved.variables.in_span.ravel()
    linear = float(solved.program.cost[columns] @ solved.answer.x[columns])
    arrivals = flows(solved.problem, share, solved.problem.states[0]).arrivals
    exact = float((facility_w(solved.problem, arrivals) * solved.terms.unit_price).sum()) / 1e3
    return solved.answer.objective + exact - linear


def _costs(solved: Solved, worth: Worth, objective: Objective) -> dict[str, float]:
    energy = worth.cost_usd if objective == "cost" else worth.carbon_kg
    return {"energy": energy, "moves": solved.terms.move * worth.moved, "limits passed": worth.over}


def _alternative(name: str, text: str, worth: Worth) -> Alternative:
    whole = f"{text}: {worth.cost_usd:.6g} USD, {worth.carbon_kg:.6g} kg CO2"
    return Alternative(
        name=name, text=whole, objective=worth.objective, shortage=worth.over, cost_usd=worth.cost_usd
    )


def _binding(solved: Solved, currency: str) -> Iterator[Binding]:
    """Yield the limits that cost most: what one more unit of each would save, all hours together."""
    if solved.answer.row_dual is None:
        return
    units = {"sites": "1/s", "capacity": "1/s", "links": "Gbit/s", "users": "ms"}
    prices: dict[tuple[str, str, str], tuple[float, float]] = {}
    for block in solved.program.row_blocks:
        kind = block.name.partition("_")[0]
        if kind not in units:
            continue
        for i in np.flatnonzero(solved.answer.row_dual[block.members] < -1e-9):
            label = [
                part for axis, part in enumerate(block.label(int(i))) if axis != (0 if kind == "users" else 1)
            ]
            state = "" if kind == "users" else label.pop(0)
            key = (
                kind,
                " at ".join(label) if kind != "users" else " of ".join(label),
                "" if state == "whole" else state,
            )
            paid, _ = prices.get(key, (0.0, 0.0))
            row = block.first + int(i)
            prices[key] = paid - float(solved.answer.row_dual[row]), float(solved.program.row_upper[row])
    for (kind, thing, state), (price, limit) in sorted(prices.items(), key=lambda item: -item[1][0])[:12]:
        text = f"one more {units[kind]} of {thing} {state or 'with nothing lost'} would save {price:.3g} {currency}"
        yield Binding(
            kind=kind, thing=thing, state=state, unit=units[kind], limit=limit, price=price, text=text
        )


def _shortfalls(solved: Solved) -> Iterator[Shortfall]:
    """Yield where the plan is above the ratings, worst first; what was so already today says so."""
    problem, terms, rows = solved.problem, solved.terms, []
    for x, state in enumerate(problem.states):
        now = flows(problem, solved.share, state).arrivals
        then = flows(problem, point_of(problem), state).arrivals
        limit = problem.rate * (problem.target[:, None] * terms.stretch if x == 0 else terms.emergency)
        above = (now - limit).max(axis=0)
        for k, s in zip(*np.nonzero(above > 1e-6 * np.maximum(limit, 1.0)), strict=True):
            worse = float((now - np.maximum(limit, then))[:, k, s].max())
            rows.append((above[k, s], problem.services[k], problem.sites[s], state.name, worse, limit[k, s]))
    for amount, service, site, lost, worse, most in sorted(
        rows, key=lambda row: -row[0] / max(row[-1], 1e-9)
    )[:20]:
        grown = worse > 1e-6 * max(most, 1.0)
        yield Shortfall(
            who=service,
            amount=float(amount),
            unit="1/s",
            where=site,
            cost=terms.over * max(worse, 0.0) / max(float(most), 1e-9) if grown else 0.0,
            because=(() if not lost else (lost,)) + (() if grown else ("already so with today's weights",)),
            text=f"{service} at {site} {lost}: {amount:.4g}/s above what it may serve",
        )


def _sensitivity(solved: Solved, should_stop: Callable[[], bool]) -> Iterator[Sensitivity]:
    for change, factor in (("-5 %", 0.95), ("+5 %", 1.05)):
        other = solve_placement(
            solved.problem.with_demand(factor),
            solved.terms,
            start=solved.share,
            time_limit_s=20.0,
            should_stop=should_stop,
        )
        yield Sensitivity(
            change=f"demand {change}",
            objective=other.worth.objective,
            shortage=other.worth.over,
            moves=other.worth.moved,
            text=f"doing nothing: {other.nothing.objective:.6g}",
        )


def _changes(solved: Solved) -> Table:
    """Return what changes from today: shares by service, site and span of hours."""
    problem, rows = solved.problem, []
    for k, service in enumerate(problem.services):
        first = 0
        for hour in range(1, problem.hours + 1):
            if (
                hour < problem.hours
                and np.abs(solved.share[hour, k] - solved.share[first, k]).max() <= LEAST_SHARE
            ):
                continue
            for s, site in enumerate(problem.sites):
                if abs(solved.share[first, k, s] - problem.share[k, s]) > LEAST_SHARE:
                    shares = 100 * float(problem.share[k, s]), 100 * float(solved.share[first, k, s])
                    rows.append((service, site, first, hour, round(shares[0], 2), round(shares[1], 2)))
            first = hour
    columns = ("service", "site", "from_h", "until_h", "today_percent", "plan_percent")
    return Table(name="changes", title="Traffic shares that change", columns=columns, rows=tuple(rows))


def _sites(solved: Solved) -> Table:
    problem, rows = solved.problem, []
    watts = [
        facility_w(problem, flows(problem, share, problem.states[0]).arrivals)
        for share in (point_of(problem), solved.share)
    ]
    for s, site in enumerate(problem.sites):
        parts = [
            (w[:, s].sum() / 1e3, w[:, s] @ problem.price[:, s] / 1e3, w[:, s] @ problem.carbon[:, s] / 1e3)
            for w in watts
        ]
        rows.append((site, *(round(float(part[i]), 3) for i in range(3) for part in parts)))
    columns = ("site", "today_kwh", "plan_kwh", "today_usd", "plan_usd", "today_kg", "plan_kg")
    return Table(
        name="sites",
        title="Energy of servers and what the facility draws for them",
        columns=columns,
        rows=tuple(rows),
    )


def _notes(solved: Solved) -> tuple[str, ...]:
    notes = [
        "cooling and losses are marginal rates at the outdoor temperature of the hour; the twin settles them exactly",
        "queues are not simulated: utilisation limits stand for them",
    ]
    if not (np.abs(solved.share - solved.problem.share).max(initial=0.0) > LEAST_SHARE):
        notes.insert(
            0, "no shift of traffic pays within the limits: doing nothing is the plan (see what binds)"
        )
    return tuple(notes)
