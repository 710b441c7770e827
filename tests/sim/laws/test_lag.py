"""First-order lag: against numerical integration, and the steps that a run takes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import simpson, solve_ivp

from twin.sim.laws.lag import STEP, held, relaxed, snapped, step_s

VALUES = st.floats(-1e6, 1e6)
TAU_S = st.floats(1e-3, 1e5)


def one(value: float) -> np.ndarray:
    return np.array([value])


def test_against_numerical_integration() -> None:
    found = solve_ivp(lambda _, x: (7.0 - x) / 30.0, (0.0, 55.0), [100.0], rtol=1e-10, atol=1e-12)
    assert relaxed(one(100.0), one(7.0), 55.0, one(30.0))[0] == pytest.approx(found.y[0, -1], rel=1e-8)


def test_no_time_constant_is_no_lag() -> None:
    assert relaxed(one(3.0), one(5.0), 1e-9, one(0.0))[0] == 5.0


@given(value=VALUES, target=VALUES, tau=TAU_S, first=st.floats(0, 1e5), second=st.floats(0, 1e5))
def test_two_parts_of_a_time_are_the_whole(
    value: float, target: float, tau: float, first: float, second: float
) -> None:
    halfway = relaxed(one(value), one(target), first, one(tau))
    twice = relaxed(halfway, one(target), second, one(tau))[0]
    whole = relaxed(one(value), one(target), first + second, one(tau))[0]
    assert twice == pytest.approx(whole, rel=1e-9, abs=1e-6)
    assert min(value, target) - 1e-6 <= whole <= max(value, target) + 1e-6


@given(value=VALUES, target=VALUES, tau=TAU_S)
def test_what_is_held_over_a_step_has_the_integral_of_the_lag(
    value: float, target: float, tau: float
) -> None:
    seconds = step_s(one(value), one(target), one(tau), one(0.0))[0]
    if value == target:
        assert seconds == np.inf
        return
    after = relaxed(one(value), one(target), seconds, one(tau))[0]
    assert after - target == pytest.approx((1.0 - STEP) * (value - target), rel=1e-6, abs=1e-6)
    times = np.linspace(0.0, seconds, 41)
    exact = simpson([relaxed(one(value), one(target), t, one(tau))[0] for t in times], x=times)
    assert held(one(value), one(target))[0] * seconds == pytest.approx(exact, rel=1e-5, abs=1e-4 * seconds)


def test_a_gap_below_a_hundredth_of_the_scale_has_closed() -> None:
    assert step_s(one(99.5), one(100.0), one(1.0), one(100.0))[0] == np.inf
    assert snapped(one(99.5), one(100.0), one(100.0))[0] == 100.0
    assert snapped(one(98.5), one(100.0), one(100.0))[0] == 98.5
