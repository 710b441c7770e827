"""`fleetwin plan maintenance`: which things to maintain together, and when, at least risk."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from solvers.interrupt import stoppable
from twin.cli.inputs import read_time
from twin.cli.plan_options import (
    Explain,
    FleetPath,
    Force,
    Output,
    Start,
    TimeLimit,
    command_line,
    read_option,
)
from twin.cli.plan_output import hand_over, refuse_to_overwrite
from twin.files.fleet import read_fleet
from twin.files.yaml import load
from twin.model.errors import UsageError
from twin.model.names import BracketError, expand
from twin.model.units import parse_quantity


def maintenance(
    fleet: FleetPath,
    things: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES", help="Units, plants or switches, by name or bracket (may be repeated)."
        ),
    ] = None,
    jobs: Annotated[
        Path | None, typer.Option(help="A YAML list of jobs instead: {unit: NAME, lasts: 90 min}.")
    ] = None,
    lasts: Annotated[str, typer.Option(metavar="TIME", help="How long each of --things is away.")] = "2 h",
    window: Annotated[str, typer.Option(metavar="TIME", help="All work ends within it.")] = "24 h",
    output: Output = None,
    crews: Annotated[int, typer.Option(min=1, help="Jobs at a site at once, at most.")] = 2,
    slot: Annotated[str, typer.Option(metavar="TIME", help="Jobs begin at multiples of it.")] = "30 min",
    start: Start = None,
    time_limit: TimeLimit = "60 s",
    explain: Explain = False,
    force: Force = False,
) -> int:
    """Plan which things to maintain together, and when, at least risk.

    Jobs that together leave no spare for one further loss do not overlap; racks that a job takes down are drained before;
    the work goes where a further failure would hit the fewest users. Ctrl-C gives the best plan so far.

    Examples:
      fleetwin plan maintenance demo/fleet.yaml --things ams1-ups-1a --things ams1-a-panel-b -o maintenance.yaml
      fleetwin plan maintenance demo/fleet.yaml --things 'ams1-ups-1[a-c]' --lasts 90min --window 12h --explain
    """
    from solvers.formulations.maintenance import Terms
    from solvers.maintenance_plan import plan_maintenance
    from solvers.maintenance_problem import Job
    from solvers.proposal import first_hour

    refuse_to_overwrite(output, force=force)
    each_s = read_option(lasts, "duration", "--lasts")
    window_s = read_option(window, "duration", "--window")
    slot_s = read_option(slot, "duration", "--slot")
    limit_s = read_option(time_limit, "duration", "--time-limit")
    wanted = [Job(name, length_s) for name, length_s in _wanted(things or [], jobs, each_s)]
    the_fleet = read_fleet(fleet)
    begin = first_hour(the_fleet, read_time(start, "--start"), datetime.now(UTC))
    with stoppable() as should_stop:
        proposal = plan_maintenance(
            the_fleet,
            wanted,
            start=begin,
            window_s=window_s,
            terms=Terms(crews=crews),
            slot_s=slot_s,
            time_limit_s=limit_s,
            should_stop=should_stop,
        )
    command = command_line(
        "maintenance",
        fleet,
        lasts=lasts,
        window=window,
        slot=slot,
        crews=crews,
        start=begin.isoformat(),
        things=things,
        jobs=jobs,
    )
    return hand_over(proposal, the_fleet, fleet_path=fleet, output=output, command=command, explain=explain)


def _wanted(things: list[str], jobs: Path | None, each_s: float) -> list[tuple[str, float]]:
    """Return names and lengths [s] of the jobs; raise UsageError with every line that is none."""
    if bool(things) == (jobs is not None):
        raise UsageError("give either --things or --jobs")
    wanted, wrong = [], []
    for text in things:
        try:
            wanted += [(name, each_s) for name in expand(text)]
        except BracketError as error:
            wrong.append(f"--things {text}: {error.what} ({error.mend})")
    if jobs is not None:
        rows: Any = load(jobs).value
        if not isinstance(rows, list):
            raise UsageError(f"{jobs}: not a list of jobs; write lines like - {{unit: NAME, lasts: 90 min}}")
        for number, row in enumerate(rows, start=1):
            try:
                if not isinstance(row, dict) or set(row) != {"unit", "lasts"}:
                    raise ValueError("needs 'unit' and 'lasts', and nothing else")
                wanted.append((str(row["unit"]), parse_quantity(str(row["lasts"]), "duration")))
            except ValueError as error:
                wrong.append(f"{jobs}, job {number}: {error}")
    if wrong:
        raise UsageError("; ".join(wrong))
    return wanted
