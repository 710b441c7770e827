"""Assumptions and confidence: how good the solution is, what the twin says, what the figures rest on."""

from __future__ import annotations

from collections.abc import Iterator

from reports.capacity.blocks import Block, Column, Grid, Words
from reports.capacity.made import by_report, by_solver
from twin.records import text
from twin.records.capacity_report import CapacityReport
from twin.records.solution import Solution

_GATES = (
    Column("result", "result", "tag"),
    Column("gate", "gate"),
    Column("limit", "limit"),
    Column("evidence", "evidence"),
)
_SENSITIVITY = (
    Column("change", "demand"),
    Column("objective", "objective", "number"),
    Column("shortage_rru", "short [RRU]", "number"),
    Column("moves", "moves", "number"),
    Column("text", "in words"),
)
_LISTED = (Column("kind", "kind"), Column("text", "what"))


def blocks(report: CapacityReport) -> Iterator[Block]:
    """Show the verdict, the gap, the sensitivity, and the assumptions."""
    solution, verdict = report.solution, report.verdict
    yield Words(_gap(solution))
    if verdict is not None:
        about = "" if verdict.about_this_plan else " It is about another plan and counts for nothing here."
        tone = (
            "warn" if about else {"pass": "pass", "fail": "fail", "error": "fail"}.get(verdict.result, "warn")
        )
        yield Words(f"Verdict of the twin ({verdict.file}): {verdict.headline}.{about}", tone)
        command = report.commands.get("verdict", by_report(report))
        yield Grid("gates", "Gates of the twin, worst first", _GATES, verdict.gates, command)
    if solution.sensitivity:
        rows = [(s.change, s.objective, s.shortage, s.moves, s.text) for s in solution.sensitivity]
        yield Grid("sensitivity", "If demand is a little different", _SENSITIVITY, rows, by_solver(report))
    listed = [("declared risk", risk) for risk in solution.risks]
    listed += [("note of the solver", note) for note in solution.notes]
    listed += [("assumed", one) for one in report.assumed]
    listed += [("not tried", f"the loss of single {kind}") for kind in report.losses_left_out]
    if listed:
        yield Grid("assumptions", "What the figures rest on", _LISTED, listed, by_report(report), most=40)


def _gap(solution: Solution) -> str:
    what = {
        "optimal": "The plan is the best there is, within the tolerance of the solver",
        "feasible": "The plan holds every limit; a better one may exist",
        "interrupted": "The solver was interrupted; this is the best plan it had",
        "nothing": "The solver found no plan",
    }[solution.status]
    by = f", proven by {solution.bound_by}" if solution.bound_by else ""
    also = (
        [f"{text.figure(round(solution.gap_servers, 1))} servers"] if solution.gap_servers is not None else []
    )
    also += [f"{text.figure(round(solution.gap_kw, 1))} kW"] if solution.gap_kw is not None else []
    worth = f" ({', '.join(also)})" if also else ""
    why = f" It was solved by {solution.route}{': ' + solution.why if solution.why else ''}."
    if solution.status == "nothing" or solution.gap == 0.0:
        return f"{what}{by}.{why}"
    return f"{what}: at most {text.percent(solution.gap)} % from the best{worth}{by}.{why}"
