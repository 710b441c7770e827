"""Cascades of breakers against a naive plant that walks through time in small steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.movers.protected import play, site, trips
from tests.sim.movers.test_breakers import BANDS, POINTS, RELAY, speed
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet

STEP_S, UNTIL_S, RESET_S = 0.25, 2400.0, 700.0
PANELS = {"a": RELAY, "b": BANDS, "c": POINTS}
# Racks: the panels that feed them, equal shares; all panels hang on one switchboard.
RACKS = {"r0": "ab", "r1": "bc", "r2": "ca", "r3": "a", "r4": "c"}


@dataclass
class Naive:
    """The plant written as a person would draw it: heat per breaker, who is open until when, who is out of service."""

    counts: dict[str, int]
    board_va: float
    known: dict[frozenset[str], dict[str, float]] = field(default_factory=dict)

    def run(self, faults: list[tuple[float, str, float]]) -> list[tuple[float, str]]:
        heat = dict.fromkeys((*PANELS, "board"), 0.0)
        back: dict[str, float] = {}
        held = dict.fromkeys(heat, 0)
        found, step = [], 0
        while step * STEP_S < UNTIL_S:
            now = step * STEP_S
            for at_s, unit, value in faults:
                if at_s == now:
                    held[unit] -= int(value)
            back = {unit: at_s for unit, at_s in back.items() if at_s > now}
            speeds = self.speeds(frozenset(u for u in heat if u not in back and not held[u]))
            for unit in heat:
                heat[unit] = max(0.0, heat[unit] + STEP_S * speeds[unit])
                if heat[unit] >= 1.0 and unit not in back:
                    found.append((now + STEP_S, unit))
                    back[unit], heat[unit] = now + STEP_S + RESET_S, 1.0
            step += 1
        return found

    def speeds(self, closed: frozenset[str]) -> dict[str, float]:
        """How fast the breakers heat up or cool when these are closed."""
        if closed not in self.known:
            rated_kw = {**dict.fromkeys(PANELS, 100.0), "board": self.board_va / 1e3}
            self.known[closed] = {
                unit: speed(PANELS.get(unit, BANDS), kw / rated_kw[unit])
                for unit, kw in self.loads(closed).items()
            }
        return self.known[closed]

    def loads(self, closed: frozenset[str]) -> dict[str, float]:
        """Kilowatts through each unit."""
        load = dict.fromkeys((*PANELS, "board"), 0.0)
        for rack, feeds in RACKS.items():
            live = [feed for feed in feeds if feed in closed and "board" in closed]
            for feed in live:
                load[feed] += self.counts[rack] / len(live)
                load["board"] += self.counts[rack] / len(live)
        return load


def plant(counts: dict[str, int], board_va: float) -> Fleet:
    curves: list[dict[str, Any]] = [{**curve, "name": unit} for unit, curve in PANELS.items()]
    board = {"name": "board", "kind": "switchboard", "rated_va": board_va, "trip": "b", "reset_s": RESET_S}
    panels = [
        {
            "name": unit,
            "kind": "panel",
            "rated_va": 100e3,
            "trip": unit,
            "reset_s": RESET_S,
            "fed_by": ["board"],
        }
        for unit in PANELS
    ]
    racks = [{"name": rack, "fed_by": list(feeds), "count": counts[rack]} for rack, feeds in RACKS.items()]
    return site([board, *panels], racks, curves)


@settings(max_examples=12)
@given(seed=st.integers(0, 100_000))
def test_cascades_are_those_of_the_naive_plant(seed: int) -> None:
    rng = Random(seed)
    counts = {rack: rng.randint(25, 85) for rack in RACKS}
    board_va = rng.choice((220e3, 280e3, 400e3))
    faults: list[tuple[float, str, float]] = []
    for unit in rng.sample(sorted(PANELS), 2):
        at_s = float(rng.randrange(0, 900))
        faults += [(at_s, unit, -1.0), (at_s + rng.randrange(20, 900), unit, 1.0)]
    world = [
        TimedChange(at_s, Change("state", unit, value), "world:test") for at_s, unit, value in sorted(faults)
    ]
    found = trips(play(plant(counts, board_va), world, UNTIL_S))
    naive = Naive(counts, board_va).run(faults)
    # Every step in a chain may be late by a step of time; what falls on the end of the run may be lost to that.
    assert [unit for at_s, unit in found if at_s < UNTIL_S - 5.0] == [
        unit for at_s, unit in naive if at_s < UNTIL_S - 5.0
    ]
    assert all(abs(a - b) <= 3.0 for (a, _), (b, _) in zip(found, naive, strict=False))
