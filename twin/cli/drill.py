"""`fleetwin drill`: play real incidents and hold the twin against what the accounts say."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from reports.draw.causes import draw_chain
from reports.draw.picture import render
from reports.drill import drill_page, drill_table, show_drill
from scenarios.drills import drill_file, drill_names
from twin.evaluate.drill import play_drill
from twin.files.atomic import write_atomic
from twin.files.drills import read_drill
from twin.model.errors import UsageError
from twin.model.exit_codes import ExitCode
from twin.records.drill import Drilled, Finding


def drill(
    drills: Annotated[
        list[str] | None, typer.Argument(help="Drills: names of built-in ones, or files.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that are built in.")] = False,
    without: Annotated[
        list[str] | None, typer.Option("--without", help="Switch a law of physics off, e.g. breakers.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Write a page (HTML) and a picture (SVG, PNG) each into this folder."
        ),
    ] = None,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print one table of all, in Markdown.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> int:
    """Play real incidents on small fleets and hold the twin against what the accounts say.

    What is injected, what is calibrated (it proves nothing) and what is predicted are kept apart. All that is predicted must
    happen, in order and in its window, nothing else may trip, shut down or fail, and the same drill with one
    thing changed must not cascade. The exit code is 10 when a drill differs from its account.

    Examples:
      fleetwin drill aws-us-east-2012-generators
      fleetwin drill --all -o drills
      fleetwin drill aws-us-east-2012-breaker --without breakers
    """
    files = [*(_file(name) for name in drills or ()), *(map(drill_file, drill_names()) if every else ())]
    if not files:
        raise UsageError(f"name a drill, a file or --all; built in are {', '.join(drill_names())}")
    records = [read_drill(file) for file in dict.fromkeys(files)]
    played = [play_drill(record, without=without or ()) for record in records]
    if output is not None:
        _write(played, output)
    _tell(played, as_markdown=as_markdown, as_json=as_json)
    return 0 if all(one.passed for one in played) else ExitCode.FAIL


def as_dict(drilled: Drilled) -> dict[str, Any]:
    """Return a played drill as plain data."""
    return {
        "drill": drilled.drill.name,
        "case": drilled.drill.case,
        "passed": drilled.passed,
        "findings": [_row(row) for row in drilled.findings],
        "variants": [
            {"name": name, "findings": [_row(row) for row in rows]} for name, rows in drilled.variants
        ],
        "sweep": {"wanted": drilled.wanted_table, "happened": drilled.table} if drilled.table else None,
        "happenings": [happening.model_dump() for happening in drilled.happenings],
    }


def _row(row: Finding) -> dict[str, Any]:
    return asdict(row)


def _file(name: str) -> Path:
    path = Path(name)
    return path if path.suffix in (".yaml", ".yml", ".json") else drill_file(name)


def _tell(played: list[Drilled], *, as_markdown: bool, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([as_dict(one) for one in played], indent=1, ensure_ascii=False))
        return
    if as_markdown:
        typer.echo(drill_table(played), nl=False)
        return
    console = Console(highlight=False)
    for one in played:
        console.print(show_drill(one))
    passed = sum(one.passed for one in played)
    console.print(f"{passed} of {len(played)} as the accounts say")


def _write(played: list[Drilled], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for one in played:
        write_atomic(folder / f"{one.drill.name}.html", drill_page(one))
        figure = draw_chain(f"{one.drill.name}: {one.drill.title}", one.example)
        for suffix in (".svg", ".png"):
            path = folder / f"{one.drill.name}{suffix}"
            write_atomic(path, render(figure, path))
