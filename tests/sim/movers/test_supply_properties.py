"""What holds of any supply, however its devices are strung together and whatever befalls them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from tests.sim.fleets import START, random_fleet, random_history
from tests.sim.helpers import SEEDS
from tests.sim.movers.supply import fault, loses
from twin.graph.compile import Compiled, compile_fleet
from twin.model.change import TimedChange
from twin.model.fleet import Fleet
from twin.sim.engine import Engine
from twin.sim.movers.batteries import Batteries, Mode
from twin.sim.movers.generators import Generators
from twin.sim.movers.transfers import Mode as Switch
from twin.sim.movers.transfers import Transfers
from twin.sim.recorder import Recorder
from twin.sim.run import simulate

UNTIL_S = 4 * 3600.0
FIELDS: dict[str, tuple[str, ...]] = {
    "ups": ("battery_j", "walk_in_s", "recharge_s", "restore_s", "peukert"),
    "generator": ("start_s", "block"),
    "ats": ("transfer_s", "retransfer_s"),
}


def dynamic(seed: int) -> Fleet:
    """Return a random fleet, some of whose units have batteries, start times, transfers and stages."""
    rng = Random(seed)
    fleet = random_fleet(seed)
    units = [_unit(rng, unit.model_dump()) for unit in fleet.power_units]
    return Fleet.model_validate({**fleet.model_dump(), "power_units": units})


def _unit(rng: Random, unit: dict[str, Any]) -> dict[str, Any]:
    if len(unit["fed_by"]) > 1 and rng.random() < 0.6:
        unit |= {"kind": "ats", "feed_mode": "standby", "needs": 1, "shares": ()}
    drawn = {
        "battery_j": unit["rated_va"] * rng.choice((1.0, 30.0, 600.0)),
        "walk_in_s": rng.choice((0.0, 10.0)),
        "recharge_s": rng.uniform(600.0, 7200.0),
        "restore_s": rng.choice((None, 0.0, 15.0)),
        "peukert": rng.uniform(1.0, 1.4),
        "start_s": rng.choice((None, 10.0, 60.0)),
        "block": rng.choice((0.3, 1.0)),
        "transfer_s": rng.choice((0.0, 0.004, 0.1, 5.0)),
        "retransfer_s": rng.choice((0.0, 60.0, 300.0)),
    }
    return (
        unit | {"mttr_s": 1800.0} | {name: drawn[name] for name in FIELDS.get(unit["kind"], ("restore_s",))}
    )


def troubles(fleet: Fleet, seed: int) -> list[TimedChange]:
    """Return losses of anything, dips of sources, and faults that wait."""
    rng = Random(seed + 1)
    found = random_history(fleet, seed, until_s=UNTIL_S)
    for unit in fleet.power_units:
        for _ in range(rng.randint(0, 3) if not unit.fed_by else 0):
            found += loses(unit.name, rng.uniform(0, UNTIL_S), rng.choice((0.5, 30.0, 900.0, 7000.0)))
        what = {"ups": "battery", "generator": rng.choice(("start", "run", "load")), "ats": "transfer"}
        if unit.kind in what and rng.random() < 0.3:
            found += fault(unit.name, what[unit.kind], rng.uniform(0, UNTIL_S), rng.choice((600.0, UNTIL_S)))
    return sorted((c for c in found if c.at_s < UNTIL_S), key=lambda change: change.at_s)


class Watch:
    """Looks at every settle, and keeps its own books of what batteries gave and took."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self.given_j: Counter[str] = Counter()
        self.flow_w: dict[str, float] = {}
        self.engine: Engine
        self.last_s = 0.0
        self.alone: dict[str, float] = {}

    def __call__(self, now: float, engine: Engine, recorder: Recorder, recent: Sequence[TimedChange]) -> None:
        self.engine = engine
        for name, watts in self.flow_w.items():
            self.given_j[name] += watts * (now - self.last_s)
        # Who rode when the last instant was over has been noticed by its battery.
        if now > self.last_s:
            for name, rode_at in self.alone.items():
                assert self.battery(name)[0] not in (Mode.FULL, Mode.CHARGING), (name, rode_at, now)
        self.last_s = now
        self.switches_stand_on_one_feed()
        self.nobody_lives_on_nothing()

    def mover(self, kind: type[Any]) -> Any:
        return next((mover for mover in self.engine.movers if isinstance(mover, kind)), None)

    def battery(self, name: str) -> tuple[int, float]:
        found: Batteries = self.mover(Batteries)
        row = [unit.name for unit in found._units].index(name)
        return int(found.mode[row]), float(found.charge[row])

    def switches_stand_on_one_feed(self) -> None:
        found: Transfers | None = self.mover(Transfers)
        for row, unit in enumerate(found._units if found else []):
            closed = self.closed(unit.name)
            assert len(closed) <= 1
            # Changes of this instant are applied, the mover has told them: its mode is that of the feeds.
            assert bool(closed) == (found.mode[row] == Switch.CLOSED)

    def closed(self, name: str) -> list[str]:
        levels, names = self.compiled.power.levels, self.compiled.names["power_units"]
        node = self.compiled.power.unit_node.tolist()
        edges = np.flatnonzero(levels.child == node[self.compiled.index["power_units"][name]])
        holds = self.engine.state.feed_holds
        return [names[node.index(int(levels.parent[e]))] for e in edges if holds[e] == 0]

    def nobody_lives_on_nothing(self) -> None:
        """A unit lives on enough live feeders or its battery; then the battery gives what its feeders do not."""
        index, state, power = self.compiled.index["power_units"], self.engine.state, self.compiled.power
        batteries: Batteries | None = self.mover(Batteries)
        alive = dict(zip(self.compiled.names["power_units"], self.engine.alive[power.unit_node], strict=True))
        self.alone, self.flow_w = {}, {}
        for unit in batteries._units if batteries else []:
            i = index[unit.name]
            fed = sum(alive[name] for name in unit.fed_by) >= unit.needs
            share = 0.0 if not fed else state.draw[i]
            if alive[unit.name]:
                assert fed or state.ride[i] > 0
                self.flow_w[unit.name] = self.engine.unit_w[i] * (1.0 - share)
                if not fed:
                    self.alone[unit.name] = self.last_s
            if alive[unit.name] and fed:
                self.flow_w[unit.name] -= state.inject_w[i]


@given(SEEDS)
@settings(max_examples=8, deadline=None)
def test_any_supply_in_any_trouble(seed: int) -> None:
    check(seed)


@pytest.mark.slow
@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_many_more_of_them(seed: int) -> None:
    check(seed)


def check(seed: int) -> None:
    """One random fleet in one random world."""
    fleet = dynamic(seed)
    compiled = compile_fleet(fleet, start=START)
    watch = Watch(compiled)
    world = troubles(fleet, seed)
    run = simulate(compiled, world=world, until_s=UNTIL_S, observe=watch)
    again = simulate(compiled, world=world, until_s=UNTIL_S)
    assert run.it_j.tolist() == again.it_j.tolist()
    batteries: Batteries | None = watch.mover(Batteries)
    if batteries is not None:
        assert (batteries.charge > -1e-9).all() and (batteries.charge < 1 + 1e-9).all()
        watch(UNTIL_S, watch.engine, Recorder(watch.engine), ())
        for unit, drawn_j in zip(batteries._units, batteries.drawn_j.tolist(), strict=True):
            assert drawn_j == pytest.approx(watch.given_j[unit.name], abs=1e-6 * unit.rated_va * 600.0)
    generators: Generators | None = watch.mover(Generators)
    for row, unit in enumerate(generators._units if generators else []):
        if generators is not None and unit.name not in {
            c.change.target for c in world if c.change.kind == "state"
        }:
            on = generators.mode[row] in (2, 3)
            assert on == bool(watch.engine.alive[generators._node[row]])
