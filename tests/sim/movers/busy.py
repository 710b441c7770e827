"""Services on one or more sites, whose load is what a test says, and what is seen of them while they run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.sim.fleets import START
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.records.run import Run
from twin.sim.engine import Engine
from twin.sim.run import simulate

Sample = tuple[float, Any]


def fleet(
    services: Sequence[dict[str, Any]],
    *,
    rate_per_s: float,
    replicas: int,
    servers: int = 1000,
    sites: Sequence[str] = ("s",),
) -> Fleet:
    """Return sites with one rack of servers of one RRU each; users ask the first service."""
    return Fleet.model_validate(
        {
            "fleet": "busy",
            "regions": [{"name": "r"}],
            "sites": [{"name": s, "region": "r"} for s in sites],
            "power_units": [
                {"name": f"{s}-grid", "kind": "utility", "site": s, "rated_va": 1e9} for s in sites
            ],
            "racks": [{"name": f"{s}-rack", "site": s, "row": "a", "fed_by": [f"{s}-grid"]} for s in sites],
            "server_types": [{"name": "t", "cores": 1, "idle_w": 100.0, "max_w": 200.0, "rru": 1.0}],
            "reservations": [{"name": "o"}],
            "server_groups": [
                {"name": f"{s}-g", "rack": f"{s}-rack", "type": "t", "owner": "o", "count": servers}
                for s in sites
            ],
            "services": [{"tier": 0, "reservation": "o", "service_time_s": 0.1, **row} for row in services],
            "deployments": [
                {"service": row["name"], "site": s, "replicas": replicas} for row in services for s in sites
            ],
            "demand": [{"service": services[0]["name"], "region": "r", "rate_per_s": rate_per_s}],
        }
    )


def play(
    fleet: Fleet,
    world: Sequence[tuple[float, Change]],
    until_s: float,
    see: Callable[[Engine], Any],
    without: Sequence[str] = (),
) -> tuple[Run, list[Sample]]:
    """Play a world; return the run, and (time, what `see` finds) at every settle, before movers take it in."""
    samples: list[Sample] = []

    def observe(now: float, engine: Engine, *_: object) -> None:
        samples.append((now, see(engine)))

    changes = [TimedChange(at_s, change, "world:test") for at_s, change in world]
    compiled = compile_fleet(fleet, start=START)
    return simulate(compiled, (), changes, until_s=until_s, observe=observe, without=without), samples


def look(*times_s: float) -> list[tuple[float, Change]]:
    """Return changes that change nothing, so that there is a settle at these times."""
    return [(at_s, Change("fault", "nobody", 1.0, "looked at")) for at_s in times_s]


def at(samples: Sequence[Sample], time_s: float) -> Any:
    """Return what was seen at the last settle before or at a time."""
    return [value for now, value in samples if now <= time_s][-1]
