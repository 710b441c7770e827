"""Cooling trips and heat waves: what they change, what they refuse, and that a run feels them."""

from datetime import UTC, datetime

import numpy as np
import pytest

from scenarios import hazards
from scenarios.check import hazard
from scenarios.hazards.base import Setting
from scenarios.world import timeline
from tests.sim.movers.cooled import Watch, fleet, play
from twin.model.change import Change
from twin.model.fleet import Fleet
from twin.sim.cooling import weather_at

START = datetime(2026, 1, 5, tzinfo=UTC)
HOUR_S = 3600.0


@pytest.fixture
def cooled() -> Fleet:
    plants = [
        {"name": f"chiller-{i}", "rated_heat_w": 40e3, "restart_s": 300.0 if i < 3 else None}
        for i in range(4)
    ]
    return fleet({"a": 50}, plants, [{"name": "a"}], outdoor_c=20.0, humidity=0.5)


def changes(built: Fleet, one: hazards.Hazard) -> list[tuple[float, Change]]:
    setting = Setting(built, 4 * HOUR_S, START, 1, one.kind)
    return [(timed.at_s, timed.change) for timed in timeline(one.spells(setting), 0.0, 4 * HOUR_S)]


def test_a_sag_stops_plants_for_seconds_and_a_hung_controller_until_its_reset(cooled: Fleet) -> None:
    sag = hazards.CoolingTrip(plants=("chiller-0", "chiller-1"), at="1 h", stuck=("chiller-1",), mended="2 h")
    assert changes(cooled, sag) == [
        (3600.0, Change("state", "chiller-0", -1.0)),
        (3600.0, Change("state", "chiller-1", -1.0)),
        (3600.0, Change("fault", "chiller-1", 1.0, "restart")),
        (3610.0, Change("state", "chiller-0", 1.0)),
        (3610.0, Change("state", "chiller-1", 1.0)),
        (10800.0, Change("fault", "chiller-1", -1.0, "restart")),
    ]
    hung = hazards.CoolingTrip(plants=("chiller-0",), lasts="2 h")
    assert [at_s for at_s, _ in changes(cooled, hung)] == [0.0, 7200.0]
    assert hazard(sag.spec()) == sag


def test_it_names_plants_that_exist_and_can_stick(cooled: Fleet) -> None:
    def wrong(**params: object) -> list[str]:
        return [ill.what for ill in hazards.CoolingTrip(**params).check(cooled)]

    assert wrong(plants=("chiller-9",)) == ["there is no plant 'chiller-9'"]
    assert wrong(plants=("chiller-0",), stuck=("chiller-1",)) == [
        "'chiller-1' is not among the plants that trip"
    ]
    assert wrong(plants=("chiller-3",), stuck=("chiller-3",)) == ["'chiller-3' has no restart to fail"]
    assert wrong(plants=("chiller-0",), stuck=("chiller-0",)) == []


def test_a_run_feels_it(cooled: Fleet) -> None:
    """All four trip for ten seconds: one cools at once, one after its restart, two stick until they are mended."""
    names = tuple(f"chiller-{i}" for i in range(4))
    trip = hazards.CoolingTrip(plants=names, at="10 min", stuck=names[1:3], mended="1 h")
    world = timeline(trip.spells(Setting(cooled, 4 * HOUR_S, START, 1, trip.kind)), 0.0, 4 * HOUR_S)
    watch = Watch(lambda engine: int(engine.plant_alive.sum()))
    play(cooled, world, 4 * HOUR_S, observe=watch)
    alive = dict(watch.seen)
    assert (alive[600.0], alive[610.0], alive[910.0], alive[4500.0]) == (0, 1, 2, 4)


def test_in_a_heat_wave_the_wet_bulb_rises_by_less_than_the_dry_bulb(cooled: Fleet) -> None:
    wave = hazards.HeatWave(site="s", peak="40 °C")
    world = timeline(wave.spells(Setting(cooled, 4 * HOUR_S, START, 1, wave.kind)), 0.0, 4 * HOUR_S)

    def bulbs(engine: object) -> tuple[float, float]:
        demand = engine.compiled.demand
        weather = weather_at(demand, demand.factors(engine.now)[None], engine.state.warmer_c)
        return float(weather.now_c[0, 0]), float(weather.wet_c(np.array([0]))[0, 0])

    watch = Watch(bulbs)
    play(cooled, world, HOUR_S, observe=watch)
    dry_c, wet_c = watch.seen[-1][1]
    assert dry_c == pytest.approx(40.0)
    # 20 C and 50 % (wet bulb 13.7 C) hold 1.17 kPa of vapour; at 40 C that is 15.8 % and a wet bulb of 20.8 C (balance).
    assert wet_c == pytest.approx(20.8, abs=1.0)
