"""The commands that give the report again, and the digests of what went in."""

from __future__ import annotations

from collections.abc import Iterator

from reports.capacity.blocks import Block, Column, Commands, Grid
from reports.capacity.made import by_report
from twin.records.capacity_report import CapacityReport

_COLUMNS = (Column("what", "what"), Column("value", "value", "code"))


def blocks(report: CapacityReport) -> Iterator[Block]:
    """Show commands and digests."""
    lines = [report.solution.command, *report.commands.values()]
    yield Commands(tuple(dict.fromkeys(line for line in lines if line)) or (by_report(report),))
    rows = [
        ("plan", report.plan_digest),
        ("fleet", report.fleet_digest),
        ("plan of the solution", report.solution.plan_digest),
        ("fleet of the solution", report.solution.fleet_digest),
        *((f"plan of {state.name}", state.plan_digest) for state in report.states if state.plan_digest),
        *((f"file: {name}", path) for name, path in sorted(report.inputs.items())),
        *((f"input of the solver: {name}", value) for name, value in sorted(report.solution.inputs.items())),
        ("engine", report.engine),
        ("as of", report.as_of.isoformat()),
    ]
    yield Grid("inputs", "What went in", _COLUMNS, rows, by_report(report), most=40)
