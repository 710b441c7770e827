"""Capping in a run: it beats the fast edge or it did not help; who is cut; no oscillation; blind and dead controllers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.fleets import random_fleet
from tests.sim.helpers import SEEDS, settled
from tests.sim.movers.protected import compiled, trips
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.records.run import Run
from twin.sim.below import below
from twin.sim.engine import Engine
from twin.sim.movers.capping import Capping
from twin.sim.narrate import Narrator
from twin.sim.recorder import Recorder
from twin.sim.run import simulate

# At 136 % of its rating this panel opens after 0.8·12·36/1.36² = 187 s on the fast edge.
TRIPS_S = 0.8 * 12 * 36 / 1.36**2
SURGE_S = 100.0


def panel(policy: dict[str, Any] | None = None, *, spread: str = "", **unit: Any) -> Fleet:
    """A panel of 100 kVA over 16 racks of 10 servers of 400 W to 1 kW: eight with a service of tier 0, eight of tier 3.

    With the demand as it is all run at a quarter of their speed: 160·(400 + 150) W = 88 kW. Every
    second rack is fed from a second panel as well (`spread` "shared") or from that alone ("other").
    """
    names = [f"r{i:02d}" for i in range(16)]
    protected = {
        "name": "p",
        "kind": "panel",
        "site": "s",
        "rated_va": 100e3,
        "fed_by": ["grid"],
        "trip": "c",
    }
    sister = {"name": "q", "kind": "panel", "site": "s", "rated_va": 1e6, "fed_by": ["grid"]}
    second = {"": ["p"], "shared": ["p", "q"], "other": ["q"]}[spread]
    feeds = [second if i % 2 else ["p"] for i in range(16)]
    return Fleet.model_validate(
        {
            "fleet": "capped",
            "regions": [{"name": "somewhere"}],
            "sites": [{"name": "s", "region": "somewhere"}],
            "trip_curves": [{"name": "c", "kind": "bands", "long_delay_s": 12.0}],
            "capping_policies": [{"name": "dynamo", **(policy or {})}],
            "power_units": [
                {"name": "grid", "kind": "utility", "site": "s", "rated_va": 1e9},
                {**protected, **({} if policy is None else {"capping": "dynamo"}), **unit},
                sister,
            ],
            "racks": [
                {"name": n, "site": "s", "row": "a", "fed_by": f} for n, f in zip(names, feeds, strict=True)
            ],
            "server_types": [
                {
                    "name": "t",
                    "cores": 1,
                    "idle_w": 400.0,
                    "max_w": 1000.0,
                    "off_w": 200.0,
                    "exponent": 1.0,
                    "power_factor": 1.0,
                }
            ],
            "reservations": [{"name": "gold"}, {"name": "lead"}],
            "server_groups": [
                {"name": f"{n}-g", "rack": n, "type": "t", "owner": "gold" if i < 8 else "lead", "count": 10}
                for i, n in enumerate(names)
            ],
            "services": [
                {"name": f"of-{owner}", "tier": tier, "reservation": owner, "slots": 1, "service_time_s": 1.0}
                for owner, tier in (("gold", 0), ("lead", 3))
            ],
            "deployments": [{"service": f"of-{o}", "site": "s", "replicas": 80} for o in ("gold", "lead")],
            "demand": [
                {"service": f"of-{o}", "region": "somewhere", "rate_per_s": 20.0} for o in ("gold", "lead")
            ],
        }
    )


class Seen:
    """What an observer of settles notes: the peak of the panel, the caps, and what was told."""

    def __init__(self) -> None:
        self.peak: list[tuple[float, float]] = []
        self.caps: list[np.ndarray] = []
        self.told: list[tuple[float, str]] = []
        self.moves = 0

    def __call__(self, now: float, engine: Engine, recorder: Recorder, recent: Sequence[TimedChange]) -> None:
        at = engine.compiled.index["power_units"]["p"]
        self.peak.append((now, float(engine.unit_peak_va[at])))
        self.caps.append(engine.state.cap_w.copy())
        capping = [timed for timed in recent if timed.origin == "physics:capping"]
        self.told += sorted({(timed.at_s, timed.text) for timed in capping})
        self.moves += len(capping)


def surge(at_s: float = SURGE_S, by: float = 2.0, service: str = "*") -> TimedChange:
    """Demand that rises by so many times itself."""
    return TimedChange(at_s, Change("demand", service, by, "*"), "world:surge")


def play(
    fleet: Fleet, world: Sequence[TimedChange] = (), until_s: float = 1000.0, without: Sequence[str] = ()
) -> tuple[Run, Seen]:
    seen = Seen()
    run = simulate(compiled(fleet), world=world or [surge()], until_s=until_s, observe=seen, without=without)
    return run, seen


def test_without_capping_the_panel_trips_with_it_it_does_not() -> None:
    bare, _ = play(panel())
    assert trips(bare) == [(pytest.approx(SURGE_S + TRIPS_S), "p")]
    capped, seen = play(panel({}))
    assert trips(capped) == []
    assert seen.peak[-1][1] == pytest.approx(95e3, rel=1e-6)
    off, _ = play(panel({}), without=["capping"])
    assert trips(off) == trips(bare)


def test_a_slow_controller_did_not_help() -> None:
    """It looks every five minutes: the panel is open by then. Late actuation is as bad as late sensing."""
    assert len(trips(play(panel({"period_s": 300.0}))[0])) == 1
    assert len(trips(play(panel({"actuation_s": 200.0}))[0])) == 1
    assert trips(play(panel({"period_s": 150.0}))[0]) == []


def test_it_looks_at_the_next_tick_and_acts_after_the_actuation_time() -> None:
    _, seen = play(panel({"period_s": 7.0, "actuation_s": 2.5, "floor": 0.3}), [surge(by=1.5)])
    assert seen.told[0] == (105.0 + 2.5, "p caps 8 racks to lose 29 kW")


def test_lowest_tier_first_and_only_as_far_as_its_floor() -> None:
    """41 kW must go. Tier 3 draws 68 kW and stops at 40 kW (floor 0.5), the other 13 kW are cut from tier 0."""
    _, seen = play(panel({"floor": 0.5}))
    caps = seen.caps[-1]
    assert caps[8:] == pytest.approx(np.full(8, 5e3))
    assert caps[:8] == pytest.approx(np.full(8, (95e3 - 40e3) / 8))
    lower = play(panel({"floor": 0.3}), [surge(by=1.5)])[1].caps[-1]
    assert np.isinf(lower[:8]).all() and lower[8:].sum() == pytest.approx(95e3 - 62e3)


def test_nobody_is_cut_below_idle() -> None:
    """A floor of 10 % cannot be met: tier 3 stops at its 32 kW of idle power, and tier 0 must give the rest."""
    _, seen = play(panel({"floor": 0.1}))
    assert seen.caps[-1] == pytest.approx(np.repeat([(95e3 - 32e3) / 8, 4e3], 8))
    assert seen.peak[-1][1] == pytest.approx(95e3)


def test_floors_that_do_not_suffice_leave_the_rest_to_the_breaker() -> None:
    """At a floor of 70 % of nameplate 112 kW remain: all are at their floors, and the panel opens, later than bare."""
    run, seen = play(panel({"floor": 0.7}))
    bare = trips(play(panel())[0])
    assert len(trips(run)) == 1 and trips(run)[0][0] > bare[0][0] + 30.0
    at = next(i for i, (now, va) in enumerate(seen.peak) if now > SURGE_S and va < 113e3)
    assert seen.caps[at] == pytest.approx(np.full(16, 7e3))


def test_what_broken_servers_draw_cannot_be_cut_and_is_made_up_for() -> None:
    """Half of tier 3 is broken and draws 8 kW; its other half stops at 20 kW, and tier 0 gives the rest, in one order."""
    broken = [TimedChange(50.0, Change("failed", f"r{i:02d}-g", 5.0), "world:test") for i in range(8, 16)]
    _, seen = play(panel({"floor": 0.5}), [*broken, surge(by=2.5)])
    assert seen.caps[-1] == pytest.approx(np.repeat([(95e3 - 28e3) / 8, 2.5e3], 8))
    assert seen.peak[-1][1] == pytest.approx(95e3) and len(seen.told) == 1


def test_a_controller_that_can_do_no_more_does_not_ask_again() -> None:
    """All are at their floors above the limit for an hour: no settle for every tick of three seconds."""
    fleet = compiled(panel({"floor": 0.7}, trip=None))
    assert simulate(fleet, world=[surge()], until_s=3700.0).settles < 20


@pytest.mark.parametrize("spread", ["", "shared", "other"])
@pytest.mark.parametrize("floor", [0.3, 0.45, 0.6])
@pytest.mark.parametrize("by", [1.2, 2.0, 2.9])
def test_no_oscillation_under_constant_demand(spread: str, floor: float, by: float) -> None:
    """An hour of ticks (1 200): a few orders, all in the first minutes, and then it rests between the bands."""
    rated_va = 50e3 if spread == "other" else 100e3
    fleet = panel({"floor": floor}, spread=spread, trip=None, rated_va=rated_va)
    _, seen = play(fleet, [surge(by=by)], 3700.0)
    assert len(seen.told) <= 3
    assert all(at_s < SURGE_S + 60.0 for at_s, _ in seen.told)
    assert seen.peak[-1][1] <= 0.99 * rated_va * (1 + 1e-9)


@settings(max_examples=15)
@given(seed=st.integers(0, 1000))
def test_moves_are_bounded_by_what_demand_does(seed: int) -> None:
    """Random steps of demand: every step costs a few orders at most, not one per tick (of 200 between steps)."""
    rng = np.random.default_rng(seed)
    world = [
        surge(600.0 * i, float(by)) for i, by in enumerate(np.diff(rng.uniform(0.0, 2.5, 8), prepend=0.0))
    ]
    _, seen = play(panel({"floor": 0.3}, trip=None, spread=("", "shared")[seed % 2]), world, 4800.0)
    assert len(seen.told) <= 5 * len(world)
    last = seen.peak[-1][1]
    assert last <= 99e3 * (1 + 1e-9)
    assert np.isinf(seen.caps[-1]).all() or last >= 90e3 * (1 - 1e-9)


def test_everything_is_given_back_when_the_surge_is_over() -> None:
    run, seen = play(panel({}), [surge(), surge(600.0, -2.0)], 900.0)
    assert np.isinf(seen.caps[-1]).all() and trips(run) == []
    assert seen.told[-1][1] == "p caps no rack any more"
    assert 600.0 < seen.told[-1][0] < 660.0
    assert seen.peak[-1][1] == pytest.approx(88e3)


def test_capped_servers_are_felt_by_the_service_they_run() -> None:
    """Tier 3 loses requests, tier 0 none; without the surge nobody does."""
    fleet = compiled(panel({"floor": 0.3}))
    run = simulate(fleet, world=[surge(by=1.5)], until_s=1000.0)
    errors = dict(zip(fleet.names["services"], run.errors / run.requests, strict=True))
    assert errors["of-lead"] > 0.2 and errors["of-gold"] < 0.01


def test_the_chain_of_causes_names_the_caps() -> None:
    """Demand → overload → caps → replicas that are lost."""
    fleet = compiled(panel({"floor": 0.3}))
    narrator = Narrator(fleet)
    run = narrator.told(simulate(fleet, world=[surge(by=1.5)], until_s=200.0, observe=narrator))
    step = next(h for h in run.happenings if h.kind == "capacity")
    chain = [step]
    while chain[-1].cause >= 0:
        chain.append(run.happenings[chain[-1].cause])
    assert [(h.kind, h.thing) for h in chain] == [
        ("capacity", "of-lead"),
        ("physics", "r08"),
        ("overloads", "p"),
        ("world", "*"),
    ]


@pytest.mark.parametrize("what", ["sensor", "controller"])
def test_a_blind_or_dead_controller_does_not_help_until_it_is_mended(what: str) -> None:
    fails = TimedChange(50.0, Change("fault", "p", 1.0, what), "world:test")
    mended = TimedChange(200.0, Change("fault", "p", -1.0, what), "world:test")
    assert len(trips(play(panel({}), [fails, surge()])[0])) == 1
    run, seen = play(panel({}), [fails, surge(), mended])
    assert trips(run) == [] and seen.told[0][0] == 201.0 + 2.0


def test_an_order_of_a_controller_that_dies_is_lost_one_of_a_blind_one_arrives() -> None:
    for what, arrives in (("controller", False), ("sensor", True)):
        fails = TimedChange(104.0, Change("fault", "p", 1.0, what), "world:test")
        _, seen = play(panel({"actuation_s": 5.0}), [surge(), fails], 200.0)
        assert bool(seen.told) is arrives


def test_at_rest_without_anything_to_cap() -> None:
    mover = Capping.of(compiled(panel({})))
    assert mover is not None and mover.at_rest and mover.due() == np.inf
    engine = Engine(compiled(panel({})))
    engine.settle(0.0)
    mover.read(0.0, engine)
    assert mover.at_rest
    engine.state.apply(surge().change)
    engine.settle(10.0)
    mover.read(10.0, engine)
    assert not mover.at_rest and mover.due() == 12.0
    assert Capping.of(compiled(panel())) is None


def test_part_of_a_rack_that_flows_through_a_unit() -> None:
    fleet = panel({}, spread="shared")
    engine = settled(fleet)
    at = int(engine.compiled.power.unit_node[engine.compiled.index["power_units"]["p"]])
    assert below(engine.compiled, at, engine.share).tolist() == [1.0, 0.5] * 8


@settings(max_examples=40)
@given(seed=SEEDS)
def test_parts_are_the_sums_over_all_ways_up(seed: int) -> None:
    """Against a walk up from each rack, share by share, in random power chains."""
    engine = settled(random_fleet(seed))
    power = engine.compiled.power
    levels = power.levels

    def up(node: int, to: int) -> float:
        if node == to:
            return 1.0
        ways = np.flatnonzero(levels.child == node).tolist()
        return sum(float(engine.share[e]) * up(int(levels.parent[e]), to) for e in ways)

    for to in power.unit_node.tolist():
        expected = [up(node, to) for node in power.rack_node.tolist()]
        assert below(engine.compiled, to, engine.share) == pytest.approx(expected)
