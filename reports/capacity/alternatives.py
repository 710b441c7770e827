"""Alternatives on the same scales: what the solver says of each, and what the twin finds in the fleet that each leaves."""

from __future__ import annotations

from collections.abc import Iterator

from reports.capacity.blocks import Block, Column, Grid, Words
from reports.capacity.made import by_report, by_solver, number, unsurvived
from twin.records.capacity_report import CapacityReport, State
from twin.records.solution import Solution

_SOLVED = (
    Column("name", "alternative"),
    Column("objective", "objective", "number"),
    Column("shortage_rru", "short [RRU]", "number"),
    Column("moves", "moves", "number"),
    Column("cost_usd", "cost [USD]", "number"),
    Column("text", "in words"),
)
_FOUND = (
    Column("state", "alternative"),
    Column("servers", "servers", "number"),
    Column("rru", "capacity [RRU]", "number"),
    Column("short_now", "services short"),
    Column("not_survived", "losses not survived", "number"),
    Column("tightest", "tightest after a loss", "share"),
    Column("stranded_kva", "most stranded in a domain [kVA]", "number"),
    Column("energy_kwh", "energy a day [kWh]", "number"),
    Column("usd", "cost a day [USD]", "number"),
    Column("carbon_kg", "carbon a day [kg]", "number"),
)


def blocks(report: CapacityReport) -> Iterator[Block]:
    """Compare."""
    solution = report.solution
    named = {row.name.removeprefix("this ").removeprefix("the ") for row in solution.alternatives}
    rows = [] if "plan" in named else [_of_solution("the plan", solution)]
    rows += [
        (row.name, row.objective, row.shortage, row.moves, row.cost_usd, row.text)
        for row in solution.alternatives
    ]
    if report.other_solution is not None:
        rows.append(_of_solution(f"the other plan ({report.other_solution.plan})", report.other_solution))
    note = f"The objective is in {solution.currency}; less is better."
    yield Grid("alternatives", "As the solver sees them", _SOLVED, rows, by_solver(report), note=note)
    found = [_of_state(state) for state in report.states if not state.problem]
    note = "Today is doing nothing; cost a day is energy and servers written off, carbon operational and embodied."
    yield Grid("states", "As the twin finds them", _FOUND, found, by_report(report), note=note)
    for state in report.states:
        if state.problem:
            yield Words(f"{state.name}: {state.problem}", "warn")


def _of_solution(name: str, solution: Solution) -> tuple[str | float | None, ...]:
    shortage = sum(row.amount for row in solution.shortfalls if row.unit == "RRU")
    cost = solution.table("cost")
    spent = None
    if cost is not None and "total_usd" in cost.columns:
        place = cost.columns.index("total_usd")
        spent = sum(number({"total_usd": row[place]}, "total_usd") for row in cost.rows)
    moves = solution.table("changes")
    moved = None
    if moves is not None and {"now", "planned"} <= set(moves.columns):
        now, then = moves.columns.index("now"), moves.columns.index("planned")
        moved = sum(
            max(0.0, number({"x": row[then]}, "x") - number({"x": row[now]}, "x")) for row in moves.rows
        )
    return (name, solution.objective, shortage, moved, spent, f"{solution.status}, {solution.route}")


def _of_state(state: State) -> tuple[str | float | tuple[str, ...] | None, ...]:
    bills = state.bills
    return (
        f"{state.name} ({state.plan})" if state.plan else state.name,
        state.servers,
        state.rru,
        state.short_now or "none",
        unsurvived(state),
        state.tight[0].worst_share if state.tight else None,
        max((domain.stranded_va / 1e3 for domain in state.domains), default=None),
        sum(bill.it_kwh + bill.overhead_kwh for bill in bills),
        sum(bill.energy_usd + bill.servers_usd for bill in bills),
        sum(bill.carbon_kg + bill.embodied_kg for bill in bills),
    )
