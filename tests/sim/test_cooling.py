"""What plants remove, draw and evaporate: against scalars written anew, and by conservation."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.fleets import START
from tests.sim.movers.cooled import KW, fleet
from twin.graph.compile import compile_fleet
from twin.model.cooling import CoolingPlant
from twin.model.fleet import Fleet
from twin.sim.cooling import Cooling, Weather
from twin.sim.laws.psychrometrics import wet_bulb_c


class Found(NamedTuple):
    """Of one settle: per plant what it could take and draws [W], the heat that nobody removes [W], water [L/s]."""

    capacity_w: list[float]
    power_w: list[float]
    short_w: float
    water_l_per_s: float


def load(
    built: Fleet, rack_w: list[float], *, dry_c: float = 20.0, humidity: float = 0.5, **more: Any
) -> Found:
    """Play one settle of the cooling alone; `supply_k` is for all circuits, `alive` for all plants."""
    arrays = compile_fleet(built, start=START).cooling
    cooling = Cooling(arrays, 1)
    weather = Weather(np.array([[dry_c]]), np.array([[humidity]]), np.array([more.get("warmer_k", 0.0)]))
    supply_k = np.full(arrays.circuits, more.get("supply_k", 0.0))
    alive = np.array(more.get("alive", [True] * len(arrays.plants)))
    heat_w = cooling.heat_w(np.array(rack_w))[:, None]
    found = cooling.load(heat_w, weather, supply_k, alive)
    capacity_w = cooling.capacity_w(weather, supply_k, alive)[:, 0].tolist()
    return Found(
        capacity_w, found.power_w[:, 0].tolist(), float(found.short_w[0, 0]), float(found.water_l_per_s[0, 0])
    )


def naive_power_w(
    plant: CoolingPlant, heat_w: float, dry_c: float, humidity: float, supply_k: float
) -> float:
    """One plant that is alive and removes `heat_w`, from the description of its fields."""
    flow = heat_w / plant.rated_heat_w
    fans = plant.fixed_w + plant.fan_w * max(flow, plant.least_flow) ** 3
    if plant.kind != "chiller":
        return fans
    sink = float(wet_bulb_c(dry_c, humidity)) if plant.heat_rejection == "tower" else dry_c
    compressed = heat_w
    if plant.economizer:
        water, back = sink + plant.approach_k, plant.chilled_c + supply_k + plant.range_k
        compressed *= min(max((back - water) / plant.range_k, 0.0), 1.0)
        compressed = heat_w - compressed
    cop = plant.cop_ref * (1 - plant.cop_slope_per_k * (sink - plant.t_ref_c))
    cop *= 1 + plant.cop_supply_per_k * supply_k
    return compressed / max(cop, plant.cop_min) + fans


plants = st.fixed_dictionaries(
    {
        "rated_heat_w": st.floats(50e3, 500e3),
        "cop_ref": st.floats(2.5, 8.0),
        "heat_rejection": st.sampled_from(["dry", "tower"]),
        "economizer": st.booleans(),
        "fan_w": st.sampled_from([0.0, 5e3]),
        "fixed_w": st.sampled_from([0.0, 1e3]),
        "cycles": st.floats(2.0, 8.0),
    }
)


@settings(max_examples=30)
@given(
    st.lists(plants, min_size=1, max_size=4),
    st.floats(-10.0, 40.0),
    st.floats(0.1, 0.95),
    st.floats(0.0, 6.0),
    st.floats(0.0, 300.0),
)
def test_power_heat_and_water_of_random_plants(rows, dry_c, humidity, supply_k, heat_kw):
    rows = [{"name": f"c{i}", **row} for i, row in enumerate(rows)]
    built = fleet({"a": 2}, rows, [], humidity=humidity)
    found = load(built, [heat_kw * KW / 2] * 2, dry_c=dry_c, humidity=humidity, supply_k=supply_k)
    rated = sum(row["rated_heat_w"] for row in rows)
    removed = [min(heat_kw * KW / rated, 1.0) * row["rated_heat_w"] for row in rows]
    power = [
        naive_power_w(plant, heat_w, dry_c, humidity, supply_k)
        for plant, heat_w in zip(built.cooling_plants, removed, strict=True)
    ]
    assert found.power_w == pytest.approx(power)
    assert sum(removed) + found.short_w == pytest.approx(heat_kw * KW)
    rejected = [
        (
            heat_w
            + watts
            - plant.fixed_w
            - plant.fan_w * max(heat_w / plant.rated_heat_w, plant.least_flow) ** 3
        )
        / 2.45e6
        * plant.cycles
        / (plant.cycles - 1)
        for plant, heat_w, watts in zip(built.cooling_plants, removed, power, strict=True)
        if plant.heat_rejection == "tower"
    ]
    assert found.water_l_per_s == pytest.approx(sum(rejected), rel=1e-9, abs=1e-12)


def test_a_kwh_of_heat_evaporates_147_l_and_its_compressor_some_more():
    """All free (cold outside): 1.47 C/(C-1) litres per kWh; with a COP of 4 a quarter on top."""
    row = {"name": "c", "heat_rejection": "tower", "cycles": 5.0, "economizer": True}
    cold = load(fleet({"a": 2}, [row], [], humidity=0.5), [500 * KW] * 2, dry_c=-10.0)
    assert cold.water_l_per_s * 3.6 == pytest.approx(1.84, abs=0.005)
    assert cold.power_w[0] == 0.0
    row = {"name": "c", "heat_rejection": "tower", "cycles": 5.0, "cop_slope_per_k": 0.0}
    warm = load(fleet({"a": 2}, [row], [], humidity=0.5), [500 * KW] * 2, dry_c=30.0)
    assert warm.water_l_per_s * 3.6 == pytest.approx(1.84 * 1.25, abs=0.005)


def test_a_chiller_with_curves_has_the_published_cop_at_part_load():
    """Condenser water of 29.4 C behind a dry cooler of 6 K: 5.51, 5.74, 5.55, 4.17 at 1, 3/4, 1/2, 1/4."""
    row = {"name": "c", "chiller": "doe2-centrifugal", "chilled_c": 6.67, "rated_heat_w": 1e6}
    built = fleet({"a": 2}, [row], [])
    capacity = load(built, [0.0, 0.0], dry_c=23.4).capacity_w[0]
    assert capacity == pytest.approx(1e6, rel=0.005)
    for part, cop in ((1.0, 5.51), (0.75, 5.74), (0.5, 5.55), (0.25, 4.17)):
        heat_w = part * capacity
        assert heat_w / load(built, [heat_w / 2] * 2, dry_c=23.4).power_w[0] == pytest.approx(cop, abs=0.006)


def test_two_chillers_of_five_out_suffice_at_30_c_and_not_at_39_c():
    """2.9 units of heat, five chillers that lose 2 % per kelvin above 35 C."""
    rows = [
        {"name": f"c{i}", "rated_heat_w": 1e6, "derate_from_c": 35.0, "derate_per_k": 0.02} for i in range(5)
    ]
    built, heat, out = fleet({"a": 2}, rows, []), [1.45e6] * 2, [False, False, True, True, True]
    assert load(built, heat, dry_c=30.0, alive=out).short_w == 0.0
    assert load(built, heat, dry_c=39.0, alive=out).short_w == pytest.approx(2.9e6 - 3 * 0.92e6)
    assert load(built, heat, dry_c=39.0, alive=[False, *out[:1], True, True, True]).short_w > 0.0
    assert load(built, heat, dry_c=39.0, alive=[False, True, True, True, True]).short_w == 0.0


def test_fans_carry_and_do_not_remove():
    rows = [{"name": "c"}, {"name": "fans", "kind": "air-handler", "rated_heat_w": 1e5, "fan_w": 8e3}]
    built = fleet({"a": 2, "b": 2}, rows, [{"name": "a", "carried_by": ["fans"]}])
    racks = [25e3, 25e3, 30e3, 30e3]
    found = load(built, racks)
    assert found.power_w[1] == pytest.approx(8e3 / 8)  # half of its air for the 50 kW of row a
    assert found.power_w[0] == pytest.approx(naive_power_w(built.cooling_plants[0], 110e3, 20.0, 0.5, 0.0))
    assert found.short_w == 0.0
    assert load(built, racks, alive=[False, True]).short_w == pytest.approx(110e3)
    assert load(built, racks, alive=[True, False]).short_w == pytest.approx(50e3)


@given(st.floats(0.5, 8.0), st.floats(-5.0, 35.0))
def test_warmer_supply_costs_less_and_a_heat_wave_more(kelvin, dry_c):
    row = {"name": "c", "economizer": True, "chilled_c": 15.0}
    built, racks = fleet({"a": 2}, [row], []), [200e3] * 2
    base = load(built, racks, dry_c=dry_c).power_w[0]
    assert load(built, racks, dry_c=dry_c, supply_k=kelvin).power_w[0] <= base
    assert load(built, racks, dry_c=dry_c, warmer_k=kelvin).power_w[0] >= base


def test_the_zone_that_wants_it_coldest_sets_the_water_of_its_circuit():
    zones = [{"name": "a"}, {"name": "b"}, {"name": "c", "cooled_by": ["own"]}]
    built = fleet({"a": 2, "b": 2, "c": 2}, [{"name": "shared"}, {"name": "own"}], zones)
    cooling = Cooling(compile_fleet(built, start=START).cooling, 1)
    assert cooling.supply_k({"a": 3.0}).tolist() == [0.0, 0.0]
    assert cooling.supply_k({"a": 3.0, "b": 2.0}).tolist() == [2.0, 0.0]
    assert cooling.supply_k({"c": 4.0, "b": -1.0}).tolist() == [-1.0, 4.0]


def test_what_circuits_give_their_zones_sums_to_what_they_have():
    zones = [{"name": "a"}, {"name": "b"}, {"name": "c", "cooled_by": ["own"]}]
    rows = [{"name": "shared", "rated_heat_w": 60e3}, {"name": "own", "rated_heat_w": 90e3}]
    built = fleet({"a": 2, "b": 2, "c": 2}, rows, zones)
    cooling = Cooling(compile_fleet(built, start=START).cooling, 1)
    racks = np.array([20e3, 20e3, 20e3, 20e3, 10e3, 10e3])
    given_w, carried_w = cooling.given_w(racks, np.array([60e3, 90e3]), np.array([1.0, 1.0, 2.0]))
    assert given_w == pytest.approx([30e3, 30e3, 90e3])
    assert np.isinf(carried_w).all()
    given_w, _ = cooling.given_w(racks, np.array([100e3, 90e3]), np.array([3.0, 1.0, 0.0]))
    assert given_w == pytest.approx([40e3 + 15e3, 40e3 + 5e3, 20e3])


@given(st.floats(0.0, 800.0), st.floats(0.0, 800.0), st.floats(-10.0, 40.0), st.floats(-10.0, 40.0))
def test_instants_of_a_block_are_as_each_alone(one_kw, other_kw, one_c, other_c):
    rows = [
        {"name": "c", "chiller": "doe2-centrifugal", "heat_rejection": "tower", "rated_heat_w": 3e5},
        {"name": "d", "economizer": True, "derate_from_c": 30.0, "fan_w": 5e3, "rated_heat_w": 3e5},
    ]
    built = fleet({"a": 2}, rows, [], humidity=0.6)
    cooling = Cooling(compile_fleet(built, start=START).cooling, 1)
    weather = Weather(np.array([[one_c, other_c]]), np.array([[0.6, 0.3]]), np.array([2.0]))
    heat_w, both = np.array([[one_kw, other_kw]]) * KW, np.array([True, True])
    together = cooling.load(heat_w, weather, np.zeros(1), both)
    for t in (0, 1):
        part = slice(t, t + 1)
        then = Weather(weather.dry_c[:, part], weather.humidity[:, part], weather.warmer_k)
        alone = cooling.load(heat_w[:, part], then, np.zeros(1), both)
        for name, values in vars(alone).items():
            assert np.array_equal(getattr(together, name)[:, part], values), name
