"""Cooling zones in a run: against numerical integration, against a naive zone in small steps, and rule by rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from tests.sim.fleets import START
from tests.sim.movers.cooled import KW, ROW, Watch, fleet, play, state
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.sim.movers.zones import STEP, STEPS
from twin.sim.narrate import Narrator
from twin.sim.run import simulate

MINUTE, HOUR = 60.0, 3600.0
SUPPLY, THROTTLE, SHUTDOWN = 22.0, 35.0, 45.0
FLUID, MASS, COUPLING = (float(ROW[key]) for key in ("fluid_j_per_k", "mass_j_per_k", "coupling_w_per_k"))


def room(heat_kw: int = 50, chillers: int = 1, rated_kw: float = 100.0, **zone: Any) -> Fleet:
    """One row with its chillers."""
    plants = [{"name": f"chiller-{i}", "rated_heat_w": rated_kw * KW} for i in range(chillers)]
    return fleet({"a": heat_kw}, plants, [{"name": "a", **zone}])


def zones_of(engine: Any) -> Any:
    return next(mover for mover in engine.movers if mover.law == "zones")


def temperature(engine: Any) -> tuple[float, float]:
    """Of fluid and mass of the first zone."""
    states = zones_of(engine).states
    return float(states.fluid_c[0]), float(states.mass_c[0])


def shutdowns(run: Any) -> list[tuple[float, str]]:
    return [(i.start_s, i.thing) for i in run.intervals if i.kind == "thermal_shutdowns"]


def ask(times: list[float]) -> list[TimedChange]:
    """Changes that change nothing, so that there is something to see at these times."""
    return [TimedChange(at_s, Change("outdoor", "s", 0.0), "world:test") for at_s in times]


def test_after_loss_of_cooling_it_heats_up_as_the_equations_say_and_shuts_down_then():
    found = solve_ivp(
        lambda _, now: [
            (50e3 + COUPLING * (now[1] - now[0])) / FLUID,
            COUPLING * (now[0] - now[1]) / MASS,
        ],
        (0.0, 2000.0),
        [SUPPLY, SUPPLY],
        rtol=1e-10,
        atol=1e-10,
        dense_output=True,
        events=[lambda _, now: now[0] - SHUTDOWN],
    )
    shut_s = 600.0 + float(found.t_events[0][0])
    times = [600.0 + t for t in (10.0, 30.0, 60.0)]
    watch = Watch(temperature)
    run = play(room(), [state(600.0, "chiller-0", -1), *ask(times)], HOUR, observe=watch)
    assert shutdowns(run) == [(pytest.approx(shut_s, abs=1e-6), rack) for rack in ("a-x", "a-y")]
    seen = dict(watch.seen)
    for at_s in times:
        assert seen[at_s] == pytest.approx(found.sol(at_s - 600.0), abs=1e-5)


def test_throttling_comes_in_steps_before_the_shutdown_and_is_undone_when_it_is_cool():
    watch = Watch(lambda engine: float(engine.state.slow[0]))
    world = [state(600.0, "chiller-0", -1), state(720.0, "chiller-0", 1)]
    play(room(), world, 2 * HOUR, observe=watch)
    slow = [value for _, value in watch.seen]
    ups = [b for a, b in zip(slow, slow[1:], strict=False) if b > a]
    assert ups == [STEP * step for step in range(1, STEPS + 1)]
    assert slow[-1] == 0.0
    words = [text for _, text in watch.told]
    assert words[0] == "row a of s is at 35.0 °C: servers lose 25 % of top speed"
    assert not any("shut down" in text for text in words)


def test_a_zone_that_throttles_sits_between_its_limits():
    """With half the cooling it needs it passes all limits; with enough it never moves."""
    assert shutdowns(play(room(rated_kw=25.0), [], HOUR))
    watch = Watch(temperature)
    run = play(room(rated_kw=50.0), ask([900.0]), HOUR, observe=watch)
    assert not shutdowns(run)
    assert watch.seen[-1] == (900.0, (SUPPLY, SUPPLY))


def test_chilled_water_carries_the_zone_for_as_long_as_it_lasts():
    """45 min at 50 kW; half the heat lasts twice as long; nobody notices when plants are back in time."""
    store_j = 45 * MINUTE * 50 * KW
    cut = [state(600.0, "chiller-0", -1)]
    heated = shutdowns(play(room(), cut, 4 * HOUR))[0][0] - 600.0
    full = shutdowns(play(room(store_j=store_j), cut, 4 * HOUR))[0][0] - 600.0
    assert full == pytest.approx(45 * MINUTE + heated, abs=1e-6)
    halved = shutdowns(play(room(24, store_j=store_j), cut, 4 * HOUR))[0][0] - 600.0
    assert halved > 45 * MINUTE * 50 / 24
    watch = Watch(temperature)
    play(room(store_j=store_j), [*cut, state(600.0 + 40 * MINUTE, "chiller-0", 1)], 4 * HOUR, observe=watch)
    assert {seen for _, seen in watch.seen} == {(SUPPLY, SUPPLY)}


def test_it_says_when_the_chilled_water_is_used_up_and_when_it_is_cool_again():
    watch = Watch()
    world = [state(600.0, "chiller-0", -1), state(1300.0, "chiller-0", 1)]
    play(room(store_j=10 * MINUTE * 50 * KW), world, 4 * HOUR, observe=watch)
    assert watch.told[0] == (1200.0, "the chilled water of row a of s is used up")
    assert watch.told[-1][1] == "row a of s is at 33.0 °C: servers have full speed again"
    assert len([text for _, text in watch.told if "used up" in text]) == 1


def test_a_store_is_filled_again_by_what_plants_have_to_spare():
    """40 min at 50 kW are put back by 50 kW to spare in 40 min, and not before."""
    store_j = 45 * MINUTE * 50 * KW
    world = [state(600.0, "chiller-0", -1), state(3000.0, "chiller-0", 1)]
    watch = Watch(lambda engine: float(zones_of(engine).states.store_j[0]) / store_j)
    play(room(store_j=store_j), [*world, *ask([1800.0, 4200.0, 5400.0])], 3 * HOUR, observe=watch)
    seen = dict(watch.seen)
    assert seen[1800.0] == pytest.approx(1 - 20 / 45)
    assert seen[3000.0] == pytest.approx(5 / 45)
    assert seen[4200.0] == pytest.approx(25 / 45)
    assert seen[5400.0] == 1.0


def test_racks_come_back_when_it_is_cool_and_plants_can_and_a_person_lets_them():
    cut = [state(600.0, "chiller-0", -1)]
    built = room(restore_s=15 * MINUTE)
    powered = Watch(lambda engine: bool(engine.rack_powered[0]))
    play(built, cut, 24 * HOUR, observe=powered)
    assert not powered.seen[-1][1], "without cooling nobody powers them on, however cool it has become"
    powered = Watch(lambda engine: bool(engine.rack_powered[0]))
    play(built, [*cut, state(2 * HOUR, "chiller-0", 1)], 24 * HOUR, observe=powered)
    back = [
        at_s for (_, before), (at_s, now) in zip(powered.seen, powered.seen[1:], strict=False) if now > before
    ]
    assert back == [2 * HOUR + 15 * MINUTE]
    assert powered.told[-1][1] == "row a of s is cool: 2 racks are powered on"


def test_only_as_many_rows_come_back_as_plants_can_cool():
    rows, zones = {"a": 50, "b": 50}, [{"name": "a"}, {"name": "b"}]
    plants = [{"name": f"chiller-{i}", "rated_heat_w": 60 * KW} for i in range(2)]
    world = [state(600.0, "chiller-0", -1), state(600.0, "chiller-1", -1), state(2 * HOUR, "chiller-1", 1)]
    watch = Watch(lambda engine: engine.rack_powered.tolist())
    play(fleet(rows, plants, zones), world, 12 * HOUR, observe=watch)
    assert watch.seen[-1][1] == [True, True, False, False]


def test_what_is_short_is_shared_by_heat():
    """Half the cooling: zones of the same heat per mass heat up alike, whatever their size."""
    zones = [
        {"name": "a"},
        {"name": "b", **{key: 2 * value for key, value in ROW.items() if isinstance(value, float)}},
    ]
    built = fleet({"a": 20, "b": 40}, [{"name": "c", "rated_heat_w": 30 * KW}], zones)
    watch = Watch(lambda engine: zones_of(engine).states.fluid_c.tolist())
    play(built, ask([60.0, 600.0]), 700.0, observe=watch)
    for a, b in (seen for at_s, seen in watch.seen if at_s > 0.0):
        assert a == pytest.approx(b, abs=1e-9)
        assert a > SUPPLY


def test_chillers_of_a_zone_serve_no_other():
    zones = [{"name": "a", "cooled_by": ["own"]}, {"name": "b"}]
    built = fleet({"a": 50, "b": 50}, [{"name": "own"}, {"name": "shared"}], zones)
    assert {rack for _, rack in shutdowns(play(built, [state(60.0, "own", -1)], HOUR))} == {"a-x", "a-y"}
    assert {rack for _, rack in shutdowns(play(built, [state(60.0, "shared", -1)], HOUR))} == {"b-x", "b-y"}


def test_without_air_nothing_cools_not_even_the_store():
    """Fans on the utility stop with it; fans on the UPS ride through on the stored cold."""
    ups = {
        "name": "ups",
        "kind": "ups",
        "site": "s",
        "rated_va": 1e6,
        "fed_by": ["grid"],
        "battery_j": 1e10,
    }
    zone = {"name": "a", "carried_by": ["fans"], "store_j": 2 * HOUR * 50 * KW}
    for feeder, survives in (("grid", False), ("ups", True)):
        fans = {"name": "fans", "kind": "air-handler", "fed_by": [feeder], "rated_heat_w": 80 * KW}
        built = fleet({"a": 50}, [{"name": "chiller"}, fans], [zone], units=[ups])
        racks = [rack.model_copy(update={"fed_by": ("ups",)}) for rack in built.racks]
        built = built.model_copy(update={"racks": tuple(racks)})
        assert (not shutdowns(play(built, [state(600.0, "grid", -1)], HOUR))) == survives


def test_a_warmer_set_point_is_reached_and_leaves_less_time():
    raised = [TimedChange(-1.0, Change("setpoint", "a", 5.0), "plan:test")]
    watch = Watch(temperature)
    play(room(), [*raised, *ask([10.0])], HOUR, observe=watch)
    assert watch.seen[-1][1] == (SUPPLY + 5.0, SUPPLY + 5.0)
    later = [TimedChange(600.0, Change("setpoint", "a", 5.0), "plan:test")]
    watch = Watch(temperature)
    play(room(), [*later, *ask([620.0, 4 * HOUR])], 5 * HOUR, observe=watch)
    seen = dict(watch.seen)
    assert SUPPLY < seen[620.0][0] <= SUPPLY + 5.0
    assert seen[4 * HOUR] == (SUPPLY + 5.0, SUPPLY + 5.0)
    cut = [state(900.0, "chiller-0", -1)]
    assert shutdowns(play(room(), [*raised, *cut], HOUR))[0] < shutdowns(play(room(), cut, HOUR))[0]


def test_knots_of_the_weather_do_not_delay_a_set_point():
    """Hours of weather are settled together while all is at rest; a step between them is felt at once."""
    values = [20.0 + hour % 5 for hour in range(24)]
    document = room().model_dump()
    document["series"] = [{"name": "day", "step_s": HOUR, "values": values}]
    document["sites"] = [{**document["sites"][0], "outdoor_series": "day"}]
    world = [
        TimedChange(1.5 * HOUR, Change("setpoint", "a", 10.0), "plan:test"),
        state(3.2 * HOUR, "chiller-0", -1),
    ]
    knots = shutdowns(play(Fleet.model_validate(document), world, 12 * HOUR))
    assert knots == [
        (pytest.approx(at_s, abs=1e-6), rack) for at_s, rack in shutdowns(play(room(), world, 12 * HOUR))
    ]
    assert knots


def test_once_cool_again_it_is_at_rest_as_in_a_fresh_run():
    rests: list[tuple[float, bool]] = []
    watch = Watch(lambda engine: rests.append((engine.now, zones_of(engine).at_rest)))
    world = [state(600.0, "chiller-0", -1), state(660.0, "chiller-0", 1)]
    play(room(), [*world, *ask([30.0, 700.0, 20 * HOUR])], 24 * HOUR, observe=watch)
    rest = dict(rests)
    assert rest[30.0]
    assert not rest[700.0]
    assert rest[20 * HOUR]


def test_the_inlet_can_be_watched():
    compiled = compile_fleet(room(), start=START)
    narrator = Narrator(compiled, watch=[("inlet_c", "a")])
    world = [state(600.0, "chiller-0", -1), *ask([660.0])]
    run = narrator.told(simulate(compiled, world=world, until_s=HOUR, observe=narrator))
    (trace,) = run.traces
    points = dict(zip(trace.times_s.tolist(), trace.values.tolist(), strict=True))
    assert trace.limit == SHUTDOWN
    assert points[600.0] == SUPPLY
    assert SUPPLY < points[660.0] < SHUTDOWN
    assert max(points.values()) == pytest.approx(SHUTDOWN)
    with pytest.raises(KeyError):
        simulate(compiled, until_s=60.0, observe=Narrator(compiled, watch=[("inlet_c", "b")]))


def test_without_the_law_nothing_heats_up():
    watch = Watch(lambda engine: [mover.law for mover in engine.movers])
    run = play(room(), [state(600.0, "chiller-0", -1)], HOUR, without=("zones",), observe=watch)
    assert not shutdowns(run)
    assert watch.seen[0][1] == []


class Naive:
    """One zone in small steps of time, written from the description of its rules alone."""

    def __init__(self, store_j: float) -> None:
        self.fluid = self.mass = SUPPLY
        self.full = self.store = store_j

    def step(self, heat_w: float, plant_w: float, dt: float) -> None:
        need = heat_w + COUPLING * (self.mass - SUPPLY) + FLUID * (self.fluid - SUPPLY) / dt
        most = max(plant_w, heat_w) if self.store > 0 and self.fluid > SUPPLY + 1e-3 else plant_w
        if self.store > 0 and self.fluid <= SUPPLY + 1e-3:
            most = np.inf
        cool = min(max(need, 0.0), most)
        flow = COUPLING * (self.mass - self.fluid)
        self.fluid += (heat_w - cool + flow) / FLUID * dt
        self.mass -= flow / MASS * dt
        self.store = min(max(self.store - (cool - plant_w) * dt, 0.0), self.full)


@settings(max_examples=10)
@given(
    st.lists(
        st.tuples(st.integers(1, 39), st.integers(0, 3)), min_size=1, max_size=6, unique_by=lambda e: e[0]
    ),
    st.sampled_from([0.0, 10 * MINUTE * 50 * KW]),
)
def test_against_a_naive_zone(flips: list[tuple[int, int]], store_j: float):
    """Chillers of 20 kW each come and go; no limits, so that the temperature may go where it will."""
    built = room(50, chillers=4, rated_kw=20.0, store_j=store_j, throttle_c=69.0, shutdown_c=70.0)
    built = built.model_copy(
        update={
            "cooling_zones": tuple(
                zone.model_copy(update={"throttle_c": 900.0, "shutdown_c": 1000.0})
                for zone in built.cooling_zones
            )
        }
    )
    naive, dt, up, world, expected = Naive(store_j), 0.5, [True] * 4, [], {}
    for tick in range(int(40 * MINUTE / dt)):
        at_s = tick * dt
        for minute, which in flips:
            if minute * MINUTE == at_s:
                world.append(state(at_s, f"chiller-{which}", -1.0 if up[which] else 1.0))
                up[which] = not up[which]
        if at_s % MINUTE == 30.0:
            expected[at_s] = naive.fluid, naive.mass
        naive.step(50e3, 20e3 * sum(up), dt)
    watch = Watch(temperature)
    play(built, [*world, *ask(list(expected))], 40 * MINUTE, observe=watch)
    seen = dict(watch.seen)
    for at_s, temperatures in expected.items():
        assert seen[at_s] == pytest.approx(temperatures, abs=0.12), at_s
