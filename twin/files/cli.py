"""The commands that read documents: validate, diff and schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from twin.files.diff import diff_records
from twin.files.documents import read_any, write_atomic
from twin.files.schema import json_schema
from twin.files.summary import in_words, summary
from twin.model.errors import DocumentError, UsageError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def validate(
    paths: Annotated[
        list[Path], typer.Argument(help="Fleets (file or folder), plans, gate sets, suites, drills.")
    ],
    as_json: AsJson = False,
) -> int:
    """Read documents and list everything that is wrong in them.

    Each document is told by its leading key (fleet, plan, gates, suite, drill); a folder is a fleet of tables.
    Every problem of every document is shown, with file, line or row and the likely fix. The exit code is 2
    when there is one.

    Examples:
      fleetwin validate demo/fleet.yaml
      fleetwin validate demo/fleet.yaml demo/gates.yaml demo/plans/*.yaml
      fleetwin validate openb --json
    """
    results = [_examined(path) for path in paths]
    wrong = sum(len(result["problems"]) for result in results)
    if as_json:
        typer.echo(json.dumps(results, indent=1, ensure_ascii=False))
    else:
        for result in results:
            _show(result)
    return 2 if wrong else 0


def diff(
    before: Annotated[Path, typer.Argument(help="A fleet, plan, gate set, suite or drill.")],
    after: Annotated[Path, typer.Argument(help="Another of the same kind.")],
    as_json: AsJson = False,
) -> int:
    """Say in words how two documents differ: rows added and removed, values changed.

    Files of different forms compare by content: a YAML file and a folder of tables may be equal.

    Examples:
      fleetwin diff demo/fleet.yaml other/fleet.yaml
      fleetwin diff demo/plans/safe.yaml demo/plans/unsafe.yaml
      fleetwin diff openb openb-parquet --json
    """
    one, other = read_any(before), read_any(after)
    if type(one) is not type(other):
        nouns = [summary(record)["kind"] for record in (one, other)]
        raise UsageError(
            f"{before} is a {nouns[0]} and {after} is a {nouns[1]}: give two documents of one kind"
        )
    sentences = diff_records(one, other)
    if as_json:
        typer.echo(
            json.dumps({"equal": not sentences, "differences": sentences}, indent=1, ensure_ascii=False)
        )
    else:
        _print(sentences or ["no difference"])
    return 0


def schema(
    kind: Annotated[str, typer.Argument(help="fleet, plan, gates, suite, drill or verdict.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.")] = None,
) -> int:
    """Print the JSON Schema of a kind of document.

    Editors that know YAML schemas complete and check documents with it.

    Examples:
      fleetwin schema plan
      fleetwin schema fleet -o fleet.schema.json
    """
    text = json.dumps(json_schema(kind), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_atomic(output, text)
        _print([f"wrote {output}"])
    return 0


def _examined(path: Path) -> dict[str, Any]:
    """Return what a document holds, or its problems."""
    try:
        found = summary(read_any(path))
    except DocumentError as error:
        problems = [{"where": p.where, "what": p.what, "mend": p.mend} for p in error.problems]
        return {"path": str(path), "problems": problems}
    return {"path": str(path), "problems": [], **found}


def _show(result: dict[str, Any]) -> None:
    problems = result["problems"]
    if not problems:
        head, *rest = in_words(result)
        _print(
            [
                f"[green]✓[/] {_escaped(result['path'])}: {_escaped(head)}",
                *(f"  {_escaped(line)}" for line in rest),
            ],
            markup=True,
        )
        return
    noun = "problem" if len(problems) == 1 else "problems"
    lines = [f"[red]✗[/] {_escaped(result['path'])}: {len(problems)} {noun}"]
    for problem in problems:
        mend = f" [cyan]({_escaped(problem['mend'])})[/]" if problem["mend"] else ""
        lines.append(f"  [bold]{_escaped(problem['where'])}[/]: {_escaped(problem['what'])}{mend}")
    _print(lines, markup=True)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _print(lines: list[str], *, markup: bool = False) -> None:
    console = Console(soft_wrap=True, highlight=False, markup=markup)
    for line in lines:
        console.print(line)
