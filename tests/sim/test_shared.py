"""Arms that share their settles see what they would have seen alone, bit for bit."""

from dataclasses import fields

import numpy as np

from scenarios.fleets.example import example_fleet
from tests.sim.fleets import START
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.records.run import Run
from twin.sim.run import Simulator
from twin.sim.shared import SharedSettles

WORLD = (
    TimedChange(4000.0, Change("state", "ams1-msb-1", -1.0), "world:loss"),
    TimedChange(9000.0, Change("state", "ams1-msb-1", 1.0), "world:loss"),
    TimedChange(15000.0, Change("demand", "web", 0.4, "*"), "world:surge"),
)
PLAN = (
    TimedChange(7200.0, Change("weight", "web", -0.3, "ams1"), "plan:shift"),
    TimedChange(7200.0, Change("state", "ams1-ups-2b", -1.0), "plan:ups"),
    TimedChange(10800.0, Change("weight", "web", 0.3, "ams1"), "plan:shift"),
    TimedChange(10800.0, Change("state", "ams1-ups-2b", 1.0), "plan:ups"),
)


def equal(one: Run, other: Run) -> bool:
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(Run))


def test_sharing_changes_nothing_but_the_work() -> None:
    simulator = Simulator(compile_fleet(example_fleet(), start=START))
    shared = SharedSettles()
    simulator.run((), WORLD, until_s=86400.0, shared=shared)
    with_others = simulator.run(PLAN, WORLD, until_s=86400.0, shared=shared)
    assert shared.hits > with_others.settles // 2
    assert equal(with_others, simulator.run(PLAN, WORLD, until_s=86400.0))


def test_what_is_undone_leaves_nothing_behind() -> None:
    simulator = Simulator(compile_fleet(example_fleet(), start=START))
    shared = SharedSettles()
    undone = simulator.run(PLAN, (), start_s=20000.0, until_s=40000.0, shared=shared)
    hits = shared.hits
    untouched = simulator.run((), (), start_s=20000.0, until_s=40000.0, shared=shared)
    assert shared.hits > hits
    assert np.array_equal(undone.facility_j, untouched.facility_j)
