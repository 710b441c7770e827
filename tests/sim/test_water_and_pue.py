"""Water and PUE come out of a run: by hand, and how set points and weather move them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.fleets import START
from tests.sim.movers.cooled import KW, fleet
from twin.actions import find
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.sim.measure import measure
from twin.sim.run import simulate

HOUR_S = 3600.0


def plant(**more: Any) -> Fleet:
    """100 kW of servers and a plant with a COP of 4."""
    row = {"name": "c", "rated_heat_w": 200 * KW, "cop_slope_per_k": 0.0, **more}
    return fleet({"a": 100}, [row], [{"name": "a"}], outdoor_c=12.0, humidity=0.6)


def of(built: Fleet, metric: str, *changes: TimedChange) -> float:
    compiled = compile_fleet(built, start=START)
    found = measure(compiled, simulate(compiled, plan=changes, until_s=10 * HOUR_S), metric, {})
    assert isinstance(found, float)
    return found


def test_water_of_ten_hours_by_hand():
    """100 kW of heat and 25 kW of its compressor for 10 h at 5 cycles: 1250 kWh of 1.84 L."""
    assert of(plant(heat_rejection="tower", cycles=5.0), "water_l") == pytest.approx(
        1250 * 3.6e6 / 2.45e6 * 1.25
    )
    assert of(plant(), "water_l") == 0.0


def test_pue_is_what_comes_out():
    assert of(plant(), "pue") == pytest.approx(1.25)
    assert of(plant(fan_w=8 * KW, least_flow=0.3, fixed_w=1 * KW), "pue") == pytest.approx(1.25 + 0.01 + 0.01)


def test_a_warmer_set_point_lowers_pue_and_a_hotter_day_raises_it():
    """3 K more supply: a COP 9 % higher, from the moment of the step on."""
    action = find("cooling.setpoint@1")
    params, wrong = action.read({"zones": "a", "supply": "25 °C"})
    assert not wrong
    change = action.changes(plant(), params)[0].change
    assert of(plant(), "pue", TimedChange(0.0, change, "plan:warmer")) == pytest.approx(1 + 0.25 / 1.09)
    half = of(plant(), "pue", TimedChange(5 * HOUR_S, change, "plan:warmer"))
    assert half == pytest.approx(1 + 0.125 + 0.125 / 1.09)
    hot = TimedChange(0.0, Change("outdoor", "s", 10.0), "world:heat")
    assert of(plant(cop_slope_per_k=0.025), "pue", hot) > of(plant(cop_slope_per_k=0.025), "pue")


def test_warmer_water_is_free_longer():
    """Dry cooler at 12 °C and 6 K: water of 18 °C is half free when it is wanted at 15 °C, wholly so at 18 °C."""
    built = plant(economizer=True, chilled_c=15.0, range_k=6.0, cop_supply_per_k=0.0)
    assert of(built, "pue") == pytest.approx(1.125)
    warmer = TimedChange(0.0, Change("setpoint", "a", 3.0), "plan:warmer")
    assert of(built, "pue", warmer) == pytest.approx(1.0)
