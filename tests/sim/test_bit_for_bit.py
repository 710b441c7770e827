"""The incremental state equals a full recompute bit for bit, whatever happened before."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings

from tests.sim.fleets import HELD, START, random_change, random_fleet, random_history
from tests.sim.helpers import SEEDS
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.records.run import Run
from twin.sim.engine import Engine
from twin.sim.run import Simulator, simulate
from twin.sim.shared import SharedSettles

# What is public in an engine but no result of a settle.
NOT_STATE = {"compiled", "settles", "now", "topology"}


def public_arrays(engine: Engine) -> dict[str, Any]:
    """Every public array of the engine, its flows and its routes, by name."""
    found: dict[str, Any] = {}
    for prefix, owner in (("", engine), ("services.", engine.services), ("state.", engine.state)):
        for name, value in vars(owner).items():
            if not name.startswith("_") and name not in NOT_STATE:
                found.update(_flat(prefix + name, value))
    supply = {field.name: getattr(engine.supply, field.name) for field in fields(engine.supply)}
    return {**found, **_flat("supply", supply), "load": engine.load, "running": engine.running}


def _flat(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, np.ndarray) or value is None or isinstance(value, (int, float, bool)):
        return {name: value}
    if isinstance(value, dict):
        return {k: v for key, one in value.items() for k, v in _flat(f"{name}.{key}", one).items()}
    if isinstance(value, tuple):
        return {k: v for i, one in enumerate(value) for k, v in _flat(f"{name}.{i}", one).items()}
    if is_dataclass(value):
        rows = [(field.name, getattr(value, field.name)) for field in fields(value)]
        return {k: v for key, one in rows for k, v in _flat(f"{name}.{key}", one).items()}
    return {}


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    assert ours.keys() == theirs.keys()
    return [name for name in ours if not np.array_equal(ours[name], theirs[name])]


@given(seed=SEEDS)
@settings(max_examples=100)
def test_settling_after_every_change_is_settling_once(seed: int) -> None:
    fleet, rng = random_fleet(seed, failover=False), Random(seed + 1)
    compiled = compile_fleet(fleet, start=START)
    changes = []
    for _ in range(rng.randint(1, 12)):
        change = random_change(fleet, rng)
        changes.append(change)
        if change.kind != "cap" and rng.random() < 0.5:
            changes.append(Change(change.kind, change.target, -change.value, change.key))
    now_s = float(rng.randrange(0, 20_000))
    often, once = Engine(compiled), Engine(compiled)
    often.settle(0.0)
    for change in changes:
        often.state.apply(change)
        if rng.random() < 0.7:
            often.settle(now_s * rng.random())
    often.settle(now_s)
    for change in changes:
        once.state.apply(change)
    once.settle(now_s)
    found = public_arrays(once)
    assert {"load", "flows.arrivals", "running", "routing.local", "link_load"} <= found.keys()
    assert differences(public_arrays(often), found) == []


def stored(fleet: Fleet) -> Fleet:
    """The fleet with all services on its storage, and a rack at each site that holds but switches."""
    bare = {
        site.name: next(rack.name for rack in fleet.racks if rack.site == site.name) for site in fleet.sites
    }
    groups = [group for group in fleet.server_groups if group.rack not in bare.values()]
    services = [service.model_copy(update={"storage": "data"}) for service in fleet.services]
    return fleet.model_copy(update={"server_groups": tuple(groups), "services": tuple(services)})


@given(seed=SEEDS)
@settings(max_examples=20)
def test_servers_follow_racks_that_go_and_return(seed: int) -> None:
    fleet, rng = stored(random_fleet(seed, failover=False)), Random(seed + 1)
    compiled = compile_fleet(fleet, start=START)
    engine, lost = Engine(compiled), set[str]()
    engine.settle(0.0)
    things = [rack.name for rack in fleet.racks for _ in range(3)]
    things += [row.name for kind in HELD for row in fleet.rows(kind)]
    for _ in range(15):
        thing, afresh = rng.choice(things), Engine(compiled)
        engine.state.apply(Change("state", thing, 1.0 if thing in lost else -1.0))
        lost ^= {thing}
        for name in lost:
            afresh.state.apply(Change("state", name, -1.0))
        for one in (engine, afresh):
            one.settle(0.0)
        assert differences(public_arrays(engine), public_arrays(afresh)) == []


@given(seed=SEEDS)
@settings(max_examples=5)
def test_a_remembered_topology_is_the_computed_one(seed: int) -> None:
    """A simulator that went through many states (more than it remembers) equals one that sees each for the first time."""
    fleet, rng = random_fleet(seed), Random(seed + 2)
    compiled = compile_fleet(fleet, start=START)
    veteran = Simulator(compiled)
    things = [row.name for kind in ("power_units", "racks", "switches", "links") for row in fleet.rows(kind)]
    for _ in range(40):
        lost = rng.sample(things, min(len(things), rng.choice((0, 1, 2))))
        world = [TimedChange(0.0, Change("state", name, -1.0), "world:test") for name in lost]
        ours, theirs = (settled_arrays(simulator, world) for simulator in (veteran, Simulator(compiled)))
        assert differences(ours, theirs) == []


def settled_arrays(simulator: Simulator, world: list[TimedChange]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    simulator.run((), world, until_s=1.0, observe=lambda _, engine, *__: found.update(public_arrays(engine)))
    return found


def same_bits(ours: Run, theirs: Run) -> bool:
    return all(np.array_equal(getattr(ours, f.name), getattr(theirs, f.name)) for f in fields(Run))


def ends(fleet: Fleet, seed: int, until_s: float) -> tuple[list[TimedChange], list[TimedChange]]:
    history = random_history(fleet, seed + 1, until_s=until_s, changes=10)
    return history[::2], history[1::2]


@given(seed=SEEDS)
@settings(max_examples=12)
def test_the_same_run_has_the_same_bits(seed: int) -> None:
    """Again, on a simulator that has played other runs in between, and with an observer that only looks."""
    fleet = random_fleet(seed)
    compiled = compile_fleet(fleet, start=START)
    plan, world = ends(fleet, seed, 7200.0)
    first = simulate(compiled, plan, world, until_s=7200.0)
    simulator = Simulator(compiled)
    simulator.run(world, plan, until_s=3600.0)
    assert same_bits(simulator.run(plan, world, until_s=7200.0), first)
    assert same_bits(simulator.run((), world, until_s=7200.0), simulate(compiled, (), world, until_s=7200.0))
    watched = simulator.run(plan, world, until_s=7200.0, observe=lambda *_: None)
    assert [
        f.name for f in fields(Run) if not np.array_equal(getattr(watched, f.name), getattr(first, f.name))
    ] in ([], ["settles"])


def test_arms_that_share_settles_have_the_same_bits() -> None:
    hits = 0
    for seed in range(25):
        fleet, shared = random_fleet(seed), SharedSettles()
        simulator = Simulator(compile_fleet(fleet, start=START))
        plan, world = ends(fleet, seed, 7200.0)
        for arm in ((), plan, plan[:1], ()):
            together = simulator.run(arm, world, until_s=7200.0, shared=shared)
            assert same_bits(together, simulator.run(arm, world, until_s=7200.0)), seed
        hits += shared.hits
    assert hits > 100
