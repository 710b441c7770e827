"""Which command made a figure, and amounts in words."""

from __future__ import annotations

from collections.abc import Mapping

from twin.records import text
from twin.records.capacity_report import CapacityReport, State
from twin.records.solution import Cell


def by_report(report: CapacityReport) -> str:
    """Return the command that made this report."""
    return report.commands.get("report", "fleetwin report capacity PLAN")


def by_solver(report: CapacityReport) -> str:
    """Return the command that solved."""
    return report.solution.command or by_report(report)


def by_twin(report: CapacityReport, state: State, what: str) -> str:
    """Return the command that finds `what` ("stranded", "bill") in a state, or the report's own."""
    return report.commands.get(f"{state.name} {what}", by_report(report))


def usd(amount: float) -> str:
    """Return an amount of money in words."""
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if abs(amount) >= size:
            return f"{text.figure(float(f'{amount / size:.3g}'))} {word} USD"
    return f"{amount:,.0f} USD"


def number(row: Mapping[str, Cell], key: str) -> float:
    """Return a cell of a checked table as a number."""
    value = row[key]
    return float(value) if isinstance(value, (int, float)) else 0.0


def studied(report: CapacityReport) -> list[State]:
    """Return the states in which something was found."""
    return [state for state in report.states if not state.problem]


def plan_first(report: CapacityReport) -> list[State]:
    """Return the studied states as tables list them: what the plan leaves first, then today, then the other plan."""
    return sorted(studied(report), key=lambda state: (state != planned(report), report.states.index(state)))


def planned(report: CapacityReport) -> State | None:
    """Return the state that the plan leaves, if it could be studied."""
    after = report.states[1:2] if report.has_plan else ()
    return next((state for state in after if not state.problem), None)


def unsurvived(state: State) -> int:
    """Return how many single losses leave a service short or a device above its limit."""
    return sum(loss.result != "survived" for loss in state.losses)
