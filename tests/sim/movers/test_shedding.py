"""Shedding in a run: four UPSs that can spare one only if load is shed in time; who goes, who comes back, what fails."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings

from tests.sim.helpers import SEEDS
from tests.sim.movers.protected import compiled, trips
from twin.graph.levels import Bools, Floats
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.records.run import Run
from twin.sim.below import NO_TIER, rack_tiers
from twin.sim.engine import Engine
from twin.sim.movers.shedding import Shedding
from twin.sim.narrate import Narrator
from twin.sim.recorder import Recorder
from twin.sim.run import simulate

LOST_S = 100.0
PAIRS = [("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")]
TIERS = (0, 1, 2, 3)
# At 4/3 of its rating a UPS goes to bypass after 10 s, as one with an old battery does (and the bypass opens after 30 s).
CURVES = [
    {
        "name": "inverter",
        "kind": "points",
        "points": [[1.02, 600, 900], [1.25, 20, 30], [4 / 3, 10, 15], [2, 1, 2]],
    },
    {"name": "bypass", "kind": "points", "points": [[1.02, 1800, 2400], [4 / 3, 30, 40], [2, 5, 6]]},
]


def room(
    policy: dict[str, Any] | None = None,
    *,
    kw: Sequence[float] = (),
    idle: float = 1.0,
    rate_per_s: float = 0.1,
) -> Fleet:
    """A room of 4N/3 without reserve: UPSs a to d of 120 kVA, each full; each of their six pairs feeds four racks of 20 kW,
    which are alone with a service of tier 0, 1, 2 and 3.

    Losing one UPS leaves 160 kW to each of the others. Racks draw what they draw whatever they serve, unless `idle` is less
    than 1.
    """
    racks = [(f"{a}{b}{tier}", a, b, tier) for a, b in PAIRS for tier in TIERS]
    watts = {name: 1e3 * k for (name, *_), k in zip(racks, kw or [20.0] * 24, strict=True)}
    declared = {} if policy is None else {"shedding": "flex"}
    return Fleet.model_validate(
        {
            "fleet": "room",
            "regions": [{"name": "somewhere"}],
            "sites": [{"name": "s", "region": "somewhere"}],
            "trip_curves": CURVES,
            "shedding_policies": [{"name": "flex", **(policy or {})}],
            "power_units": [
                {"name": "grid", "kind": "utility", "site": "s", "rated_va": 1e9},
                *(
                    {
                        "name": ups,
                        "kind": "ups",
                        "site": "s",
                        "rated_va": 120e3,
                        "fed_by": ["grid"],
                        "trip": "inverter",
                        "bypass_trip": "bypass",
                        **declared,
                    }
                    for ups in "abcd"
                ),
            ],
            "racks": [{"name": n, "site": "s", "row": "r", "fed_by": [a, b]} for n, a, b, _ in racks],
            "server_types": [
                {"name": n, "cores": 1, "idle_w": idle * w, "max_w": w, "power_factor": 1.0}
                for n, w in watts.items()
            ],
            "reservations": [{"name": f"o{tier}"} for tier in TIERS],
            "server_groups": [
                {"name": f"{n}-g", "rack": n, "type": n, "owner": f"o{tier}", "count": 1}
                for n, *_, tier in racks
            ],
            "services": [
                {
                    "name": f"t{tier}",
                    "tier": tier,
                    "reservation": f"o{tier}",
                    "slots": 1,
                    "service_time_s": 1.0,
                }
                for tier in TIERS
            ],
            "deployments": [{"service": f"t{tier}", "site": "s", "replicas": 6} for tier in TIERS],
            "demand": [
                {"service": f"t{tier}", "region": "somewhere", "rate_per_s": rate_per_s} for tier in TIERS
            ],
        }
    )


GREEDY = {"shed_above": 1.01, "shed_to": 1.005, "restore_below": 1.0}


class Seen:
    """What an observer of settles notes: peaks of the UPSs, which racks are on, and what was told."""

    def __init__(self) -> None:
        self.peaks: list[tuple[float, Floats]] = []
        self.on: list[tuple[float, Bools]] = []
        self.told: list[tuple[float, str]] = []

    def __call__(self, now: float, engine: Engine, recorder: Recorder, recent: Sequence[TimedChange]) -> None:
        self.peaks.append((now, engine.unit_peak_va.copy()))
        self.on.append((now, engine.rack_powered.copy()))
        self.told += sorted({(t.at_s, t.text) for t in recent if t.origin == "physics:shedding"})


def hold(at_s: float, ups: str, value: float = -1.0) -> TimedChange:
    return TimedChange(at_s, Change("state", ups, value), "world:test", f"{ups} is lost")


def play(
    fleet: Fleet,
    world: Sequence[TimedChange] = (),
    *,
    until_s: float = 400.0,
    without: Sequence[str] = (),
) -> tuple[Run, Seen]:
    seen = Seen()
    world = world or [hold(LOST_S, "d")]
    run = simulate(compiled(fleet), world=world, until_s=until_s, observe=seen, without=without)
    return run, seen


def off(fleet: Fleet, seen: Seen) -> list[str]:
    """Racks that have no power in the end."""
    names = [rack.name for rack in fleet.racks]
    return [name for name, on in zip(names, seen.on[-1][1], strict=True) if not on]


def test_shed_in_time_the_upss_stay_off_their_bypass() -> None:
    """133 % for 7 s of 10: without shedding all three go to bypass, trip there, and everything is dark."""
    bare, _ = play(room())
    assert {unit for _, unit in trips(bare)} == {"a", "b", "c"}
    run, seen = play(room(GREEDY))
    assert trips(run) == [] and run.happenings == ()
    assert seen.told[0][0] == LOST_S + 1.0 + 5.0
    switched_off, _ = play(room(GREEDY), without=["shedding"])
    assert trips(switched_off) == trips(bare)


@pytest.mark.parametrize("slow", [{"period_s": 60.0}, {"actuation_s": 12.0}])
def test_a_slow_controller_does_not_save_the_ups_from_its_bypass(slow: dict[str, float]) -> None:
    """It looks at 120 s, or its orders arrive after 12 s: the inverters have given up after 10 s."""
    for policy, saved in (({**GREEDY, **slow}, False), (GREEDY, True)):
        fleet = room(policy)
        narrator = Narrator(compiled(fleet))
        run = narrator.told(
            simulate(compiled(fleet), world=[hold(LOST_S, "d")], until_s=150.0, observe=narrator)
        )
        assert any("goes to bypass" in h.text for h in run.happenings) is not saved


def test_lowest_tier_first_and_as_few_as_needed() -> None:
    """Each of three UPSs must lose 39.4 kW; racks of tier 3 that it shares with d carry 20 kW of it, others 10 kW."""
    fleet = room(GREEDY)
    _, seen = play(fleet)
    assert off(fleet, seen) == ["ab3", "ac3", "ad3", "bc3", "bd3", "cd3"]
    assert seen.peaks[-1][1][1:4] == pytest.approx([120e3] * 3)
    # A quarter less load: 120 kW each, nobody goes.
    light = room(GREEDY, kw=[15.0] * 24)
    assert off(light, play(light)[1]) == []
    # 141.6 kW each: the rack of 17.7 kW that has no other feed left is 3.3 kW short. Rack ab3 then helps both a and b.
    some = room(GREEDY, kw=[17.7] * 24)
    assert off(some, play(some)[1]) == ["ab3", "ac3", "ad3", "bd3", "cd3"]


def test_racks_of_the_least_tier_and_better_stay_on_even_if_the_ups_does_not() -> None:
    """Without tier 3 the rest must come from tier 2; a policy that may touch neither sheds nothing at all."""
    fleet = room({**GREEDY, "shed_to": 0.75, "restore_below": 0.7})
    assert {name[-1] for name in off(fleet, play(fleet)[1])} == {"2", "3"}
    spared = room({**GREEDY, "least_tier": 10})
    run, seen = play(spared)
    assert seen.told == [] and len(trips(run)) == 3


def test_racks_come_back_when_the_ups_does_after_the_hold_and_stay() -> None:
    fleet = room({**GREEDY, "hold_s": 200.0})
    run, seen = play(fleet, [hold(LOST_S, "d"), hold(150.0, "d", 1.0)], until_s=4000.0)
    assert off(fleet, seen) == [] and trips(run) == []
    back = [(at_s, text) for at_s, text in seen.told if "back" in text]
    assert {at_s for at_s, _ in back} == {106.0 + 200.0 + 5.0}
    assert sum("sheds" in text for _, text in seen.told) <= 3


def test_only_what_stays_below_the_band_comes_back_and_the_best_tier_first() -> None:
    """Tiers 2 and 3 are off: 60 kW each when d is back. Up to 82.8 kW each may take two racks of tier 2 at 10 kW."""
    fleet = room({**GREEDY, "shed_to": 0.70, "restore_below": 0.69})
    lost = [hold(LOST_S, "d")]
    assert {name[-1] for name in off(fleet, play(fleet, lost, until_s=4000.0)[1])} == {"2", "3"}
    _, seen = play(fleet, [*lost, hold(2000.0, "d", 1.0)], until_s=4000.0)
    assert off(fleet, seen) == ["ab3", "ac3", "ad2", "ad3", "bc3", "bd2", "bd3", "cd2", "cd3"]
    assert seen.peaks[-1][1][1:5] == pytest.approx([80e3, 80e3, 80e3, 60e3])


@settings(max_examples=25)
@given(seed=SEEDS)
def test_nobody_better_goes_while_somebody_who_would_help_is_on_and_nothing_swings(seed: int) -> None:
    """Random loads and bands, any UPS lost, for two hours: a few orders, then rest. What was shed is in the order of tiers."""
    rng = np.random.default_rng(seed)
    to = rng.uniform(0.6, 0.99)
    policy = {"shed_above": 1.01, "shed_to": to, "restore_below": to * rng.uniform(0.7, 0.99)}
    fleet = room(policy, kw=rng.uniform(5.0, 30.0, 24).round(1).tolist())
    lost = "abcd"[seed % 4]
    run, seen = play(fleet, [hold(LOST_S, lost)], until_s=7200.0)
    orders = [at_s for at_s, _ in seen.told]
    assert len(set(orders)) <= 8 and max(orders, default=0.0) < 1000.0
    assume(not trips(run) and min(orders, default=LOST_S) >= LOST_S)  # overloaded before anything was lost
    before_return = [i for i, (at_s, _) in enumerate(seen.on) if at_s < LOST_S + 300.0][-1]
    tiers, on, peaks = rack_tiers(compiled(fleet)), seen.on[before_return][1], seen.peaks[before_return][1]
    feeds = np.array([[ups in rack.fed_by for rack in fleet.racks] for ups in "abcd"])
    worst = [int(tiers[helped & on].max()) for helped in feeds]
    for i, ups in enumerate("abcd"):
        assert ups == lost or peaks[i + 1] <= 1.01 * 120e3 or worst[i] == 0
    for rack in np.flatnonzero(~on).tolist():
        assert tiers[rack] >= min(worst[i] for i in np.flatnonzero(feeds[:, rack]) if "abcd"[i] != lost)


@settings(max_examples=25)
@given(seed=SEEDS)
def test_nothing_swings_where_the_load_of_racks_that_are_off_moves_to_others(seed: int) -> None:
    """Services with up to 0.95 of their servers busy: what is shed makes the rest busier, at constant demand for four hours."""
    rng = np.random.default_rng(seed)
    to = rng.uniform(0.5, 0.99)
    policy = {"shed_above": min(1.0, to * 1.05), "shed_to": to, "restore_below": to * 0.98, "hold_s": 60.0}
    fleet = room(
        policy,
        kw=rng.uniform(10.0, 35.0, 24).round(1).tolist(),
        idle=rng.uniform(0.2, 0.8),
        rate_per_s=rng.uniform(0.5, 5.7),
    )
    world = [hold(LOST_S, "abcd"[seed % 4]), hold(2000.0, "abcd"[seed % 4], 1.0)]
    _, seen = play(fleet, world, until_s=14400.0)
    assert len({at_s for at_s, _ in seen.told}) <= 12
    assert max((at_s for at_s, _ in seen.told), default=0.0) < 4000.0


def test_a_wrong_guess_does_not_swing_for_ever() -> None:
    """Load that comes and goes every minute: what is given back is always too much soon after. Each wait is twice the last."""
    bands = {"shed_above": 1.01, "shed_to": 1.0, "restore_below": 0.99, "hold_s": 60.0, "actuation_s": 1.0}
    swings = [
        TimedChange(200.0 + 60.0 * i, Change("count", f"{pair}0-g", 1.0 - 2.0 * (i % 2)), "world:test")
        for i in range(120)
        for pair in ("ab", "bc")
    ]
    _, seen = play(room(bands, kw=[14.0] * 24), [hold(LOST_S, "d"), *swings], until_s=7400.0)
    sheds = sorted({at_s for at_s, text in seen.told if "sheds" in text})
    assert 5 <= len(sheds) <= 8
    assert all(later >= 1.5 * before for before, later in pairwise(np.diff(sheds)[1:]))


@pytest.mark.parametrize("what", ["shedding-sensor", "shedding-controller"])
def test_blind_and_dead_controllers_shed_nothing(what: str) -> None:
    fails = [TimedChange(50.0, Change("fault", ups, 1.0, what), "world:test") for ups in "abc"]
    run, seen = play(room(GREEDY), [*fails, hold(LOST_S, "d")])
    assert seen.told == [] and len(trips(run)) == 3
    one = [TimedChange(50.0, Change("fault", "a", 1.0, what), "world:test")]
    assert all(not text.startswith("a ") for _, text in play(room(GREEDY), [*one, hold(LOST_S, "d")])[1].told)


def test_an_order_of_a_controller_that_dies_is_lost_one_of_a_blind_one_arrives() -> None:
    for what, arrives in (("shedding-controller", False), ("shedding-sensor", True)):
        fails = [TimedChange(103.0, Change("fault", ups, 1.0, what), "world:test") for ups in "abc"]
        assert bool(play(room(GREEDY), [hold(LOST_S, "d"), *fails], until_s=110.0)[1].told) is arrives


def test_racks_below_a_blind_controller_stay_off() -> None:
    fleet = room(GREEDY)
    world = [hold(LOST_S, "d"), hold(150.0, "d", 1.0)]
    blind = TimedChange(120.0, Change("fault", "a", 1.0, "shedding-sensor"), "world:test")
    assert off(fleet, play(fleet, [*world, blind], until_s=2000.0)[1]) == ["ab3", "ac3", "ad3"]
    mended = TimedChange(1000.0, Change("fault", "a", -1.0, "shedding-sensor"), "world:test")
    assert off(fleet, play(fleet, [*world, blind, mended], until_s=2000.0)[1]) == []


def test_what_was_shed_is_counted_and_told_back_to_the_loss() -> None:
    fleet = room(GREEDY)
    narrator = Narrator(compiled(fleet))
    run = narrator.told(simulate(compiled(fleet), world=[hold(LOST_S, "d")], until_s=200.0, observe=narrator))
    assert sorted(i.thing for i in run.intervals if i.kind == "racks_shed") == [
        "ab3",
        "ac3",
        "ad3",
        "bc3",
        "bd3",
        "cd3",
    ]
    shed = next(h for h in run.happenings if h.kind == "racks_shed")
    chain = [shed]
    while chain[-1].cause >= 0:
        chain.append(run.happenings[chain[-1].cause])
    assert chain[-1].text == "d is lost"


def test_at_rest_without_anything_to_shed() -> None:
    fleet = compiled(room(GREEDY))
    mover = Shedding.of(fleet)
    assert mover is not None and mover.at_rest and mover.due() == np.inf
    assert Shedding.of(compiled(room())) is None
    engine = Engine(fleet)
    engine.settle(0.0)
    mover.read(0.0, engine)
    assert mover.at_rest
    engine.state.apply(hold(0.0, "d").change)
    engine.settle(10.5)
    mover.read(10.5, engine)
    assert not mover.at_rest and mover.due() == 11.0


def test_a_rack_is_as_important_as_the_best_that_may_run_on_it_or_needs_its_data() -> None:
    fleet = room(GREEDY)
    assert rack_tiers(compiled(fleet)).tolist() == [0, 1, 2, 3] * 6
    data = {"storage": [{"name": "data", "racks": ["ab3", "cd3"], "quorum": 1}]}
    row = {"name": "t1", "tier": 1, "reservation": "o1", "slots": 1, "service_time_s": 1.0, "storage": "data"}
    dump = fleet.model_dump(by_alias=False)
    kept = Fleet.model_validate(
        {**dump, **data, "services": [row if s["name"] == "t1" else s for s in dump["services"]]}
    )
    tiers = dict(zip([r.name for r in fleet.racks], rack_tiers(compiled(kept)).tolist(), strict=True))
    assert (tiers["ab3"], tiers["cd3"], tiers["ac3"]) == (1, 1, 3)
    bare = Fleet.model_validate({**dump, "services": [], "deployments": [], "demand": []})
    assert set(rack_tiers(compiled(bare)).tolist()) == {NO_TIER}
