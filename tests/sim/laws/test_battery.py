"""Batteries: closed forms by hand, numerical integration, and what must hold for any battery."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from twin.graph.levels import Floats
from twin.sim.laws.battery import LEAST_SHARE, Bank, charging_w, drain_per_s, runtime_s


def batteries(
    *, energy_j: float = 6e8, health: float = 1.0, rated_w: float = 1e6, peukert: float = 1.15
) -> Bank:
    return Bank(one(energy_j), one(health), one(rated_w), one(peukert), one(7200.0))


def one(value: float) -> Floats:
    return np.array([value])


def test_at_its_rating_a_battery_lasts_energy_over_power() -> None:
    assert runtime_s(batteries(), one(1e6))[0] == pytest.approx(600.0, rel=1e-12)


def test_half_the_load_lasts_two_to_the_k_times_as_long() -> None:
    """k = 1 conserves energy exactly; k = 1.2: 2^1.2 = 2.29739671 (worked with logarithms)."""
    assert runtime_s(batteries(peukert=1.0), one(5e5))[0] == pytest.approx(1200.0, rel=1e-12)
    assert runtime_s(batteries(peukert=1.2), one(5e5))[0] == pytest.approx(600.0 * 2.29739671, rel=1e-8)


def test_age_takes_runtime_in_proportion() -> None:
    """80 % of the capacity is the end of life of a lead-acid battery."""
    assert runtime_s(batteries(health=0.8), one(1e6))[0] == pytest.approx(480.0, rel=1e-12)


def test_nothing_to_carry_lasts_for_ever() -> None:
    assert runtime_s(batteries(), one(0.0))[0] == np.inf


def test_a_load_that_changes_is_integrated_like_an_ode() -> None:
    """Piecewise-constant load: the sum of the closed forms against an adaptive integrator of the same differential law."""
    row = batteries(peukert=1.3, health=0.9)
    loads = [(100.0, 4e5), (50.0, 1.2e6), (200.0, 2e5), (30.0, 9e5)]
    charge, t_end = 1.0, sum(seconds for seconds, _ in loads)
    for seconds, load in loads:
        charge -= float(drain_per_s(row, one(load))[0]) * seconds
    edges = np.cumsum([seconds for seconds, _ in loads])

    def fall(t: float, _: Floats) -> list[float]:
        share = loads[int(np.searchsorted(edges, t, side="right").clip(0, 3))][1] / 1e6
        return [-(share**1.3) / (6e8 * 0.9 / 1e6)]

    solved = solve_ivp(fall, (0.0, t_end), [1.0], max_step=1.0, rtol=1e-9, atol=1e-12)
    assert charge == pytest.approx(solved.y[0, -1], abs=2e-4)


@given(
    peukert=st.floats(1.0, 1.6),
    share=st.floats(0.001, 1.5),
    more=st.floats(1.0001, 4.0),
)
def test_more_load_never_lasts_longer_nor_gives_more_energy(
    peukert: float, share: float, more: float
) -> None:
    row = batteries(peukert=peukert)
    little, much = (float(runtime_s(row, one(load))[0]) for load in (share * 1e6, share * more * 1e6))
    assert much < little
    assert much * share * more <= little * share * (1 + 1e-9)
    # Even a trickle draws no more than the gain at the least share.
    assert little * share * 1e6 <= 6e8 * LEAST_SHARE ** (1.0 - peukert) * (1 + 1e-9)


@given(
    spells=st.lists(st.tuples(st.floats(0.05, 1.4), st.floats(0.01, 0.3)), min_size=1, max_size=6),
    pause=st.floats(0.0, 1.0),
)
def test_what_was_drawn_is_what_recharging_takes(spells: list[tuple[float, float]], pause: float) -> None:
    """Discharges and a broken-off recharge in any order: energy out equals energy in when the battery is full again."""
    row = batteries()
    charge, drawn_j, out_j, in_j = 1.0, 0.0, 0.0, 0.0
    for share, depth in spells:
        load = one(share * 1e6)
        seconds = min(depth, charge) / float(drain_per_s(row, load)[0])
        charge -= float(drain_per_s(row, load)[0]) * seconds
        drawn_j += share * 1e6 * seconds
        out_j += share * 1e6 * seconds
        watts = float(charging_w(row, one(drawn_j), one(charge))[0])
        rest_s = pause * (1.0 - charge) * 7200.0
        charge, drawn_j, in_j = charge + rest_s / 7200.0, drawn_j - watts * rest_s, in_j + watts * rest_s
    watts = float(charging_w(row, one(drawn_j), one(charge))[0])
    in_j += watts * (1.0 - charge) * 7200.0
    assert in_j == pytest.approx(out_j, rel=1e-6, abs=1e-3)


def test_a_full_battery_takes_nothing() -> None:
    assert charging_w(batteries(), one(0.0), one(1.0))[0] == 0.0
