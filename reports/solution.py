"""A solution on the terminal: how good the plan is, what changes, what is short and why, what one more unit would save."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table as Grid

from twin.records.solution import Cell, Solution, Table

MOST_ROWS = 30
WORDS = {
    "optimal": "as good as proven",
    "feasible": "the best that was found in time",
    "interrupted": "the best when it was stopped",
    "nothing": "nothing was found",
}


def print_solution(solution: Solution, console: Console, *, explain: bool = False) -> None:
    """Print the head of a solution; with `explain` also prices, conflicts, sensitivity, alternatives, and every table."""
    console.print(_head(solution), highlight=False)
    for row in solution.shortfalls:
        console.print(f"  short      {row.text}", highlight=False)
        for words in row.because:
            console.print(f"             {words}", highlight=False)
    for words in solution.risks:
        console.print(f"  risk       {words}", highlight=False)
    if not explain:
        return
    _lines(console, "what binds", (binding.text for binding in solution.binding[:MOST_ROWS]))
    for conflict in solution.conflicts:
        _lines(console, "cannot all hold", conflict.wishes)
    _lines(console, "if demand were", (row.text for row in solution.sensitivity))
    _alternatives(console, solution)
    for table in solution.tables:
        _print_table(console, table)
    _lines(console, "rests on", solution.notes)


def _head(solution: Solution) -> str:
    gap = f"at most {solution.gap:.2%} from the best" if solution.gap < 10 else "no bound was proven"
    if solution.gap_servers and solution.gap < 10:
        gap += f" ({solution.gap_servers:.1f} servers moved, {solution.gap_kw or 0.0:.1f} kW)"
    return (
        f"{solution.plan}: {WORDS[solution.status]}, {gap}\n"
        f"  objective  {solution.objective:,.6g} {solution.currency}, bound {solution.bound:,.6g} by {solution.bound_by}\n"
        f"  route      {solution.route}: {solution.why}; {solution.seconds:.1f} s\n"
        f"  costs      {', '.join(f'{name} {cost:,.4g}' for name, cost in solution.costs.items() if cost)}"
    )


def _lines(console: Console, title: str, lines: Iterable[str]) -> None:
    listed = list(lines)
    if listed:
        console.print(f"\n{title}", style="bold")
    for line in listed:
        console.print(f"  {line}", highlight=False)


def _alternatives(console: Console, solution: Solution) -> None:
    if not solution.alternatives:
        return
    grid = Grid("alternative", "objective", "short", "servers moved", box=None, title_justify="left")
    for row in solution.alternatives:
        grid.add_row(row.name, _shown(row.objective), _shown(row.shortage), _shown(row.moves))
    console.print()
    console.print(grid)


def _print_table(console: Console, table: Table) -> None:
    grid = Grid(*table.columns, box=None, title=table.title, title_justify="left", title_style="bold")
    for row in table.rows[:MOST_ROWS]:
        grid.add_row(*(_shown(cell) for cell in row))
    console.print()
    console.print(grid)
    if len(table.rows) > MOST_ROWS:
        console.print(f"… and {len(table.rows) - MOST_ROWS} more rows in the solution file")


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    return f"{cell:,.4g}" if isinstance(cell, float) else str(cell)
