"""What every planner's command does with what it found: the plan, the solution beside it, and a page that explains them."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from solvers.proposal import Proposal
from twin.files.atomic import write_atomic
from twin.files.digest import digest
from twin.files.solution import beside, write_solution
from twin.files.yaml import dump
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.records.solution import Solution


def refuse_to_overwrite(output: Path | None, *, force: bool) -> None:
    """Raise UsageError where a plan or its solution exists already."""
    for path in () if output is None or force else (output, beside(output)):
        if path.exists():
            raise UsageError(f"{path} exists already: choose another name, remove it, or give --force")


def hand_over(
    proposal: Proposal,
    fleet: Fleet,
    *,
    fleet_path: Path,
    output: Path | None,
    command: str,
    explain: bool,
    judged: str = "",
) -> int:
    """Write the plan and its solution, or print the plan; say in a line what came of it, or on a page (`explain`).

    `judged` are options with which such plans are judged first.
    """
    document = proposal.document and {
        "plan": proposal.document["plan"],
        "fleet": digest(fleet),
        **proposal.document,
    }
    plan = replace(proposal, document=document).plan
    solution = proposal.solution.model_copy(
        update={
            "fleet_digest": digest(fleet),
            "plan_digest": "" if plan is None else digest(plan),
            "command": command,
            "inputs": {"fleet": str(fleet_path), **proposal.solution.inputs},
        }
    )
    screen = Console(stderr=output is None, highlight=False)
    if document is not None and output is None:
        typer.echo(dump(document), nl=False)
    if output is not None:
        if document is not None:
            write_atomic(output, dump(document))
        write_solution(solution, output)
    if explain:
        explain_solution(solution, screen)
    elif document is None:
        screen.print(f"no plan: {solution.notes[0] if solution.notes else 'doing nothing is best'}")
    if output is not None:
        end = (
            f"judge it: fleetwin check {output} --fleet {fleet_path}{_as_asked(solution)}{judged}"
            if document is not None
            else "no plan to judge"
        )
        written = f"{output} and {beside(output)}" if document is not None else str(beside(output))
        screen.print(f"wrote {written}; {end}")
    return 0


def _as_asked(solution: Solution) -> str:
    """Return the options with which a plan is judged as it was asked for: another demand or growth, gates and worlds."""
    given = solution.inputs
    return "".join(
        f" --{name} {shlex.quote(given[name])}"
        for name in ("demand", "growth", "gates", "suite")
        if name in given
    )


def explain_solution(solution: Solution, screen: Console) -> None:
    """Print how good the plan is, what binds, what is short, what else there was."""
    gap = "no bound" if solution.gap == float("inf") else f"gap {solution.gap:.2%}"
    screen.print(
        f"{solution.formulation}: {solution.status} after {solution.seconds:.1f} s by {solution.route}; "
        f"{solution.objective:.6g} {solution.currency}, {gap}"
    )
    _list(
        "costs",
        [f"{name}: {value:.6g} {solution.currency}" for name, value in solution.costs.items()],
        screen,
    )
    for table in solution.tables:
        _table(table.title, table.columns, table.rows, screen)
    _list("what binds", [binding.text for binding in solution.binding], screen)
    _list("short", [_short(item.text or item.who, item.because) for item in solution.shortfalls], screen)
    _list("cannot all hold", [", ".join(item.wishes) for item in solution.conflicts], screen)
    _list(
        "alternatives",
        [f"{item.name}: {item.text}" for item in solution.alternatives],
        screen,
    )
    _list(
        "if demand were different",
        [
            f"{row.change}: {row.objective:.6g} {solution.currency}, shortage {row.shortage:.4g}; {row.text}"
            for row in solution.sensitivity
        ],
        screen,
    )
    _list("risks", list(solution.risks), screen)
    _list("notes", list(solution.notes), screen)


def _short(text: str, because: tuple[str, ...]) -> str:
    return f"{text} ({'; '.join(because)})" if because else text


def _list(title: str, lines: list[str], screen: Console) -> None:
    if lines:
        screen.print(f"\n{title}")
        for line in lines:
            screen.print(f"  {line}", markup=False)


def _table(
    title: str, columns: tuple[str, ...], rows: tuple[tuple[object, ...], ...], screen: Console
) -> None:
    if not rows:
        return
    screen.print(f"\n{title}")
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
    screen.print(table)
