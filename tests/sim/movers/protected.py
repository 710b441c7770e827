"""A site whose load is what a test says: servers that draw 1 kW whatever they do, below units with protection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tests.sim.fleets import START
from twin.graph.compile import Compiled, compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.records.run import Run
from twin.sim.run import simulate

KW = 1000.0


def site(
    units: Sequence[dict[str, Any]], racks: Sequence[dict[str, Any]], curves: Iterable[dict[str, Any]] = ()
) -> Fleet:
    """Return a fleet of one site with a utility above `units`; a rack is {name, fed_by, count}, all servers of 1 kW."""
    utility = {"name": "grid", "kind": "utility", "site": "s", "rated_va": 1e9}
    return Fleet.model_validate(
        {
            "fleet": "protected",
            "regions": [{"name": "somewhere"}],
            "sites": [{"name": "s", "region": "somewhere"}],
            "trip_curves": list(curves),
            "power_units": [utility, *({"site": "s", "fed_by": ["grid"], **unit} for unit in units)],
            "racks": [{"name": r["name"], "site": "s", "row": "a", "fed_by": r["fed_by"]} for r in racks],
            "server_types": [
                {"name": "kw", "cores": 1, "idle_w": KW, "max_w": KW, "power_factor": 1.0, "rru": 1.0}
            ],
            "reservations": [{"name": "all"}],
            "server_groups": [
                {
                    "name": f"{r['name']}-g",
                    "rack": r["name"],
                    "type": "kw",
                    "owner": "all",
                    "count": r["count"],
                }
                for r in racks
            ],
        }
    )


def compiled(fleet: Fleet) -> Compiled:
    """Compile for time zero."""
    return compile_fleet(fleet, start=START)


def servers(at_s: float, group: str, count: int) -> TimedChange:
    """Servers of 1 kW that come or go."""
    return TimedChange(at_s, Change("count", group, float(count)), "world:test")


def play(fleet: Fleet, world: Sequence[TimedChange], until_s: float, without: Sequence[str] = ()) -> Run:
    """Play a world on a fleet."""
    return simulate(compiled(fleet), world=world, until_s=until_s, without=without)


def trips(run: Run, event: str = "breaker_trips") -> list[tuple[float, str]]:
    """When which unit tripped."""
    return [(i.start_s, i.thing) for i in run.intervals if i.kind == event]
