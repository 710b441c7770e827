"""Knots that go by together equal knots one by one while movers are in the middle of their work.

Each scene would come out otherwise if the mover it is about vouched for every instant: nobody else in it asks for a look.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from random import Random
from typing import Any
from unittest import mock

import pytest

from tests.sim.fleets import START
from tests.sim.movers.busy import fleet as busy
from tests.sim.movers.supply import GENERATOR, UTILITY, fault, fleet_of, loses, spell
from tests.sim.movers.test_fail_static import ring
from tests.sim.movers.test_shedding import room
from tests.sim.test_blocks import blocks_of, differences, vouched_for
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.sim.engine import Engine
from twin.sim.run import Simulator

MINUTES, UNTIL_S = 60, 3600.0
World = list[TimedChange]


@contextmanager
def always_steady(law: str) -> Iterator[None]:
    """Let the mover of a law vouch for every instant."""

    def steady(engine: Engine, now: float) -> bool:
        engine._settle_state(now)
        # All are asked, as some note what they see then.
        return engine._at_rest and all([mover.steady(engine) or mover.law == law for mover in engine.movers])

    with mock.patch.object(Engine, "steady", steady):
        yield


def by_the_minute(fleet: Fleet, values: Sequence[float] = (0.5,) * MINUTES) -> Fleet:
    """The fleet with a knot of demand and traffic every minute, be it in the fourth digit."""
    series = [value + 1e-4 * (i % 7) for i, value in enumerate(values)]
    dump = fleet.model_dump()
    rows = {table: [{**row, "profile": "day"} for row in dump[table]] for table in ("demand", "traffic")}
    return Fleet.model_validate(
        {**dump, "series": [{"name": "day", "step_s": 60.0, "values": series}], **rows}
    )


def two_racks(*units: dict[str, Any], other: str, values: Sequence[float], **more: Any) -> Fleet:
    """40 servers below a board and 40 below another unit, which draw 1 kW each when all are busy."""
    fleet = fleet_of(
        units,
        {"rack": ["board"], "other": [other]},
        kw=40,
        server_types=[{"name": "kw", "cores": 1, "idle_w": 0.0, "max_w": 1e3, "power_factor": 1.0}],
        services=[
            {
                "name": "web",
                "tier": 0,
                "reservation": "all",
                "slots": 1,
                "service_time_s": 1.0,
                "failover_s": 0.0,
            }
        ],
        deployments=[{"service": "web", "site": "s", "replicas": 80}],
        demand=[{"service": "web", "region": "r", "rate_per_s": 80.0}],
        **more,
    )
    return by_the_minute(fleet, values)


def generator(values: Sequence[float] = (0.5,) * MINUTES, **gen: Any) -> Fleet:
    """The board has a utility, and a generator of 100 kVA."""
    board = {"name": "board", "kind": "switchboard", "rated_va": 1e6, "fed_by": ["util", "gen"]}
    return two_racks(UTILITY, {**GENERATOR, **gen}, board, other="board", values=values)


def capping(values: Sequence[float]) -> Fleet:
    """The board carries 31 kVA, and a controller sees to it; what it caps is done in the other rack."""
    board = {"name": "board", "kind": "switchboard", "rated_va": 31e3, "fed_by": ["util"], "capping": "caps"}
    return two_racks(UTILITY, board, other="util", values=values, capping_policies=[{"name": "caps"}])


def starting(*sites: str, **needs: Sequence[str]) -> Fleet:
    """Services that need each other to start; users ask the first."""
    rows = [{"name": name, "starts_after": need, "start_s": 60.0} for name, need in needs.items()]
    return by_the_minute(busy(rows, rate_per_s=1.0, replicas=1, sites=sites))


def shedding(values: Sequence[float]) -> Fleet:
    """A room whose UPSs cannot spare one. Nobody asks for tier 3, whose racks go first: the others make the load."""
    policy = {"shed_above": 1.01, "shed_to": 1.0, "restore_below": 0.95, "hold_s": 60.0}
    fleet = room(policy, kw=[19.0] * 24, idle=0.5, rate_per_s=5.0)
    return by_the_minute(fleet.model_copy(update={"demand": fleet.demand[:3]}), values)


def control(switch: str, at_s: float, lasts_s: float) -> World:
    return spell(Change("control", switch, -1.0), at_s, lasts_s)


RISING = [min(0.9, 0.2 + 0.1 * max(0, i - 10)) for i in range(MINUTES)]
PEAK = [0.9 if i == 20 else 0.2 for i in range(MINUTES)]
FALLING = [0.9 if i < 30 else 0.1 for i in range(MINUTES)]
CAPPED = [0.7 if 5 <= i < 30 else 0.3 for i in range(MINUTES)]
LOST, BLINK = loses("util", 100.0, 2000.0), loses("s-grid", 100.0, 905.0)
TOO_OLD = TimedChange(505.0, Change("fault", "gen", 100.0, "life"), "world:test")
ONE_LESS = TimedChange(1505.0, Change("replicas", "b", -1.0, "s"), "world:test")
TWICE = [*loses("util", 100.0, 315.0), *loses("util", 730.0)]

SCENES: list[tuple[str, str, Fleet, World]] = [
    ("generators", "one is called", generator(), LOST),
    (
        "generators",
        "it does not start until mended",
        generator(),
        [*LOST, *fault("gen", "start", 0.0, 405.0)],
    ),
    ("generators", "it takes steps one by one", generator(RISING, block=0.5), LOST),
    ("generators", "it stalls on a peak", generator(PEAK, block=0.5), LOST),
    ("generators", "it cools down, and starts anew", generator(), TWICE),
    ("generators", "it fails while it cools down", generator(), [*TWICE[:2], *fault("gen", "run", 450.0)]),
    ("generators", "it has run too long", generator(), [*LOST, TOO_OLD]),
    ("generators", "it is out of service for a while", generator(), [*LOST, *loses("gen", 305.0, 70.0)]),
    ("startup", "one after the other", starting("s", a=["b"], b=["c"], c=[]), BLINK),
    ("startup", "what it waits for goes away", starting("s", "t", a=["b"], b=["a"]), [*BLINK, ONE_LESS]),
    ("capping", "caps are lifted when demand falls", capping(CAPPED), []),
    ("shedding", "racks come back when demand falls", shedding(FALLING), loses("d", 100.0)),
    ("fail-static", "routes are withdrawn", by_the_minute(ring()), control("a", 100.0, 500.0)),
    (
        "fail-static",
        "control is back in time and lost again",
        by_the_minute(ring(fail_static_s=200.0)),
        [*control("a", 110.0, 80.0), *control("a", 205.0, 500.0)],
    ),
]


@pytest.mark.parametrize(
    ("law", "what", "fleet", "world"), SCENES, ids=[f"{law}: {it}" for law, it, *_ in SCENES]
)
def test_knots_go_by_one_by_one_where_a_mover_must_look(
    law: str, what: str, fleet: Fleet, world: World
) -> None:
    simulator = Simulator(compile_fleet(fleet, start=START))
    with blocks_of(1):
        one_by_one = simulator.run((), world, until_s=UNTIL_S)
    assert differences(simulator.run((), world, until_s=UNTIL_S), one_by_one) == []
    with always_steady(law):
        assert differences(simulator.run((), world, until_s=UNTIL_S), one_by_one) != []
    assert vouched_for(simulator, world, until_s=UNTIL_S)[law]


def one_site(fleet: Fleet) -> Fleet:
    """The fleet with services at its first site only."""
    first = fleet.sites[0].name
    return fleet.model_copy(update={"deployments": tuple(d for d in fleet.deployments if d.site == first)})


@pytest.mark.parametrize(
    ("law", "fleet", "world"),
    [
        # A set that is wanted but out of service.
        ("generators", generator(), [*loses("gen", 50.0), *LOST]),
        # Racks without what has to be started come and go.
        (
            "startup",
            one_site(starting("s", "t", a=[])),
            [*loses("t-grid", 90.0, 60.5), *loses("t-grid", 400.0)],
        ),
        # One of two instances of the control plane is lost.
        ("fail-static", by_the_minute(ring(2)), control("a", 100.0, 500.0)),
    ],
)
def test_what_is_none_of_its_business_keeps_no_knots_apart(law: str, fleet: Fleet, world: World) -> None:
    simulator = Simulator(compile_fleet(fleet, start=START))
    with blocks_of(1):
        settles = simulator.run((), world, until_s=UNTIL_S).settles
    assert vouched_for(simulator, world, until_s=UNTIL_S)[law] == settles


def trouble(fleet: Fleet, rng: Random) -> World:
    """Eight things that go wrong for a while, of all that these movers answer."""
    units = [unit.name for unit in fleet.power_units]
    what = ["start", "load", "run", "sensor", "controller", "shedding-sensor", "shedding-controller"]
    found = [
        *(Change("state", name, -1.0) for name in units),
        *(Change("fault", name, 1.0, rng.choice(what)) for name in units),
        *(Change("control", switch.name, -1.0) for switch in fleet.switches),
        *(Change("sick", service.name, 1.0) for service in fleet.services),
    ]
    spells = [
        spell(rng.choice(found), rng.uniform(0.0, UNTIL_S), rng.choice((0.1, 30.0, 700.0))) for _ in range(8)
    ]
    return [change for both in spells for change in both]


@pytest.mark.parametrize("law", ["generators", "startup", "capping", "shedding", "fail-static"])
def test_whatever_goes_wrong_knots_go_by_together(law: str) -> None:
    """In any scene of the law; in some worlds the mover would have been wrong to vouch for all."""
    wrong, rng = 0, Random(1)
    fleets = [fleet for of, _, fleet, _ in SCENES if of == law]
    for fleet in islice(cycle(fleets), 12):
        simulator, world = Simulator(compile_fleet(fleet, start=START)), trouble(fleet, rng)
        with blocks_of(1):
            one_by_one = simulator.run((), world, until_s=UNTIL_S)
        assert differences(simulator.run((), world, until_s=UNTIL_S), one_by_one) == []
        with always_steady(law):
            wrong += bool(differences(simulator.run((), world, until_s=UNTIL_S), one_by_one))
    assert wrong
