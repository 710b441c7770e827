"""`fleetwin simulate`: play a fleet, or a plan on it, in one world."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from twin.cli.inputs import find_suite, read_time
from twin.cli.ledger_table import ledger_as_dict, ledger_table
from twin.evaluate import simulate as play
from twin.evaluate.single import Played
from twin.files.atomic import write_atomic
from twin.files.documents import read_plan
from twin.files.fleet import read_fleet
from twin.model.errors import UsageError, did_you_mean
from twin.model.scenario import Scenario
from twin.records.ledger import check_domains
from twin.records.metrics import METRICS, Metric
from twin.records.verdict import clock

SHOWN = 40


def simulate(
    fleet: Annotated[Path, typer.Argument(help="The fleet: a file, or a folder of tables.")],
    scenario: Annotated[
        str | None,
        typer.Option(help="SUITE/SCENARIO, the suite built-in or a file (suites/mine.yaml/surge)."),
    ] = None,
    plan: Annotated[Path | None, typer.Option(help="A plan to play (default: do nothing).")] = None,
    days: Annotated[float, typer.Option(min=0.001, max=3660, help="How long.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The world's seed.")] = 0,
    start: Annotated[
        str | None, typer.Option(help="When it starts (default: the plan's window, or the fleet's snapshot).")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write the run (metrics, violations, happenings) as JSON."),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="A law of physics to switch off (breakers, batteries, ...).")
    ] = None,
    demand: Annotated[
        str | None, typer.Option(help="Ask more (or less) of the fleet: '+20%', '-5%', '1.2x'.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="Charge energy, carbon, water and money to each rack, service, site, region or owner."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> int:
    """Play a fleet, or a plan on it, in one world, and show what happened and what it cost.

    This is a look, not a judgement: for that there is `fleetwin check`.

    Examples:
      fleetwin simulate demo/fleet.yaml --days 7
      fleetwin simulate demo/fleet.yaml --scenario n-1-and-peak/random-failures --seed 3
      fleetwin simulate demo/fleet.yaml --plan demo/plans/safe.yaml --days 0.2 -o run.json
      fleetwin simulate demo/fleet.yaml --days 7 --by site --by owner
      fleetwin simulate demo/fleet.yaml --demand +20%
    """
    if by:
        check_domains(by)
    the_plan = read_plan(plan) if plan else None
    the_scenario, folder = _scenario(scenario) if scenario else (None, None)
    played = play(
        read_fleet(fleet),
        scenario=the_scenario,
        folder=folder,
        plan=the_plan,
        days=days,
        seed=seed,
        start=read_time(start, "--start"),
        without=without or (),
        demand=demand,
        ledger=bool(by),
    )
    told = {**({"demand": demand} if demand is not None else {}), **as_dict(played, by or ())}
    if output is not None:
        write_atomic(output, json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    if as_json:
        typer.echo(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        _show(played, Console(), by or ())
    return 0


def as_dict(played: Played, by: Sequence[str] = ()) -> dict[str, Any]:
    """Return a run as plain data: metrics of the whole fleet, violation intervals, happenings; the ledger by some domains."""
    run = played.run
    ledger = {"ledger": ledger_as_dict(played.ledger, by)} if by else {}
    return {
        "start": played.start.isoformat(),
        "seconds": run.seconds,
        "settles": run.settles,
        "events": run.events,
        "metrics": {m.name: _value(played, m) for m in METRICS},
        "violations": [
            {"kind": i.kind, "thing": i.thing, "start_s": i.start_s, "end_s": i.end_s} for i in run.intervals
        ],
        "violations_dropped": run.intervals_dropped,
        "happenings": [h.model_dump() for h in run.happenings],
        **ledger,
    }


def _value(played: Played, metric: Metric) -> Any:
    if metric.kind == "violations":
        return list(played.violators(metric.name))
    value = played.measure(metric.name)
    return value if value == value else None


def _scenario(text: str) -> tuple[Scenario, Path]:
    """Return the scenario that SUITE/SCENARIO names, and the folder in which its traces lie."""
    name, _, member = text.rpartition("/")
    suite, path = find_suite(name or "n-1-and-peak", Path())
    known = [scenario.name for scenario in suite.scenarios]
    for one in suite.scenarios:
        if one.name == member:
            return one, Path(path).parent
    raise UsageError(
        f"suite {suite.name!r} has no scenario {member!r} ({did_you_mean(member, known) or 'it has: ' + ', '.join(known)})"
    )


def _show(played: Played, console: Console, by: Sequence[str]) -> None:
    run = played.run
    console.print(
        f"[bold]{played.compiled.name}[/bold] from {played.start:%Y-%m-%d %H:%M}Z for {run.seconds / 86400:g} d: "
        f"{run.settles} settles, {run.events} events"
    )
    if by:
        console.print(ledger_table(played.ledger, by))
        return
    table = Table("metric", "value", "unit", "what it is", box=None, header_style="bold")
    for metric in METRICS:
        text = f"{played.measure(metric.name):,.6g}"
        table.add_row(metric.name, text, metric.unit if metric.unit != "1" else "", metric.text)
    console.print(table)
    for happening in run.happenings[:SHOWN]:
        console.print(f"  {clock(happening.at_s)}  {happening.text}", highlight=False)
    if len(run.happenings) > SHOWN:
        console.print(f"  … and {len(run.happenings) - SHOWN} more (write them all with -o run.json)")
