"""`fleetwin explain`: why a gate decided as it did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from reports.explanation import explain_gate
from reports.jsonout import parse_json
from reports.terminal import STYLES
from twin.files.atomic import write_atomic
from twin.model.errors import UsageError, did_you_mean
from twin.records import text
from twin.records.verdict import GateResult, Verdict


def explain(
    verdict: Annotated[Path, typer.Argument(help="The verdict: what check --out json=FILE wrote.")],
    gate: Annotated[
        str | None, typer.Argument(help="A gate (default: those that did not pass, or all).")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Also draw the counter-example: a file in .svg or .png."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the gates' results as JSON.")] = False,
) -> int:
    """Show why a gate failed, passed or could not decide: the chain of causes, and what it was judged by.

    Examples:
      fleetwin explain verdict.json
      fleetwin explain verdict.json breakers -o why.svg
    """
    the_verdict = parse_json(verdict.read_bytes(), str(verdict))
    gates = [row.stored_at(str(verdict)) for row in _chosen(the_verdict, gate)]
    if as_json:
        typer.echo(json.dumps([row.model_dump(mode="json") for row in gates], indent=1, ensure_ascii=False))
    else:
        console = Console()
        about = f"{the_verdict.plan} on {the_verdict.fleet}, {text.judged_by(the_verdict)}"
        console.print(Text(about, style="dim"), soft_wrap=True)
        for finding in the_verdict.findings:
            console.print(
                Text(f"{text.place(finding.where, finding.line)}: {finding.what} {finding.mend}".rstrip())
            )
        for row in gates:
            console.print(explain_gate(row))
        console.print(
            Text(f"\n{text.final_line(the_verdict)}", style=STYLES[text.outcome(the_verdict)]), soft_wrap=True
        )
    if output is not None:
        _draw(gates, output)
    return 0


def _chosen(verdict: Verdict, gate: str | None) -> list[GateResult]:
    """Return the gate asked for; else those that did not pass; else all."""
    gates = text.by_severity(verdict.gate_results)
    if gate is None:
        return [row for row in gates if row.result in ("fail", "error", "inconclusive")] or gates
    known = [row.id for row in gates]
    if gate not in known:
        hint = did_you_mean(gate, known) or f"it has: {', '.join(known) or 'none'}"
        raise UsageError(f"the verdict has no gate called '{gate}' ({hint})")
    return [row for row in gates if row.id == gate]


def _draw(gates: list[GateResult], output: Path) -> None:
    # Drawing takes half a second to import; most explanations need no picture.
    from reports.draw.causes import draw_causes
    from reports.draw.picture import check_path, render

    check_path(output)
    drawn = next(((row, row.counter_example) for row in gates if row.counter_example is not None), None)
    if drawn is None or drawn[1] is None:
        raise UsageError("there is nothing to draw: none of these gates has a counter-example")
    write_atomic(output, render(draw_causes(drawn[0], drawn[1]), output))
    typer.echo(f"{output}: why {drawn[0].id} failed")
