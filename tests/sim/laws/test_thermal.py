"""The two-node zone against numerical integration, published bounds and a published test, and its own properties."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from twin.sim.laws.thermal import (
    AIR_J_PER_M3_K,
    WATER_J_PER_L_K,
    Bodies,
    Course,
    hold,
    hold_until_s,
    hold_w,
    reach_s,
    relax,
)

RACK_J_PER_K = 600.0 * 600.0  # 600 kg of 0.6 kJ/kgK


def bodies(fluid: float, mass: float, coupling: float) -> Bodies:
    return Bodies(np.array([fluid]), np.array([mass]), np.array([coupling]))


def one(value: float) -> np.ndarray:
    return np.array([value])


fluids = st.floats(1e3, 1e7)
masses = st.floats(1e4, 1e9)
couplings = st.floats(10.0, 1e5)
temperatures = st.floats(5.0, 60.0)
surpluses = st.floats(-1e6, 1e6)


def integrated(zone: Bodies, start: tuple[float, float], net_w: float, times: np.ndarray) -> np.ndarray:
    """The same equations, integrated step by step."""
    fluid, mass, coupling = (float(v[0]) for v in vars(zone).values())

    def rates(_: float, now: np.ndarray) -> list[float]:
        flow = coupling * (now[1] - now[0])
        return [(net_w + flow) / fluid, -flow / mass]

    found = solve_ivp(rates, (0.0, times[-1]), start, t_eval=times, method="LSODA", rtol=1e-10, atol=1e-10)
    return np.array(found.y)


@pytest.mark.parametrize(
    ("fluid", "mass", "coupling", "start", "net_w"),
    [
        (1.2e5, 3.6e6, 2000.0, (22.0, 22.0), 50e3),
        (1.2e5, 3.6e6, 2000.0, (40.0, 30.0), -80e3),
        (1.67e5, 2e5, 5000.0, (25.0, 45.0), 120e3),
        (1.2e5, 3.6e6, 2000.0, (35.0, 22.0), 3e3),
        (1.2e5, 3.6e6, 2000.0, (35.0, 22.0), 0.0),
        (5e6, 1e5, 300.0, (20.0, 60.0), 1e3),
    ],
)
def test_closed_form_agrees_with_numerical_integration(fluid, mass, coupling, start, net_w):
    zone = bodies(fluid, mass, coupling)
    times = np.linspace(0.0, 3600.0, 25)[1:]
    expected = integrated(zone, start, net_w, times)
    for time, (fluid_c, mass_c) in zip(times, expected.T, strict=True):
        got = relax(zone, one(start[0]), one(start[1]), net_w=one(net_w), seconds=time)
        assert got[0][0] == pytest.approx(fluid_c, abs=1e-5)
        assert got[1][0] == pytest.approx(mass_c, abs=1e-5)


@given(fluids, masses, couplings, temperatures, temperatures, surpluses, st.floats(0.0, 1e5))
def test_energy_balances(fluid, mass, coupling, fluid_c, mass_c, net_w, seconds):
    zone = bodies(fluid, mass, coupling)
    after = relax(zone, one(fluid_c), one(mass_c), net_w=one(net_w), seconds=seconds)
    gained = fluid * (after[0][0] - fluid_c) + mass * (after[1][0] - mass_c)
    size = fluid * 60.0 + mass * 60.0 + abs(net_w) * seconds
    assert gained == pytest.approx(net_w * seconds, abs=1e-9 * size)


@given(fluids, masses, couplings, temperatures, temperatures, surpluses, st.floats(1.0, 1e4), st.floats(0, 1))
def test_two_steps_are_one(fluid, mass, coupling, fluid_c, mass_c, net_w, seconds, part):
    zone = bodies(fluid, mass, coupling)
    whole = relax(zone, one(fluid_c), one(mass_c), net_w=one(net_w), seconds=seconds)
    half = relax(zone, one(fluid_c), one(mass_c), net_w=one(net_w), seconds=part * seconds)
    rest = relax(zone, *half, net_w=one(net_w), seconds=(1 - part) * seconds)
    scale = max(1.0, abs(whole[0][0]), abs(whole[1][0]))
    assert rest[0][0] == pytest.approx(whole[0][0], abs=1e-7 * scale)
    assert rest[1][0] == pytest.approx(whole[1][0], abs=1e-7 * scale)


def test_without_mass_to_speak_of_air_heats_at_50_k_per_min_per_kw_per_m3():
    course = Course.of(bodies(AIR_J_PER_M3_K, 1e3, 1e-9), one(22.0), one(22.0), one(1000.0))
    assert course.rate_at(0.0)[0] * 60.0 == pytest.approx(50.0, rel=0.005)
    assert course.at(60.0)[0] - 22.0 == pytest.approx(50.0, rel=0.005)


@pytest.mark.parametrize(("rack_kw", "k_per_min"), [(5.0, 0.8), (10.0, 1.6), (20.0, 3.3)])
def test_in_the_long_run_the_mass_of_a_rack_sets_the_rate(rack_kw, k_per_min):
    """10 m3 of air and 600 kg of steel per rack: the air is 3 % of the whole."""
    zone = bodies(10 * AIR_J_PER_M3_K, RACK_J_PER_K, 200.0)
    course = Course.of(zone, one(22.0), one(22.0), one(1e3 * rack_kw))
    assert course.rate_at(0.0)[0] * 60 == pytest.approx(50.0 * rack_kw / 10.0, rel=0.005)
    assert course.rate_at(1800.0)[0] * 60.0 == pytest.approx(k_per_min, rel=0.05)


def test_a_liquid_loop_of_40_l_under_120_kw_heats_at_072_k_per_s():
    course = Course.of(bodies(40 * WATER_J_PER_L_K, 1e3, 1e-9), one(30.0), one(30.0), one(120e3))
    assert course.rate_at(0.0)[0] == pytest.approx(0.72, rel=0.005)


def test_the_room_that_was_cut_off_at_5_kw_per_cabinet_predicts_the_one_at_10_kw():
    """Opengate, 2007: shutdown after 3 min 9 s at 5 kW per cabinet, in less than a minute at 10 kW and more.

    The account tells neither limit nor room: 10 m3, 600 kg and a rise of 25 K are assumed and the coupling is set so that
    the first time comes out; then the second one is a prediction.
    """
    zone = bodies(10 * AIR_J_PER_M3_K, RACK_J_PER_K, 200.0)
    times = [
        reach_s(Course.of(zone, one(20.0), one(20.0), one(1e3 * kw)), one(45.0), rising=True)[0]
        for kw in (5.0, 10.0, 20.0)
    ]
    assert times[0] == pytest.approx(189.0, rel=0.1)
    assert times[1] < 60.0
    assert times[2] < times[1] / 1.5


@given(fluids, masses, couplings, temperatures, st.floats(1.0, 1e6), st.floats(1.0, 3600.0))
def test_after_a_loss_of_cooling_the_rate_starts_at_its_maximum_and_decays(f, m, h, start_c, heat_w, seconds):
    course = Course.of(bodies(f, m, h), one(start_c), one(start_c), one(heat_w))
    rates = [course.rate_at(t)[0] for t in (0.0, seconds / 2, seconds)]
    assert rates[0] == pytest.approx(heat_w / f)
    assert rates[0] >= rates[1] * (1 - 1e-12)
    assert rates[1] >= rates[2] * (1 - 1e-12)
    assert rates[2] >= heat_w / (f + m) * (1 - 1e-9)


@given(fluids, masses, couplings, st.floats(1.0, 1e6), st.floats(1.05, 5.0), st.floats(1.0, 30.0))
def test_denser_heats_faster_and_more_mass_slower(f, m, h, heat_w, more, rise_k):
    def time(mass: float, watts: float) -> float:
        course = Course.of(bodies(f, mass, h), one(20.0), one(20.0), one(watts))
        return float(reach_s(course, one(20.0 + rise_k), rising=True)[0])

    assert time(m, heat_w * more) < time(m, heat_w)
    assert time(m * more, heat_w) >= time(m, heat_w) * (1 - 1e-9)


@given(fluids, masses, couplings, temperatures, temperatures, surpluses, st.floats(0.01, 40.0), st.booleans())
def test_the_crossing_is_exact_and_the_first(f, m, h, fluid_c, mass_c, net_w, gap_k, rising):
    """At the crossing the closed form is at the target; on a fine grid before it the target is not passed."""
    target = fluid_c + gap_k if rising else fluid_c - gap_k
    sign = 1.0 if rising else -1.0
    course = Course.of(bodies(f, m, h), one(fluid_c), one(mass_c), one(net_w))
    found = float(reach_s(course, one(target), rising=rising)[0])
    rate, turn = float(course.rate_per_s[0]), float(course.turn_s()[0])
    horizon = found if np.isfinite(found) else 50.0 / rate
    grid = np.linspace(0.0, horizon, 400)[:-1]
    grid = np.append(grid, turn) if turn < horizon else grid
    for time in grid:
        assert sign * (course.at(time)[0] - target) <= 1e-9 * max(1.0, abs(net_w) * time / f)
    if np.isfinite(found):
        assume(found < 1e12)
        slack = 1e-9 * max(1.0, abs(float(course.swing_k[0])), abs(float(course.slope_k_per_s[0])) * found)
        assert course.at(found)[0] == pytest.approx(target, abs=slack)


@given(fluids, masses, couplings, temperatures, temperatures, surpluses, st.floats(0.5, 20.0))
def test_the_crossing_is_found_whenever_a_grid_sees_one(f, m, h, fluid_c, mass_c, net_w, gap_k):
    course = Course.of(bodies(f, m, h), one(fluid_c), one(mass_c), one(net_w))
    grid = np.linspace(0.0, 20.0 / float(course.rate_per_s[0]), 500)
    seen = [t for t in grid if course.at(t)[0] >= fluid_c + gap_k + 1e-6]
    found = reach_s(course, one(fluid_c + gap_k), rising=True)[0]
    assert not seen or found <= seen[0]


def test_crossings_that_touch_the_edges():
    zone = bodies(1e5, 1e6, 1000.0)
    level = Course.of(zone, one(20.0), one(20.0), one(0.0))
    assert np.isinf(reach_s(level, one(30.0), rising=True)[0])
    assert reach_s(level, one(20.0), rising=True)[0] == 0.0
    assert reach_s(level, one(19.0), rising=True)[0] == 0.0
    # Heat that the mass still gives off, without any surplus, and a limit just under and just over where it ends.
    warm = Course.of(zone, one(20.0), one(31.0), one(0.0))
    assert np.isfinite(reach_s(warm, one(29.999), rising=True)[0])
    assert np.isinf(reach_s(warm, one(30.001), rising=True)[0])
    # It rises to its turn and no further.
    turning = Course.of(zone, one(20.0), one(40.0), one(-3000.0))
    top = float(turning.at(turning.turn_s())[0])
    assert np.isfinite(reach_s(turning, one(top - 1e-3), rising=True)[0])
    assert np.isinf(reach_s(turning, one(top + 1e-3), rising=True)[0])
    # Balanced at first: it neither rises nor falls at 0, and rises ever after.
    still = Course.of(zone, one(30.0), one(20.0), one(10_000.0))
    assert still.rate_at(0.0)[0] == pytest.approx(0.0, abs=1e-12)
    assert np.isfinite(reach_s(still, one(40.0), rising=True)[0])


def test_held_fluid_lets_the_mass_decay_to_it_as_the_equations_say():
    zone = bodies(1e5, 3.6e6, 2000.0)
    times = np.linspace(0.0, 7200.0, 13)[1:]
    found = solve_ivp(
        lambda _, now: -2000.0 * (now - 22.0) / 3.6e6, (0.0, 7200.0), [35.0], t_eval=times, rtol=1e-10
    )
    for time, mass_c in zip(times, found.y[0], strict=True):
        assert hold(zone, one(22.0), one(35.0), time)[0] == pytest.approx(mass_c, abs=1e-6)
    assert hold_w(zone, one(50e3), one(22.0), one(35.0))[0] == 50e3 + 2000.0 * 13.0
    near = hold_until_s(zone, one(22.0), one(35.0), 0.01)
    assert hold(zone, one(22.0), one(35.0), near[0])[0] == pytest.approx(22.01)
    assert hold_until_s(zone, one(22.0), one(22.0), 0.01)[0] == 0.0


def test_many_zones_are_as_each_alone():
    rng = np.random.default_rng(4)
    count = 200
    many = Bodies(rng.uniform(1e4, 1e6, count), rng.uniform(1e5, 1e8, count), rng.uniform(50, 1e4, count))
    fluid, mass, net = rng.uniform(15, 50, count), rng.uniform(15, 50, count), rng.uniform(-1e5, 1e5, count)
    target = rng.uniform(15, 60, count)
    together = reach_s(Course.of(many, fluid, mass, net), target, rising=True)
    for i in range(count):
        alone = Course.of(many.at(np.array([i])), fluid[[i]], mass[[i]], net[[i]])
        assert reach_s(alone, target[[i]], rising=True)[0] == pytest.approx(together[i], rel=1e-9)
