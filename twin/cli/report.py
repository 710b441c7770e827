"""`fleetwin report`: the reports that a person signs."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from reports.capacity.outputs import plan_outputs, write_report
from reports.jsonout import parse_json
from twin.cli.inputs import progress_bar, read_time
from twin.evaluate.capacity import MOST_LOSSES, Proposal, gather
from twin.files.atomic import write_atomic
from twin.files.documents import read_plan
from twin.files.fleet import read_fleet
from twin.files.solution import beside, read_solution
from twin.model.errors import UsageError
from twin.records.solution import Solution
from twin.records.verdict import Verdict


def capacity(
    plan: Annotated[Path, typer.Argument(help="The plan of a solver, with its solution beside it.")],
    fleet: Annotated[
        Path | None, typer.Option(help="The fleet (default: the one that the solution names).")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="Another plan to compare with; its solution counts if it has one.")
    ] = None,
    verdict: Annotated[
        Path | None, typer.Option(help="The verdict on the plan: what check wrote with --out json=FILE.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="The report: FILE.html, .md or .json, or a folder for CSV tables."
        ),
    ] = None,
    out: Annotated[
        list[str] | None, typer.Option(help="Several at once: html=F,md=F,json=F,csv=FOLDER.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="The clock of the report: what is too late to order (default: now).")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(help="The instant at which loads are settled (default: the fleet's snapshot)."),
    ] = None,
    most_losses: Annotated[
        int, typer.Option(min=1, help="Single losses to try per state; kinds beyond are left out and named.")
    ] = MOST_LOSSES,
) -> int:
    """Write the capacity report: what to buy, when, what it costs, what remains at risk.

    It shows the solution beside the plan, and what the twin finds in the fleet today, after the plan, and after another one:
    headroom, stranded power, every single loss, the cost of a day. Each figure names the command that made it.

    Examples:
      fleetwin report capacity exp.yaml -o capacity.html
      fleetwin report capacity exp.yaml --fleet demo/fleet.yaml --against mine.yaml -o capacity.md
      fleetwin report capacity exp.yaml --verdict verdict.json --out html=capacity.html,json=capacity.json,csv=tables
      fleetwin report capacity exp.yaml --at 2026-11-20T20:00Z --as-of 2026-12-01T00:00Z -o capacity.html
    """
    outputs = plan_outputs(output, out or ())
    solution = read_solution(beside(plan))
    fleet = fleet or _fleet_of(solution, plan)
    judged = _read_verdict(verdict) if verdict else None
    clock = read_time(as_of, "--as-of") or datetime.now(UTC).replace(microsecond=0)
    instant = read_time(at, "--at")
    options = {"--against": against, "--verdict": verdict, "--at": at}
    named = [word for option, value in options.items() if value is not None for word in (option, str(value))]
    if most_losses != MOST_LOSSES:
        named += ["--most-losses", str(most_losses)]
    places = [word for path in outputs for word in ("--out", f"{path.kind}={path.path}")]
    again = [
        "fleetwin",
        "report",
        "capacity",
        str(plan),
        "--fleet",
        str(fleet),
        *named,
        "--as-of",
        clock.isoformat(),
        *places,
    ]
    with progress_bar(Console(stderr=True), "studying") as progress:
        report = gather(
            read_plan(plan) if plan.exists() else None,
            solution,
            read_fleet(fleet),
            against=_other(against) if against else None,
            verdict=(str(verdict), judged) if judged else None,
            as_of=clock,
            at=instant,
            most_losses=most_losses,
            inputs=_inputs({"plan": plan, "fleet": fleet, "against": against, "verdict": verdict}),
            commands={"report": shlex.join(again), **_commands(plan, fleet, judged, verdict, at)},
            progress=progress,
        )
    written = write_report(report, outputs, write=write_atomic, show=sys.stdout.write)
    if written:
        typer.echo(f"wrote {', '.join(written)}", err=any(one.path == "-" for one in outputs))
    return 0


def _fleet_of(solution: Solution, plan: Path) -> Path:
    """Return the fleet that the solution names, as seen from here or from beside the plan."""
    name = solution.inputs.get("fleet", "")
    for path in (Path(name), plan.parent / name):
        if name and path.exists():
            return path
    named = f"the solution names {name!r}, which is not here" if name else "the solution names none"
    raise UsageError(f"no fleet to report on: {named}; give it with --fleet")


def _other(path: Path) -> Proposal:
    solution = beside(path)
    return Proposal(read_plan(path), read_solution(solution) if solution.exists() else None)


def _read_verdict(path: Path) -> Verdict:
    return parse_json(path.read_bytes(), str(path))


def _inputs(files: dict[str, Path | None]) -> dict[str, str]:
    return {name: str(path) for name, path in files.items() if path is not None}


def _commands(
    plan: Path, fleet: Path, judged: Verdict | None, verdict: Path | None, at: str | None
) -> dict[str, str]:
    """Return the commands that find single figures again, by what they find."""
    check = ["fleetwin", "check", str(plan), "--fleet", str(fleet)]
    if judged and "gates" in judged.inputs:
        check += ["--gates", judged.inputs["gates"]]
    found = {"verdict": [*check, "--out", f"json={verdict or 'verdict.json'}"]}
    simulate = ["fleetwin", "simulate", str(fleet), "--days", "1", "--by", "site"]
    found["today bill"] = [*simulate, *(["--start", at] if at else [])]
    if at is None:
        found["today stranded"] = ["fleetwin", "inspect", str(fleet), "--stranded"]
    return {name: shlex.join(words) for name, words in found.items()}
