"""How much is done, counted: settles, events, topologies, routes, roll-ups per simulated day.

Counts do not depend on the machine, so these tests run always. Each number is derived, not recorded: a change that
settles more often, or works out again what cannot have changed, fails here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil, floor
from typing import Any

import numpy as np
import pytest

from tests.benchmarks.fleets import (
    DAY_S,
    START,
    STEP_S,
    bench_evaluation,
    bench_fleet,
    maintenance_plan,
    size_of,
)
from tests.evaluate.tiny import tiny_fleet
from twin.evaluate.play import Task, play
from twin.graph.compile import compile_fleet
from twin.model.change import Change, ChangeKind, TimedChange
from twin.model.fleet import Fleet
from twin.records.run import Run
from twin.sim import engine, topology
from twin.sim.flowing import Flowing
from twin.sim.knots import FIRST, LONGEST
from twin.sim.power import RollUp
from twin.sim.run import Simulator
from twin.sim.services import ServiceEngine
from twin.sim.topology import Chain, Network

KNOTS = round(DAY_S / STEP_S) - 1  # inside the day; the start settles without one
OFF_KNOT_S = STEP_S / 2
# The first blocks double, the last one ends with the day.
DOUBLING = [FIRST * 2**i for i in range(ceil(np.log2(LONGEST / FIRST)))]
BLOCKS = len(DOUBLING) + ceil((1 + KNOTS - sum(DOUBLING)) / LONGEST)


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    """2 000 servers at three sites, with demand that changes every five minutes."""
    return bench_fleet(size_of(2_000))


@pytest.fixture(scope="module")
def simulator(fleet: Fleet) -> Simulator:
    """One simulator for the tests that count what runs do."""
    return Simulator(compile_fleet(fleet, start=START))


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the costly parts were called since the test began."""
    counter: Counter[str] = Counter()

    def count(owner: Any, name: str, label: str, instants: bool = False) -> None:
        """Count calls; with `instants` the columns of the blocks as well, under "settled ...": one for each instant."""
        original: Callable[..., Any] = getattr(owner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            found = original(*args, **kwargs)
            counter[label] += 1
            if instants:
                counter[f"settled by {label}"] += len(found)
            return found

        monkeypatch.setattr(owner, name, counted)

    count(ServiceEngine, "set_capacity", "capacities")
    count(Flowing, "settle", "blocks", instants=True)
    count(RollUp, "fill", "power roll-ups")
    count(RollUp, "sum", "traffic roll-ups")
    count(RollUp, "__init__", "roll-ups prepared")
    count(Chain, "__init__", "power chains")
    count(Network, "__init__", "networks")
    count(topology, "find_routes", "routes")
    count(engine, "route", "routings")
    return counter


def day(simulator: Simulator, *world: TimedChange, plan: Sequence[TimedChange] = ()) -> Run:
    """Play 24 hours."""
    return simulator.run(plan, world, until_s=DAY_S)


def at(at_s: float, kind: ChangeKind, target: str, value: float) -> TimedChange:
    """One change of the world."""
    return TimedChange(at_s, Change(kind, target, value), "world:count")


def dual_corded(fleet: Fleet, count: int) -> list[str]:
    """Panels, each of which its racks can do without: losing one moves load, and no service notices."""
    single = {name for rack in fleet.racks if len(rack.fed_by) < 2 for name in rack.fed_by}
    panels = [u.name for u in fleet.power_units if u.kind == "panel" and u.name not in single]
    assert len(panels) >= count
    return panels[:count]


def test_a_calm_day_settles_once_per_knot_and_finds_one_topology(fleet: Fleet, done: Counter[str]) -> None:
    run = day(Simulator(compile_fleet(fleet, start=START)))
    assert (run.settles, run.events) == (1 + KNOTS, KNOTS)
    # The start is settled alone: what moves looks at who lives before it can say that nothing will move.
    assert done == {
        "blocks": 1 + BLOCKS,
        "settled by blocks": 1 + KNOTS,
        "power roll-ups": 1 + BLOCKS,
        "traffic roll-ups": 1 + BLOCKS,
        "roll-ups prepared": 2,  # power, fabric
        "power chains": 1,
        "networks": 1,
        "routes": 1,
        "routings": 1,
        "capacities": 1,
    }


def test_a_second_run_finds_its_topology_in_memory(fleet: Fleet, done: Counter[str]) -> None:
    simulator = Simulator(compile_fleet(fleet, start=START))
    first = day(simulator)
    prepared = {name: done[name] for name in ("power chains", "networks", "routes", "roll-ups prepared")}
    second = day(simulator)
    assert second.settles == first.settles
    assert {name: done[name] for name in prepared} == prepared


def test_server_faults_wait_for_the_next_knot(fleet: Fleet, simulator: Simulator, done: Counter[str]) -> None:
    rng = np.random.default_rng(5)
    groups = [group.name for group in fleet.server_groups]
    times = rng.uniform(1.0, DAY_S - 2 * STEP_S, 200)
    world = [at(float(t), "failed", groups[rng.integers(len(groups))], 1.0) for t in times]
    run = day(simulator, *world)
    assert (run.settles, run.events) == (1 + KNOTS, KNOTS + 200)
    assert done["capacities"] == 1 + len(np.unique(np.ceil(times / STEP_S)))
    assert done["routings"] == 1, "a broken server moves no traffic"


def test_a_server_fault_with_no_change_ahead_settles_at_once(fleet: Fleet) -> None:
    still = fleet.model_copy(
        update={"demand": tuple(row.model_copy(update={"profile": None}) for row in fleet.demand)}
    )
    group = fleet.server_groups[0].name
    world = [at(3600.0 * hour, "failed", group, 1.0) for hour in (1, 2, 3)]
    run = day(Simulator(compile_fleet(still, start=START)), *world)
    assert (run.settles, run.events) == (1 + 3, 3)


def test_a_fault_of_a_thing_settles_once_however_many_fall_into_one_instant(
    fleet: Fleet, simulator: Simulator
) -> None:
    one, other = dual_corded(fleet, 2)
    apart_s, together_s, on_knot_s = 10 * STEP_S + OFF_KNOT_S, 20 * STEP_S + OFF_KNOT_S, 30 * STEP_S
    world = [
        at(apart_s, "state", one, -1.0),
        at(together_s, "state", one, 1.0),
        at(together_s, "outdoor", fleet.sites[0].name, 1.0),
        at(on_knot_s, "state", other, -1.0),
        at(on_knot_s, "state", other, 1.0),
    ]
    run = day(simulator, *world)
    assert run.settles == 1 + KNOTS + 2
    assert run.events == KNOTS + len(world)


def test_a_topology_is_found_once_however_often_a_run_returns_to_it(fleet: Fleet, done: Counter[str]) -> None:
    panels = dual_corded(fleet, 3)
    world = []
    for turn in range(8):
        for i, panel in enumerate(panels):
            lost_s = (30 * turn + 10 * i + 1) * STEP_S + OFF_KNOT_S
            world += [at(lost_s, "state", panel, -1.0), at(lost_s + STEP_S, "state", panel, 1.0)]
    run = day(Simulator(compile_fleet(fleet, start=START)), *world)
    assert run.settles == done["settled by blocks"] == 1 + KNOTS + len(world)
    after = 1 + KNOTS - floor(world[-1].at_s / STEP_S)
    assert FIRST < after < 2 * FIRST, "what follows the last change takes two blocks"
    assert done["blocks"] == 1 + 1 + (len(world) - 1) + 2, (
        "the start, what follows it, what follows each change"
    )
    assert done["power chains"] == 1 + len(panels)
    assert done["networks"] == done["routes"] == 1, "the network does not care about panels"
    assert done["roll-ups prepared"] == 1 + len(panels) + 1


def test_only_a_backbone_link_makes_new_routes(fleet: Fleet, done: Counter[str]) -> None:
    compiled = compile_fleet(fleet, start=START)
    links, backbone = compiled.names["links"], set(compiled.network.backbone.tolist())
    between = links[min(backbone)]
    within = next(name for i, name in enumerate(links) if i not in backbone)
    world = [at(OFF_KNOT_S + i * STEP_S, "state", name, -1.0) for i, name in enumerate((within, between))]
    day(Simulator(compiled), *world)
    assert (done["power chains"], done["networks"]) == (1, 3)
    assert done["routes"] == done["routings"] == 2, "traffic moves when routes do"


def test_a_backlog_settles_at_each_quarter_of_its_bound() -> None:
    """60 requests/s too many fill 15 replicas x 10/s x 2 s = 300 in 5 s, and drain at 30/s in 10 s."""
    world = [at(100.0, "demand", "web", 0.75), at(200.0, "demand", "web", -0.75)]
    run = Simulator(compile_fleet(tiny_fleet(), start=START)).run((), world, until_s=1000.0)
    assert (run.settles, run.events) == (1 + 2 + 4 + 4, 2)


def test_the_arms_of_a_replication_share_what_is_equal(done: Counter[str]) -> None:
    """Each arm settles at every knot and where its plan acts; only while the plan acts is it worked out twice."""
    bench = bench_evaluation(maintenance_plan, servers=2_000, scenarios=1)
    calm = bench.suite.scenarios[0].model_copy(update={"hazards": ()})
    quiet = replace(bench, suite=bench.suite.model_copy(update={"scenarios": (calm,)}))
    outcome = play(quiet, Simulator(bench.compiled), Task(0, 0, bench.variants[:1]))
    out_s, back_s = (change.at_s for change in bench.schedule.timeline(bench.variants[0]).changes)
    assert (out_s, back_s) == (600.0, 600.0 + 8 * 3600.0), "both fall on knots"
    assert (outcome.runs, outcome.settles) == (2, 2 * (1 + KNOTS))
    assert done["settled by blocks"] == (1 + KNOTS) + (back_s - out_s) / STEP_S
    assert (done["power chains"], done["networks"]) == (2, 1)
