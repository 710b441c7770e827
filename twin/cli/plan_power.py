"""`fleetwin plan power`: which caps and re-feeds free the most stranded power."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from solvers.interrupt import stoppable
from twin.cli.inputs import read_time
from twin.cli.plan_output import hand_over, read_option, refuse_to_overwrite
from twin.files.fleet import read_fleet

Level = Literal["utility", "transformer", "switchboard", "ups", "panel", "pdu"]


def power(
    fleet: Annotated[Path, typer.Argument(help="The fleet: a file, or a folder of tables.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the plan to this file.")
    ] = None,
    changes: Annotated[int, typer.Option(min=0, max=10_000, help="Racks that may be touched at most.")] = 5,
    level: Annotated[Level, typer.Option(help="Where usable power is counted.")] = "utility",
    site: Annotated[list[str] | None, typer.Option(help="Only this site (may be repeated).")] = None,
    load: Annotated[
        Literal["now", "nameplate"],
        typer.Option(help="What present servers count: what they draw, or nameplate."),
    ] = "now",
    depth: Annotated[
        str, typer.Option(metavar="PERCENT", help="What a cap takes of nameplate (with --load nameplate).")
    ] = "10 %",
    caps: Annotated[bool, typer.Option(help="Whether racks may be capped.")] = True,
    refeeds: Annotated[bool, typer.Option(help="Whether racks may be fed by other units.")] = True,
    start: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When the work begins. [default: after the fleet's time]"),
    ] = None,
    time_limit: Annotated[
        str, typer.Option(metavar="TIME", help="Stop then, with the best so far.")
    ] = "60 s",
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what binds and what else there was.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a plan that is there.")] = False,
) -> int:
    """Plan which racks to feed otherwise, and which to cap, so that the most power becomes usable.

    Usable is what more servers could draw, with every unit within its rating before and after any single loss. The gain is
    looked at again by the analysis of `fleetwin inspect --stranded`, in whole servers. Ctrl-C gives the best plan so far.

    Examples:
      fleetwin plan power demo/fleet.yaml --changes 5 -o power.yaml --explain
      fleetwin plan power demo/fleet.yaml --site ams1 --level panel
      fleetwin plan power demo/fleet.yaml --load nameplate --depth 10% --no-refeeds
    """
    from solvers.formulations.power import Terms
    from solvers.power_plan import plan_power
    from solvers.proposal import first_hour
    from twin.sim.snapshot import snapshot

    refuse_to_overwrite(output, force=force)
    part = read_option(depth, "ratio", "--depth", most=1.0)
    limit_s = read_option(time_limit, "duration", "--time-limit")
    the_fleet = read_fleet(fleet)
    begin = first_hour(the_fleet, read_time(start, "--start"), datetime.now(UTC))
    rack_w = swing_va = None
    if load == "now":
        now = snapshot(the_fleet)
        rack_w = dict(zip(now.racks, now.rack_w.tolist(), strict=True))
        swing_va = dict(zip(now.units, (now.peak_va - now.load_va).clip(0.0).tolist(), strict=True))
    with stoppable() as should_stop:
        proposal = plan_power(
            the_fleet,
            start=begin,
            terms=Terms(changes, depth=part, caps=caps, refeeds=refeeds),
            level=level,
            sites=tuple(dict.fromkeys(site or ())),
            rack_w=rack_w,
            swing_va=swing_va,
            time_limit_s=limit_s,
            should_stop=should_stop,
        )
    words = [
        "fleetwin",
        "plan",
        "power",
        str(fleet),
        "--changes",
        str(changes),
        "--level",
        level,
        "--load",
        load,
    ]
    words += ["--depth", depth, "--start", begin.isoformat()]
    words += ["--caps" if caps else "--no-caps", "--refeeds" if refeeds else "--no-refeeds"]
    words += [word for name in site or () for word in ("--site", name)]
    return hand_over(
        proposal, the_fleet, fleet_path=fleet, output=output, command=shlex.join(words), explain=explain
    )
