"""`fleetwin check`: judge a plan."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from reports.github import report_to_github
from reports.jsonout import render_json
from reports.outputs import Context, parse_outputs, write_outputs
from reports.terminal import print_verdict
from reports.trace import Trace, compare
from twin.cli.inputs import (
    find_gates,
    find_suite,
    lines_of,
    problems_in,
    progress_bar,
    read_time,
    with_budget,
)
from twin.evaluate import check as evaluate
from twin.files.atomic import write_atomic
from twin.files.documents import read_plan
from twin.files.fleet import read_fleet
from twin.model.errors import UsageError
from twin.records.verdict import Verdict


def check(
    plan: Annotated[Path, typer.Argument(help="The plan (YAML or JSON).")],
    fleet: Annotated[Path, typer.Option(help="The fleet: a file, or a folder of tables.")],
    gates: Annotated[
        Path | None,
        typer.Option(help="The gate set (default: the one in gates/ beside the plan or the fleet)."),
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option(help="A suite, by file or built-in name (default: the one the gate set names)."),
    ] = None,
    out: Annotated[
        list[str] | None, typer.Option(help="Reports to write: json=F,junit=F,sarif=F,md=F,html=F.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes (default: one per processor).")] = os.cpu_count()
    or 1,
    as_of: Annotated[
        str | None, typer.Option(help="The clock of the verdict, e.g. 2026-11-21T12:00Z (default: now).")
    ] = None,
    max_replications: Annotated[
        int | None, typer.Option(min=2, help="Raise or lower the budget of the gate set.")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="A law of physics to switch off (breakers, batteries, ...).")
    ] = None,
    demand: Annotated[
        str | None, typer.Option(help="Ask more (or less) of the fleet: '+20%', '-5%', '1.2x'.")
    ] = None,
    growth: Annotated[
        str | None,
        typer.Option(help="Growth of demand per year, in place of what the fleet declares: '40%'."),
    ] = None,
    whole_window: Annotated[
        bool,
        typer.Option(help="Play a plan longer than a month from end to end, not only around its steps."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> int:
    """Judge a plan: is it safe, and does it do what it claims?

    The twin plays "do nothing" and the plan in the same simulated worlds; gates judge; the exit code tells.
    0 pass or warn, 10 fail, 11 we cannot tell, 12 evaluation error, 14 rejected before simulation, 15 stale.

    Examples:
      fleetwin check demo/plans/safe.yaml --fleet demo/fleet.yaml
      fleetwin check plan.yaml --fleet fleet/ --gates gates/prod.yaml --suite n-1
      fleetwin check plan.yaml --fleet fleet/ --out json=verdict.json,html=verdict.html --jobs 2
      fleetwin check demo/plans/unproven.yaml --fleet demo/fleet.yaml --max-replications 1280
      fleetwin check demo/plans/safe.yaml --fleet demo/fleet.yaml --demand +20%
    """
    screen = Console(stderr=True)
    piped = takes_stdout(out or ())
    if as_json and piped:
        raise UsageError("--json and a report to '-' would mix on the standard output; drop one of them")
    the_plan, the_fleet = read_plan(plan), read_fleet(fleet)
    the_gates, gates_path = find_gates(gates, plan, fleet)
    if max_replications is not None:
        the_gates = with_budget(the_gates, max_replications)
    the_suite, suite_path = find_suite(suite or the_gates.suite, gates_path if suite is None else Path("."))
    inputs = {"plan": str(plan), "fleet": str(fleet), "gates": str(gates_path), "suite": suite_path}
    if max_replications is not None:
        inputs["max_replications"] = str(max_replications)
    if without:
        inputs["without"] = ",".join(without)
    bar = progress_bar(screen, f"checking {the_plan.name}")
    with problems_in(the_gates, gates_path, the_suite, suite_path), bar as progress:
        verdict = evaluate(
            the_plan,
            the_fleet,
            gates=the_gates,
            suite=the_suite,
            jobs=jobs,
            as_of=read_time(as_of, "--as-of"),
            progress=progress,
            lines=lines_of(plan),
            path=str(plan),
            inputs=inputs,
            folder=Path(suite_path).parent,
            without=without or (),
            demand=demand,
            growth=growth,
            whole_window=whole_window,
        )
    context = Context(the_plan, tuple(traces(verdict)) if out else (), str(plan), _stored(out or ()))
    if as_json:
        typer.echo(render_json(verdict))
    else:
        print_verdict(context.told(verdict), screen if piped else Console())
    for spec in out or ():
        write_outputs(verdict, spec, write=write_atomic, context=context)
    say = sys.stderr.write if piped or as_json else sys.stdout.write
    report_to_github(context.told(verdict), environ=os.environ, show=say, plan_file=str(plan))
    return verdict.exit_code


def takes_stdout(out: Sequence[str]) -> bool:
    """Parse every --out before the work starts; tell whether a report goes to the standard output, and belongs there alone."""
    paths = [output.path for spec in out for output in parse_outputs(spec)]
    return "-" in paths


def _stored(out: Sequence[str]) -> str:
    """Return the file that the verdict is stored in as JSON, if any."""
    files = [output.path for spec in out for output in parse_outputs(spec) if output.kind == "json"]
    return next((file for file in files if file != "-"), "")


def traces(verdict: Verdict) -> Iterator[Trace]:
    """What the device of each counter-example did in both arms."""
    for gate in verdict.gate_results:
        if gate.counter_example is not None:
            replay = gate.replay()
            yield from compare(gate.id, replay.plan, replay.reference)
