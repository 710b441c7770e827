"""`fleetwin plan placement`: where each service's demand is served, hour by hour."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

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

Objective = Literal["cost", "carbon"]


def placement(
    fleet: FleetPath,
    output: Output = None,
    objective: Annotated[
        Objective, typer.Option(help="What to save: the cost of energy, or carbon.")
    ] = "cost",
    hours: Annotated[int, typer.Option(min=1, max=336, help="How many hours to plan.")] = 24,
    start: Start = None,
    move_price: Annotated[
        float, typer.Option(min=0, help="USD (or kg) that moving all traffic of a service once must save.")
    ] = 1.0,
    stretch: Annotated[
        str, typer.Option(metavar="PERCENT", help="Fill sites to this part of their target utilisation.")
    ] = "100 %",
    emergency: Annotated[
        str, typer.Option(metavar="PERCENT", help="Utilisation of replicas allowed after a loss.")
    ] = "90 %",
    link_share: Annotated[
        str, typer.Option(metavar="PERCENT", help="Fill links to this part while nothing is lost.")
    ] = "80 %",
    slower: Annotated[
        str, typer.Option(metavar="PERCENT", help="Part of the SLO that answers may come later than today.")
    ] = "5 %",
    keep: Annotated[
        str, typer.Option(metavar="PERCENT", help="Part of its share that a site keeps at least.")
    ] = "50 %",
    every: Annotated[int, typer.Option(min=1, max=336, help="Hours between two shifts of a service.")] = 6,
    time_limit: TimeLimit = "60 s",
    explain: Explain = False,
    force: Force = False,
) -> int:
    """Plan which share of each service's demand each site serves, hour by hour.

    Traffic moves to where energy is cheap (or clean) in that hour, as far as latency, sites and the backbone allow, such that
    any one site or backbone link may be lost; at the end it is back. Beside the plan stands its solution: what binds, what it
    is worth, and what doing nothing would cost. Ctrl-C gives the best plan so far.

    Examples:
      fleetwin plan placement demo/fleet.yaml -o placement.yaml --explain
      fleetwin plan placement demo/fleet.yaml --objective carbon --hours 12
      fleetwin plan placement demo/fleet.yaml --stretch 115% --emergency 120% -o placement.yaml
    """
    from solvers.placement_plan import plan_placement
    from solvers.proposal import first_hour

    refuse_to_overwrite(output, force=force)
    parts = {
        "stretch": stretch,
        "emergency": emergency,
        "link_share": link_share,
        "slower": slower,
        "keep": keep,
    }
    numbers = {
        name: read_option(text, "ratio", f"--{name.replace('_', '-')}") for name, text in parts.items()
    }
    limit_s = read_option(time_limit, "duration", "--time-limit")
    the_fleet = read_fleet(fleet)
    begin = first_hour(the_fleet, read_time(start, "--start"), datetime.now(UTC))
    with stoppable() as should_stop:
        proposal = plan_placement(
            the_fleet,
            start=begin,
            hours=hours,
            objective=objective,
            time_limit_s=limit_s,
            should_stop=should_stop,
            move=move_price,
            every=every,
            **numbers,
        )
    command = command_line(
        "placement",
        fleet,
        objective=objective,
        hours=hours,
        start=begin.isoformat(),
        move_price=move_price,
        every=every,
        **parts,
    )
    return hand_over(proposal, the_fleet, fleet_path=fleet, output=output, command=command, explain=explain)
