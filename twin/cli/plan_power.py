"""`fleetwin plan power`: which caps, re-feeds and swaps free the most stranded power."""

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
from twin.model.fleet import Fleet
from twin.records.snapshot import Snapshot

Level = Literal["utility", "transformer", "switchboard", "ups", "panel", "pdu"]


def power(
    fleet: FleetPath,
    output: Output = None,
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
    swaps: Annotated[
        bool, typer.Option(help="Whether racks may exchange owners of servers (with --load now).")
    ] = True,
    start: Start = None,
    time_limit: TimeLimit = "60 s",
    explain: Explain = False,
    force: Force = False,
) -> int:
    """Plan which racks to feed otherwise, which to cap and which to swap, so that the most power becomes usable.

    Usable is what more servers could draw, with every unit within its rating before and after any single loss. The gain is
    looked at again by the analysis of `fleetwin inspect --stranded`, in whole servers. Ctrl-C gives the best plan so far.

    A swap lets two racks of a site exchange the owners of servers of one type, so that services that draw much and services
    that draw little change places.

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
    rack_w = swing_va = server_w = None
    if load == "now":
        now = snapshot(the_fleet)
        rack_w = dict(zip(now.racks, now.rack_w.tolist(), strict=True))
        swing_va = dict(zip(now.units, (now.peak_va - now.load_va).clip(0.0).tolist(), strict=True))
        server_w = drawn_by_owner(the_fleet, now)
    with stoppable() as should_stop:
        proposal = plan_power(
            the_fleet,
            start=begin,
            terms=Terms(changes, depth=part, caps=caps, refeeds=refeeds, swaps=swaps),
            level=level,
            sites=tuple(dict.fromkeys(site or ())),
            rack_w=rack_w,
            swing_va=swing_va,
            server_w=server_w,
            time_limit_s=limit_s,
            should_stop=should_stop,
        )
    command = command_line(
        "power",
        fleet,
        changes=changes,
        level=level,
        load=load,
        depth=depth,
        start=begin.isoformat(),
        caps=caps,
        refeeds=refeeds,
        swaps=swaps,
        site=site,
    )
    return hand_over(proposal, the_fleet, fleet_path=fleet, output=output, command=command, explain=explain)


def drawn_by_owner(fleet: Fleet, now: Snapshot) -> dict[tuple[str, str, str], float]:
    """Return what a working server draws [W], by site, owner and type."""
    groups = [fleet.things[name][1] for name in now.groups]
    sites = [fleet.things[group.rack][1].site for group in groups]
    return {
        (site, group.owner, group.type): float(watts)
        for site, group, watts in zip(sites, groups, now.server_w, strict=True)
    }
