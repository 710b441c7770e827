"""UPS batteries in a run: when they are empty, what is lost, what flows, and how they come back."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.sim.fleets import START
from tests.sim.movers.supply import KW, LOAD_W, UTILITY, chain, fault, fleet_of, loses, play, spell
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.sim.engine import Engine
from twin.sim.run import simulate

UPS = {"name": "ups", "kind": "ups", "rated_va": 1e5, "fed_by": ["util"], "peukert": 1.0}


def bare(**ups: object) -> Fleet:
    """Return utility -> UPS -> rack: a battery of 60 s at the load."""
    return fleet_of([UTILITY, {**UPS, "battery_j": 60 * LOAD_W, **ups}], {"rack": ["ups"]})


def test_the_rack_is_dark_from_when_the_battery_is_empty_until_a_source_is_back() -> None:
    played = play(bare(), loses("util", 100.0, 500.0), 1000.0)
    assert played.lost("rack") == [(pytest.approx(160.0), 600.0)]
    carries, empty, *_ = (h for h in played.run.happenings if h.thing == "ups")
    assert (carries.at_s, carries.text) == (100.0, "ups is on its battery: 80 % load, enough for 1 min")
    assert (empty.at_s, empty.kind) == (pytest.approx(160.0), "batteries_empty")
    chain_of_causes = [next(h for h in played.run.happenings if h.kind == "racks")]
    while chain_of_causes[-1].cause >= 0:
        chain_of_causes.append(played.run.happenings[chain_of_causes[-1].cause])
    assert empty in chain_of_causes
    assert chain_of_causes[-1].text == "state util -1"


def test_one_that_is_switched_off_does_not_fail_either() -> None:
    world = [*fault("ups", "battery", 0.0), *loses("util", 100.0, 50.0)]
    assert play(bare(), world, 1000.0).lost("rack") == [(100.0, 150.0)]
    assert play(bare(), world, 1000.0, without=("batteries",)).lost("rack") == []


def test_one_that_locks_out_stays_off_until_a_person_bypasses_it() -> None:
    """Empty at 160 s, locked out for 1000 s: the source that is back at 600 s does not reach the rack before 1160 s."""
    played = play(bare(lockout_s=1000.0), loses("util", 100.0, 500.0), 3000.0)
    assert played.lost("rack") == [(pytest.approx(160.0), pytest.approx(1160.0))]
    texts = [text for at_s, text in played.told("ups") if at_s == pytest.approx(1160.0)]
    assert texts == ["a person puts ups on its bypass", "ups can ride again, as far as it is charged"]
    assert played.lost("rack") != play(bare(), loses("util", 100.0, 500.0), 3000.0).lost("rack")


def test_one_with_a_dead_battery_locks_out_and_protects_nothing_before_it_is_mended() -> None:
    """Bypassed at 700 s it follows its feeder; the battery is mended at 100 + 5000 s and rides through the third outage."""
    world = [*fault("ups", "battery", 0.0), *loses("util", 100.0, 50.0), *loses("util", 2000.0, 10.0)]
    world += loses("util", 6000.0, 10.0)
    played = play(bare(lockout_s=600.0, mttr_s=5000.0), world, 8000.0)
    assert played.lost("rack") == [(100.0, 700.0), (2000.0, 2010.0)]


def test_peukert_and_age_decide_how_long() -> None:
    """80 % of the rating, exponent 1.2, 75 % health: 60 s · 0.8 (at the rating) · 0.75 / 0.8^1.2 = 47.0 s."""
    played = play(bare(peukert=1.2, battery_health=0.75), loses("util", 0.0), 1000.0)
    assert played.lost("rack")[0][0] == pytest.approx(60 * 0.8 * 0.75 / 0.8**1.2, rel=1e-9)


def test_a_shorter_outage_is_not_noticed() -> None:
    played = play(bare(), loses("util", 100.0, 59.9), 1000.0)
    assert played.lost("rack") == []


@pytest.mark.parametrize("walk_in_s", [0.0, 12.0])
def test_what_the_site_uses_does_not_change_while_a_battery_gives_it(walk_in_s: float) -> None:
    """On battery, walking in and being charged: bought + given - charged = load + losses, at every instant."""
    fleet = bare(walk_in_s=walk_in_s, recharge_s=400.0, loss_fixed=0.02, loss_linear=0.05)
    engines: list[tuple[float, float, float]] = []

    def watch(now: float, engine: Engine, *_: object) -> None:
        engines.append((float(engine.facility_w[0]), float(engine.onsite_w[0]), now))

    simulate(
        compile_fleet(fleet, start=START), world=loses("util", 100.0, 30.0), until_s=2000.0, observe=watch
    )
    settled = {now: (bought, given) for bought, given, now in engines}
    uses = [bought + given for bought, given in settled.values()]
    assert uses == pytest.approx([LOAD_W * 1.05 + 2000.0] * len(uses))
    assert min(bought for bought, _ in settled.values()) == 0.0
    assert any(given < 0 for _, given in settled.values())


@pytest.mark.parametrize("walk_in_s", [0.0, 12.0])
def test_walk_in_and_recharge_give_back_exactly_what_was_drawn(walk_in_s: float) -> None:
    """30 s on battery and half of the walk-in leave a hole in the utility's energy that recharging fills."""
    played = play(bare(walk_in_s=walk_in_s, recharge_s=400.0), loses("util", 100.0, 30.0), 2000.0)
    steps = played.watts_of("util")
    out_s = 30.0 + walk_in_s / 2
    taken_j = sum(w * (b - a) for (a, w), (b, _) in zip(steps, [*steps[1:], (2000.0, 0.0)], strict=True))
    assert taken_j == pytest.approx(2000.0 * LOAD_W, rel=1e-9)
    full_at = played.told("ups")[-1][0]
    assert full_at == pytest.approx(130.0 + walk_in_s + 400.0 * out_s / 60.0, rel=1e-9)
    assert max(watts for _, watts in steps) == pytest.approx(LOAD_W + out_s * LOAD_W / (400.0 * out_s / 60.0))


def test_a_second_outage_finds_the_charge_that_is_left() -> None:
    """45 s of 60 drawn, 200 s of recharging at 1/1200 per second: 60 · (0.25 + 1/6) = 25 s are left."""
    world = [*loses("util", 0.0, 45.0), *loses("util", 245.0)]
    played = play(bare(recharge_s=1200.0), world, 1000.0)
    assert played.lost("rack")[0][0] == pytest.approx(245.0 + 25.0)


def test_an_empty_battery_rides_again_with_what_it_has() -> None:
    world = [*loses("util", 0.0, 100.0), *loses("util", 220.0, 100.0)]
    played = play(bare(recharge_s=1200.0), world, 1000.0)
    assert played.lost("rack") == [(60.0, 100.0), (pytest.approx(220.0 + 6.0), 320.0)]


def test_more_load_while_it_carries_brings_the_end_forward() -> None:
    """Half of the charge at 80 kW, the rest at 96 kW: 30 s and 30 / 1.2 s."""
    more = TimedChange(30.0, Change("count", "rack-g", 16.0), "world:test")
    played = play(bare(), [*loses("util", 0.0), more], 1000.0)
    assert played.lost("rack")[0][0] == pytest.approx(30.0 + 30.0 / 1.2)


def test_a_battery_that_fails_drops_its_load_when_asked_and_not_before() -> None:
    world = [*fault("ups", "battery", 0.0, 150.0), *loses("util", 100.0, 10.0), *loses("util", 200.0, 10.0)]
    played = play(bare(), world, 1000.0)
    assert played.lost("rack") == [(100.0, 110.0)]


def test_a_failed_battery_is_mended_by_a_person() -> None:
    world = [*fault("ups", "battery"), *loses("util", 100.0, 10.0), *loses("util", 1150.0, 10.0)]
    played = play(bare(mttr_s=1000.0), world, 2000.0)
    assert played.lost("rack") == [(100.0, 110.0)]


def test_without_a_battery_nothing_rides() -> None:
    fleet = fleet_of([UTILITY, UPS], {"rack": ["ups"]})
    assert play(fleet, loses("util", 100.0, 10.0), 200.0).lost("rack") == [(100.0, 110.0)]


def test_a_feed_that_is_opened_is_a_feed_that_is_lost() -> None:
    opened = spell(Change("feed", "ups", -1.0, "util"), 100.0, 500.0)
    assert play(bare(), opened, 1000.0).lost("rack") == [(pytest.approx(160.0), 600.0)]


def test_switched_off_the_law_never_runs_a_battery_empty() -> None:
    played = play(bare(), loses("util", 100.0, 5000.0), 6000.0, without=("batteries",))
    assert played.lost("rack") == []
    assert played.watts_of("util")[-1] == (5100.0, LOAD_W)
    assert played.told("ups")[0] == (100.0, "ups is on its battery: 80 % load")


def test_one_live_feed_of_two_keeps_the_battery_at_rest() -> None:
    units = [UTILITY, {**UTILITY, "name": "util-2"}]
    ups = {**UPS, "battery_j": 10 * LOAD_W, "fed_by": ["util", "util-2"]}
    played = play(fleet_of([*units, ups], {"rack": ["ups"]}), loses("util", 10.0), 500.0)
    assert played.lost("rack") == []
    assert played.told("ups") == []
    assert played.watts_of("util-2")[-1][1] == pytest.approx(80 * KW)


@pytest.mark.parametrize("battery_s", [4.0, 9.0, 10.9, 11.1, 13.0, 40.0])
def test_racks_drop_exactly_when_no_source_lasts_longer_than_the_battery(battery_s: float) -> None:
    """The gap is the start (10 s) and the transfer (1 s): below, the rack is dark for the rest of it; above, never."""
    played = play(chain(ups={"battery_j": battery_s * LOAD_W}), loses("util", 100.0, 1000.0), 1300.0)
    assert played.lost("rack") == ([(100.0 + battery_s, 111.0)] if battery_s < 11.0 else [])


@given(battery_s=st.floats(1.0, 60.0), start_s=st.floats(1.0, 60.0))
@settings(max_examples=12, deadline=None)
def test_the_boundary_is_the_line_where_battery_and_gap_are_equal(battery_s: float, start_s: float) -> None:
    assume(abs(battery_s - start_s - 1.0) > 1e-6)
    fleet = chain(ups={"battery_j": battery_s * LOAD_W}, gen={"start_s": start_s})
    lost = play(fleet, loses("util", 100.0, 1000.0), 400.0, narrate=False).lost("rack")
    expected = [(100.0 + battery_s, 101.0 + start_s)] if battery_s < start_s + 1.0 else []
    assert lost == [(pytest.approx(a), pytest.approx(b)) for a, b in expected]
