"""Knots that are settled together equal knots that are settled one by one, bit for bit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from random import Random
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings

from tests.benchmarks.fleets import bench_fleet, faults, size_of
from tests.sim.fleets import START, random_fleet, random_history
from tests.sim.helpers import SEEDS
from tests.sim.test_network import busy_fleet
from twin.graph.compile import compile_fleet
from twin.graph.levels import Floats
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.records.run import Run
from twin.sim import coordinator
from twin.sim.block import Block
from twin.sim.coordinator import Coordinator
from twin.sim.engine import Engine, Faults
from twin.sim.fold import Fold
from twin.sim.mover import Mover
from twin.sim.movers import movers_of
from twin.sim.run import Simulator
from twin.sim.shared import SharedSettles
from twin.sim.state import State
from twin.sim.topology import Topologies

HOUR_S = 3600.0


@contextmanager
def blocks_of(longest: int) -> Iterator[None]:
    """Let runs settle at most so many knots at once."""
    with mock.patch.object(coordinator, "longest_for", return_value=longest):
        yield


def restless(fleet: Fleet, seed: int) -> Fleet:
    """The fleet with growth, a knot every five minutes, and prices that change between knots."""
    rng = Random(seed)
    series = [
        row.model_copy(
            update={
                "step_s": 300.0,
                "values": tuple(rng.uniform(0.2, 1.2) for _ in range(rng.randint(5, 40))),
            }
        )
        for row in fleet.series
    ]
    tariff = series[0].model_copy(update={"name": "tariff", "step_s": 700.0})
    demand = [
        row.model_copy(update={"profile": series[0].name, "growth_per_year": rng.choice((0.0, 0.4))})
        for row in fleet.demand
    ]
    regions = [row.model_copy(update={"price_series": "tariff"}) for row in fleet.regions]
    return fleet.model_copy(
        update={"series": (*series, tariff), "demand": tuple(demand), "regions": tuple(regions)}
    )


def breaking(fleet: Fleet, seed: int, until_s: float) -> list[TimedChange]:
    """Server faults at any time, so that most blocks meet some."""
    rng = Random(seed)
    rows = []
    for _ in range(rng.randint(0, 25)):
        group, at_s = rng.choice(fleet.server_groups), rng.uniform(0.0, until_s)
        rows += [
            TimedChange(at_s, Change("failed", group.name, 1.0), "world:fault"),
            TimedChange(at_s + rng.uniform(60.0, HOUR_S), Change("failed", group.name, -1.0), "world:fault"),
        ]
    return rows


def differences(ours: Run, theirs: Run) -> list[str]:
    return [f.name for f in fields(Run) if not np.array_equal(getattr(ours, f.name), getattr(theirs, f.name))]


@given(seed=SEEDS)
@settings(max_examples=25)
def test_blocks_change_no_bit(seed: int) -> None:
    """Small fleets with overloads, faults, backlogs, caps and plans; alone, and as arms that share their settles."""
    until_s = 3 * HOUR_S
    fleet = restless((busy_fleet if seed % 2 else random_fleet)(seed), seed)
    history = random_history(fleet, seed + 1, until_s=until_s, changes=seed % 8)
    plan, world = history[::2], [*history[1::2], *breaking(fleet, seed + 2, until_s)]
    simulator, shared = Simulator(compile_fleet(fleet, start=START)), SharedSettles()
    for arm in ((), plan):
        with blocks_of(1):
            one_by_one = simulator.run(arm, world, until_s=until_s)
        assert differences(simulator.run(arm, world, until_s=until_s), one_by_one) == []
        assert differences(simulator.run(arm, world, until_s=until_s, shared=shared), one_by_one) == []
        with blocks_of(5):
            assert differences(simulator.run(arm, world, until_s=until_s), one_by_one) == []


def test_blocks_change_no_bit_on_a_large_fleet() -> None:
    """Twenty sites and fifty services: sums long enough for NumPy to add them in another order, if one let it."""
    fleet = bench_fleet(size_of(100_000))
    simulator = Simulator(compile_fleet(fleet, start=START))
    world = faults(fleet, 40, until_s=4 * HOUR_S)
    with blocks_of(1):
        one_by_one = simulator.run((), world, until_s=4 * HOUR_S)
    assert differences(simulator.run((), world, until_s=4 * HOUR_S), one_by_one) == []


def patient(fleet: Fleet) -> Fleet:
    """The fleet with utilities for generators: its switches wait before they return to a feed, its panels before they close."""
    wait = {"generator": {"kind": "utility"}, "ats": {"retransfer_s": 1800.0}, "panel": {"restore_s": 900.0}}
    units = [unit.model_copy(update=wait.get(unit.kind, {})) for unit in fleet.power_units]
    return fleet.model_copy(update={"power_units": tuple(units)})


def slow(fleet: Fleet) -> Fleet:
    """The fleet with utilities for generators, no batteries, plants that run on, and switches that take 700 s to move."""
    change = {"generator": {"kind": "utility"}, "ats": {"transfer_s": 700.0}, "ups": {"battery_j": None}}
    units = [unit.model_copy(update=change.get(unit.kind, {})) for unit in fleet.power_units]
    plants = [plant.model_copy(update={"restart_s": None}) for plant in fleet.cooling_plants]
    return fleet.model_copy(update={"power_units": tuple(units), "cooling_plants": tuple(plants)})


def losses(fleet: Fleet, seed: int, until_s: float) -> list[TimedChange]:
    """Six things fail, a utility, and all that joins a site to others; they return at once, in a minute or in an hour."""
    rng = Random(seed)
    kinds = ("power_units", "cooling_plants", "racks", "switches", "links")
    things = [[row.name] for _ in range(6) for row in [rng.choice(fleet.rows(rng.choice(kinds)))]]
    utility = rng.choice([unit.name for unit in fleet.power_units if unit.kind == "utility"])
    site = rng.choice(fleet.sites).name
    borders = [row.name for row in fleet.switches if row.site == site and row.tier == "border"]
    changes = []
    for names in [*things, [utility], borders]:
        at_s = rng.uniform(0.0, until_s)
        ends_s = at_s + rng.choice((0.1, 60.0, HOUR_S))
        for when_s, value in ((at_s, -1.0), (ends_s, 1.0)):
            changes += [TimedChange(when_s, Change("state", name, value), "world:test") for name in names]
    return changes


@pytest.mark.parametrize(
    ("change", "waits"),
    [
        (Fleet.model_copy, {"plants"}),
        (patient, {"plants", "transfers", "restore"}),
        (slow, {"transfers"}),
    ],
)
def test_blocks_change_no_bit_while_devices_wait(change: Callable[[Fleet], Fleet], waits: set[str]) -> None:
    """Things fail and return, and knots go by together while devices wait for what they will do."""
    fleet, together, until_s = change(bench_fleet(size_of(2_000))), Counter[str](), 10 * HOUR_S
    simulator, block = Simulator(compile_fleet(fleet, start=START)), Engine.block

    def watched(engine: Engine, times: Floats, faults: Faults = ()) -> Block:
        found = block(engine, times, faults)
        ahead = [mover for mover in engine.movers if len(found) > 1 and mover.due() < np.inf]
        assert all(mover.due() > found.times[-1] for mover in ahead)
        together.update(mover.law for mover in ahead)
        return found

    for seed in range(8):
        world = losses(fleet, seed, until_s)
        with mock.patch.object(Engine, "block", watched):
            ours = simulator.run((), world, until_s=until_s)
        with blocks_of(1):
            assert differences(ours, simulator.run((), world, until_s=until_s)) == [], seed
    assert together.keys() >= waits


def vouched_for(simulator: Simulator, world: Sequence[TimedChange], *, until_s: float) -> Counter[str]:
    """Count the instants for which each mover vouched; if it did not act before one, it waits for the same after a look."""
    vouched, settle, block = Counter[str](), Coordinator._settle, Engine.block

    def watched(coordinator: Coordinator, event: object) -> None:
        due: dict[Mover, float] = {}

        def seen(engine: Engine, times: Floats, faults: Faults = ()) -> Block:
            steady = [mover for mover in engine.movers if mover.steady(engine)]
            found = block(engine, times, faults)
            due.update({mover: mover.due() for mover in steady if mover.quiet(found)})
            return found

        acted = coordinator._arrived
        with mock.patch.object(Engine, "block", seen):
            settle(coordinator, event)
        if not acted:
            assert {mover.law: mover.due() for mover in due} == {
                mover.law: at_s for mover, at_s in due.items()
            }
            vouched.update(mover.law for mover in due)

    with mock.patch.object(Coordinator, "_settle", watched), blocks_of(1):
        simulator.run((), world, until_s=until_s)
    return vouched


@pytest.mark.parametrize("change", [Fleet.model_copy, patient, slow])
def test_who_is_steady_needs_no_look(change: Callable[[Fleet], Fleet]) -> None:
    fleet = change(bench_fleet(size_of(2_000)))
    simulator, vouched = Simulator(compile_fleet(fleet, start=START)), Counter[str]()
    for seed in range(8):
        vouched += vouched_for(simulator, losses(fleet, seed, HOUR_S), until_s=HOUR_S)
    assert min(vouched[mover.law] for mover in movers_of(simulator.compiled)) > 100


@pytest.fixture
def engine() -> Engine:
    """An engine of a calm fleet whose demand changes every five minutes."""
    return Engine(compile_fleet(bench_fleet(size_of(2_000)), start=START))


TIMES = np.arange(0.0, 3600.0, 300.0)


def test_a_block_holds_what_single_settles_find(engine: Engine) -> None:
    block = Engine(engine.compiled).block(TIMES)
    assert len(block) == len(TIMES)
    assert block.unit_peak_va.shape == (len(engine.compiled.names["power_units"]), len(TIMES))
    for i, now in enumerate(TIMES.tolist()):
        engine.settle(now)
        found = {**block.column(i), **vars(block.flows.part(i))}
        assert engine.flows is not None
        ours = {**vars(engine), **vars(engine.flows)}
        arrays = [name for name, value in found.items() if isinstance(value, np.ndarray) and name != "load"]
        assert len(arrays) > 15
        assert [name for name in arrays if not np.array_equal(found[name], ours[name])] == []


def test_a_block_ends_before_the_first_overload(engine: Engine) -> None:
    """The surge of one service overflows from some knot on: before it nothing has a memory, at it one instant is settled."""
    peak = max(Engine(engine.compiled).block(np.array([now])).flows.rho.max() for now in TIMES.tolist())
    engine.state.apply(Change("demand", "*", 0.999 / peak - 1.0, "*"))
    calm = engine.block(TIMES)
    assert len(calm) == len(TIMES)
    engine.state.apply(Change("demand", "*", 1e-2, "*"))
    taken, now = [], TIMES
    while len(now) and engine.services.at_rest:
        block = engine.block(now)
        over = block.flows.rho.max(axis=(1, 2)) > 1.0
        assert not over[1:].any()
        assert block.quiet == (not over[0])
        taken.append(len(block))
        engine.advance(300.0)
        now = now[len(block) :]
    assert len(taken) > 1
    assert not block.quiet


def test_who_vetoes_decides_how_much_of_a_block_is_taken(engine: Engine) -> None:
    seen: list[Block] = []

    def after_five(block: Block) -> int:
        seen.append(block)
        return 5

    engine.vetoes += [after_five, len]
    assert (len(engine.block(TIMES)), engine.settles, engine.now) == (5, 5, TIMES[4])
    assert len(seen[0]) == len(TIMES)
    engine.vetoes.append(lambda _: 0)
    assert len(engine.block(TIMES[5:])) == 1, "the first instant is here already"


def test_faults_beyond_what_was_taken_have_not_happened(engine: Engine) -> None:
    group = engine.compiled.names["server_groups"][0]
    broken: list[list[Change]] = [[Change("failed", group, 1.0)] if i in (2, 7) else [] for i in range(12)]
    engine.vetoes.append(lambda _: 6)
    block = engine.block(TIMES, broken)
    assert [first for first, _ in block.supplies] == [0, 2]
    assert engine.state.failed[0] == 1
    assert engine.state.fingerprint() == frozenset({(("failed", group, ""), 1.0)})
    afresh = Engine(engine.compiled)
    afresh.state.apply(broken[2][0])
    afresh.settle(TIMES[5])
    assert np.array_equal(afresh.supply.working, engine.supply.working)
    assert np.array_equal(afresh.unit_va, engine.unit_va)


@given(seed=SEEDS)
@settings(max_examples=60)
def test_classes_of_racks_carry_what_their_racks_carry(seed: int) -> None:
    """Rolled up by classes, each parent gets what it gets edge by edge, with whatever racks and units down."""
    fleet, rng = random_fleet(seed), Random(seed)
    compiled = compile_fleet(fleet, start=START)
    levels, racks = compiled.power.levels, len(fleet.racks)
    own = np.array([rng.random() < 0.8 for _ in range(levels.nodes)])
    alive = levels.sweep(own)
    share = levels.shares(alive)
    if seed % 2:
        share = share * np.array([rng.choice((1.0, 0.5)) for _ in share])  # feeds of one kind that differ
    fold = Fold.of(compiled).apart(compiled, alive, share)
    assert len(set(zip(fold.class_of.tolist(), compiled.rack_site.tolist(), strict=True))) == fold.classes
    leaf = np.array([rng.uniform(1.0, 2.0) for _ in range(levels.nodes)])
    leaf[levels.parent] = 0.0
    leaf[:racks] *= alive[:racks]
    expected = leaf.copy()
    for part in levels.up:
        for edge in levels.to_parent[part.first : part.last].tolist():
            expected[levels.parent[edge]] += share[edge] * expected[levels.child[edge]]
    ours = np.concatenate(
        [np.bincount(fold.class_of, weights=leaf[:racks], minlength=fold.classes), leaf[racks:]]
    )
    for level, sums in zip(fold.power.levels, fold.power.sums(share), strict=True):
        ours[level.parents] += sums.of(ours)
    assert ours[fold.classes :] == pytest.approx(expected[racks:], rel=1e-12)


def test_racks_of_one_panel_are_one_class() -> None:
    compiled = compile_fleet(bench_fleet(size_of(2_000)), start=START)
    feeds = {rack: [] for rack in range(len(compiled.names["racks"]))}  # type: dict[int, list[int]]
    for levels in (compiled.power.levels, compiled.network.levels):
        for child, parent in zip(levels.child.tolist(), levels.parent.tolist(), strict=True):
            if child in feeds:
                feeds[child].append(parent)
    kinds = {tuple(found) for found in feeds.values()}
    topology = Topologies(compiled).of(State(compiled))
    assert topology.fold.classes == len(kinds) < len(feeds) / 2
