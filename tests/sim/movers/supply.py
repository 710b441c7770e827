"""The chain utility (or generators) -> transfer switch -> UPS -> rack, with every time a parameter, and what it does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.sim.fleets import START
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.records.run import Run
from twin.sim.engine import Engine
from twin.sim.narrate import Narrator
from twin.sim.recorder import Recorder
from twin.sim.run import simulate

KW = 1000.0
LOAD_W = 80 * KW

UTILITY = {"name": "util", "kind": "utility", "rated_va": 1e6}
GENERATOR = {"name": "gen", "kind": "generator", "rated_va": 1e5, "start_s": 10.0}
SWITCH = {"name": "ats", "kind": "ats", "rated_va": 1e6, "fed_by": ["util", "gen"], "feed_mode": "standby"}
UPS = {"name": "ups", "kind": "ups", "rated_va": 1e5, "fed_by": ["ats"], "peukert": 1.0}


def fleet_of(
    units: Iterable[dict[str, Any]], racks: dict[str, Sequence[str]], *, kw: int = 80, **more: Any
) -> Fleet:
    """Return a fleet of one site; every rack draws `kw` kilowatts whatever happens."""
    return Fleet.model_validate(
        {
            "fleet": "supplied",
            "regions": [{"name": "r"}],
            "sites": [{"name": "s", "region": "r"}],
            "power_units": [{"site": "s", **unit} for unit in units],
            "racks": [
                {"name": name, "site": "s", "row": "a", "fed_by": fed_by} for name, fed_by in racks.items()
            ],
            "server_types": [
                {"name": "kw", "cores": 1, "idle_w": KW, "max_w": KW, "power_factor": 1.0, "rru": 1.0}
            ],
            "reservations": [{"name": "all"}],
            "server_groups": [
                {"name": f"{name}-g", "rack": name, "type": "kw", "owner": "all", "count": kw}
                for name in racks
            ],
            **more,
        }
    )


def chain(
    *,
    switch: dict[str, Any] | None = None,
    ups: dict[str, Any] | None = None,
    gen: dict[str, Any] | None = None,
) -> Fleet:
    """Return the chain: a battery of 60 s at the load, a generator that is there after 10 s, a switch that takes 1 s."""
    units = [
        UTILITY,
        {**GENERATOR, **(gen or {})},
        {**SWITCH, "transfer_s": 1.0, **(switch or {})},
        {**UPS, "battery_j": 60 * LOAD_W, **(ups or {})},
    ]
    return fleet_of(units, {"rack": ["ups"]})


def loses(name: str, at_s: float, lasts_s: float = float("inf")) -> list[TimedChange]:
    """A thing is out of service for a while."""
    return spell(Change("state", name, -1.0), at_s, lasts_s)


def fault(name: str, what: str, at_s: float = 0.0, lasts_s: float = float("inf")) -> list[TimedChange]:
    """A thing will fail when asked to do something."""
    return spell(Change("fault", name, 1.0, what), at_s, lasts_s)


def spell(change: Change, at_s: float, lasts_s: float) -> list[TimedChange]:
    """A change, and its end."""
    found = [TimedChange(at_s, change, "world:test")]
    if np.isfinite(lasts_s):
        undone = Change(change.kind, change.target, -change.value, change.key)
        found.append(TimedChange(at_s + lasts_s, undone, "world:test"))
    return found


@dataclass
class Played:
    """What was seen of a run: at every instant, after all rounds, which things lived and what flowed through units [W]."""

    run: Run
    until_s: float
    times: list[float] = field(default_factory=list)
    alive: list[dict[str, bool]] = field(default_factory=list)
    watts: list[dict[str, float]] = field(default_factory=list)

    def changes(self, name: str) -> list[tuple[float, bool]]:
        """When a thing came and went (and how it was at the start)."""
        found: list[tuple[float, bool]] = []
        for at_s, alive in zip(self.times, self.alive, strict=True):
            if not found or found[-1][1] != alive[name]:
                found.append((at_s, alive[name]))
        return found

    def lost(self, name: str) -> list[tuple[float, float]]:
        """The spells in which a thing was without power, as (from, to)."""
        changes = [*self.changes(name), (self.until_s, True)]
        return [(a, b) for (a, lives), (b, _) in zip(changes, changes[1:], strict=False) if not lives]

    def watts_of(self, name: str) -> list[tuple[float, float]]:
        """When the power through a unit changed [W]."""
        found: list[tuple[float, float]] = []
        for at_s, watts in zip(self.times, self.watts, strict=True):
            if not found or found[-1][1] != watts[name]:
                found.append((at_s, watts[name]))
        return found

    def told(self, thing: str) -> list[tuple[float, str]]:
        """What physics did with a thing."""
        return [(h.at_s, h.text) for h in self.run.happenings if h.thing == thing and h.kind == "physics"]


def play(
    fleet: Fleet,
    world: Sequence[TimedChange],
    until_s: float,
    *,
    without: Sequence[str] = (),
    narrate: bool = True,
) -> Played:
    """Play a world, watching all of it."""
    compiled = compile_fleet(fleet, start=START)
    narrator = Narrator(compiled)
    times: list[float] = []
    alive: list[dict[str, bool]] = []
    watts: list[dict[str, float]] = []

    def watch(now: float, engine: Engine, recorder: Recorder, recent: Sequence[TimedChange]) -> None:
        if narrate:
            narrator(now, engine, recorder, recent)
        if times and times[-1] == now:
            for rows in (times, alive, watts):
                rows.pop()
        power, names = compiled.power, compiled.names
        nodes = {**dict(zip(names["racks"], power.rack_node, strict=True))}
        nodes |= dict(zip(names["power_units"], power.unit_node, strict=True))
        nodes |= dict(zip(names["cooling_plants"], power.plant_node, strict=True))
        times.append(now)
        alive.append({name: bool(engine.alive[node]) for name, node in nodes.items()})
        watts.append({name: float(engine.load[node, 0]) for name, node in nodes.items()})

    world = sorted(world, key=lambda change: change.at_s)
    run = simulate(compiled, world=world, until_s=until_s, observe=watch, without=without)
    return Played(narrator.told(run), until_s, times, alive, watts)
