"""Room for heat on the warmest day, as the static analysis sees it and as the settle does."""

import numpy as np
import pytest

from tests.sim.fleets import START
from tests.sim.movers.cooled import KW, fleet
from twin.graph.analysis_chain import site_loads
from twin.graph.compile import compile_fleet
from twin.sim.cooling import Cooling, Weather


def test_carriers_remove_nothing_and_chillers_derate() -> None:
    rows = [
        {"name": "c", "rated_heat_w": 100 * KW, "derate_from_c": 30.0, "derate_per_k": 0.02},
        {"name": "d", "rated_heat_w": 50 * KW},
        {"name": "fans", "kind": "air-handler", "rated_heat_w": 500 * KW, "fan_w": 9 * KW},
    ]
    built = fleet({"a": 40}, rows, [{"name": "a", "carried_by": ["fans"]}], outdoor_c=40.0)
    loads = site_loads(built, built.sites[0], {rack.name: (20 * KW, 20 * KW) for rack in built.racks})
    assert loads.heat_room_w[0] == pytest.approx(80 * KW + 50 * KW - 40 * KW)
    arrays = compile_fleet(built, start=START).cooling
    weather = Weather(np.array([[40.0]]), np.array([[np.nan]]), np.zeros(1))
    cooling, alive = Cooling(arrays, 1), np.ones(3, dtype=bool)
    capacity_w = cooling.capacity_w(weather, np.zeros(2), alive)[:, 0]
    assert capacity_w[arrays.chills].sum() - 40 * KW == pytest.approx(loads.heat_room_w[0])
    # Static analysis counts the fans at full speed: never less than the settle has them.
    heat_w = cooling.heat_w(np.full(2, 20 * KW))[:, None]
    power_w = cooling.load(heat_w, weather, np.zeros(2), alive).power_w.sum()
    assert loads.load_va[0].max() >= 40 * KW + power_w
