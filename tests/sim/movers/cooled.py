"""A site whose racks give off what a test says, cooled by plants and zones of the test's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tests.sim.fleets import START
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.records.run import Run
from twin.sim.coordinator import Observer
from twin.sim.run import simulate

KW = 1000.0
ROW = {"site": "s", "fluid_j_per_k": 1.2e5, "mass_j_per_k": 3.6e6, "coupling_w_per_k": 2000.0}


def fleet(
    rows: dict[str, int],
    plants: Iterable[dict[str, Any]],
    zones: Iterable[dict[str, Any]],
    *,
    units: Sequence[dict[str, Any]] = (),
    **site: Any,
) -> Fleet:
    """Return a site with a utility `grid` and further units; a row (name -> kW) has two racks of servers that draw 1 kW."""
    racks = [f"{row}-{side}" for row in rows for side in "xy"]
    return Fleet.model_validate(
        {
            "fleet": "cooled",
            "regions": [{"name": "r"}],
            "sites": [{"name": "s", "region": "r", **site}],
            "power_units": [{"name": "grid", "kind": "utility", "site": "s", "rated_va": 1e9}, *units],
            "cooling_plants": [{"site": "s", "fed_by": ["grid"], "rated_heat_w": 1e6, **p} for p in plants],
            "cooling_zones": [{**ROW, **zone} for zone in zones],
            "racks": [
                {"name": name, "site": "s", "row": name[:-2], "fed_by": ["grid"], "space_u": 120}
                for name in racks
            ],
            "server_types": [
                {"name": "kw", "cores": 1, "idle_w": KW, "max_w": KW, "power_factor": 1.0, "rru": 1.0}
            ],
            "reservations": [{"name": "all"}],
            "server_groups": [
                {
                    "name": f"{name}-g",
                    "rack": name,
                    "type": "kw",
                    "owner": "all",
                    "count": rows[name[:-2]] // 2,
                }
                for name in racks
            ],
        }
    )


def state(at_s: float, thing: str, value: float) -> TimedChange:
    """Something goes down (-1) or comes back (+1)."""
    return TimedChange(at_s, Change("state", thing, value), "world:test")


def play(
    fleet: Fleet,
    world: Sequence[TimedChange],
    until_s: float,
    *,
    without: Sequence[str] = (),
    observe: Observer | None = None,
) -> Run:
    """Play a world on a fleet."""
    compiled = compile_fleet(fleet, start=START)
    return simulate(compiled, world=world, until_s=until_s, without=without, observe=observe)


class Watch:
    """An observer that keeps what is told, and what a test wants of each settled instant."""

    def __init__(self, look: Any = None) -> None:
        self.told: list[tuple[float, str]] = []
        self.seen: list[tuple[float, Any]] = []
        self._look = look

    def __call__(self, now: float, engine: Any, recorder: Any, changes: Sequence[TimedChange]) -> None:
        del recorder
        for change in changes:
            if change.origin.startswith("physics") and (now, change.text) not in self.told:
                self.told.append((now, change.text))
        if self._look is not None:
            self.seen.append((now, self._look(engine)))
