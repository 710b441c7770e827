"""Random trouble for a cooled site: it always settles, no energy appears or vanishes, and all is well again in the end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.movers.cooled import KW, ROW, Watch, fleet, play, state
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet

HOUR = 3600.0
ZONES = ("a", "b", "c")
UPS = {"name": "ups", "kind": "ups", "site": "s", "rated_va": 1e6, "fed_by": ["grid"], "battery_j": 1e8}
THINGS = ("chiller-0", "chiller-1", "chiller-2", "fans", "own", "grid")


def site(store_j: float, restart_s: float | None) -> Fleet:
    """Rows a and b share three chillers, a behind fans on the UPS; row c has a chiller and a pump of its own."""
    plants = [
        *({"name": f"chiller-{i}", "rated_heat_w": 45 * KW, "restart_s": restart_s} for i in range(3)),
        {"name": "fans", "kind": "air-handler", "rated_heat_w": 70 * KW, "fed_by": ["ups"], "fan_w": 3 * KW},
        {"name": "own", "rated_heat_w": 40 * KW},
        {"name": "pump", "kind": "pump", "rated_heat_w": 60 * KW, "fed_by": ["ups"]},
    ]
    zones = [
        {"name": "a", "carried_by": ["fans"], "store_j": store_j},
        {"name": "b", "mass_j_per_k": 2 * ROW["mass_j_per_k"], "restore_s": 600.0},
        {"name": "c", "kind": "liquid", "fluid_j_per_k": 4e4, "cooled_by": ["own"], "carried_by": ["pump"]},
    ]
    built = fleet({"a": 50, "b": 40, "c": 30}, plants, zones, units=[UPS])
    racks = [rack.model_copy(update={"fed_by": ("ups",)}) for rack in built.racks]
    return built.model_copy(update={"racks": tuple(racks)})


def look(engine: Any) -> dict[str, Any]:
    states = next(mover for mover in engine.movers if mover.law == "zones").states
    zone = engine.compiled.cooling.rack_zone
    capacity = np.array([45, 45, 45, 0, 40, 0]) * KW * engine.plant_alive
    return {
        "fluid": states.fluid_c.copy(),
        "mass": states.mass_c.copy(),
        "store": states.store_j.copy(),
        "heat": np.bincount(zone, engine.rack_w, len(ZONES)),
        "capacity": np.array([capacity[:3].sum(), capacity[4]]),
        "powered": engine.rack_powered.all(),
    }


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.integers(1, 300), st.sampled_from(THINGS), st.integers(1, 80)), max_size=6, unique=True
    ),
    st.lists(
        st.tuples(st.integers(1, 300), st.sampled_from(ZONES), st.sampled_from([-4.0, -1.0, 2.0, 6.0])),
        max_size=2,
    ),
    st.sampled_from([0.0, 2e7]),
    st.sampled_from([None, 0.0, 300.0]),
)
def test_no_energy_appears_or_vanishes_whatever_happens(troubles, setpoints, store_j, restart_s):
    built = site(store_j, restart_s)
    world = [
        change
        for minute, thing, lasts in troubles
        for change in (state(60.0 * minute, thing, -1), state(60.0 * (minute + lasts), thing, 1))
    ]
    plan = [
        TimedChange(60.0 * m, Change("setpoint", zone, kelvin), "plan:test") for m, zone, kelvin in setpoints
    ]
    events = sorted([*world, *plan], key=lambda change: change.at_s)
    watch = Watch(look)
    play(built, events, 24 * HOUR, observe=watch)
    fluid_j = np.array([zone.fluid_j_per_k for zone in built.cooling_zones])
    mass_j = np.array([zone.mass_j_per_k for zone in built.cooling_zones])
    for (first_s, before), (last_s, after) in zip(watch.seen, watch.seen[1:], strict=False):
        seconds = last_s - first_s
        gained = fluid_j * (after["fluid"] - before["fluid"]) + mass_j * (after["mass"] - before["mass"])
        removed = before["heat"] * seconds - gained + after["store"] - before["store"]
        # A mass that has come within 0.01 K of its set point is put there, and a joule may be rounded off a store.
        slack = 0.011 * mass_j + 10.0
        by_circuit = np.array([removed[:2].sum(), removed[2]])
        assert (by_circuit <= before["capacity"] * seconds + [slack[:2].sum(), slack[2]]).all()
        assert (removed >= -slack).all()
    last = watch.seen[-1][1]
    assert np.isfinite([last["fluid"], last["mass"]]).all()
    assert last["powered"]
    assert (last["fluid"] < 35.0).all()


def test_a_zone_alone_balances_to_the_joule():
    """Ten minutes without cooling, ten with all of it: what was stored is what was not removed."""
    built = fleet({"a": 50}, [{"name": "c", "rated_heat_w": 80 * KW}], [{"name": "a", "shutdown_c": 69.0}])
    watch = Watch(look_at_one)
    play(built, [state(600.0, "c", -1), state(660.0, "c", 1), marker(700.0)], 800.0, observe=watch)
    energy = dict(watch.seen)
    assert energy[660.0] - energy[600.0] == pytest.approx(50 * KW * 60.0, rel=1e-12)
    assert energy[700.0] - energy[660.0] == pytest.approx(-30 * KW * 40.0, rel=1e-12)


def look_at_one(engine: Any) -> float:
    states = next(mover for mover in engine.movers if mover.law == "zones").states
    return float(ROW["fluid_j_per_k"] * states.fluid_c[0] + ROW["mass_j_per_k"] * states.mass_c[0])


def marker(at_s: float) -> TimedChange:
    """A change of nothing, so that there is something to see."""
    return TimedChange(at_s, Change("outdoor", "s", 0.0), "world:test")
