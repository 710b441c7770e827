"""Relays: the published table, the shape of the law, and the reset."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.sim.laws.relay import SHAPES, operate_s, rate_per_s

# Times to trip at dial 1, evaluated from the coefficients of IEEE C37.112 by others, to three digits.
MULTIPLES = (1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
TABLE = {
    "moderately-inverse": (27.1, 11.6, 6.44, 3.80, 2.43, 1.69, 1.21),
    "very-inverse": (93.9, 35.4, 16.2, 7.03, 2.94, 1.31, 0.69),
    "extremely-inverse": (134.0, 50.3, 22.7, 9.52, 3.65, 1.30, 0.41),
}
SHAPE = st.sampled_from(sorted(SHAPES))
DIAL = st.floats(0.05, 15.0)
MULTIPLE = st.floats(1.001, 100.0)


@pytest.mark.parametrize("shape", sorted(TABLE))
def test_published_table(shape: str) -> None:
    found = operate_s(np.array(MULTIPLES), SHAPES[shape])
    digits = np.array([3.0 if t >= 1.0 else 2.0 for t in TABLE[shape]])
    half_digit = 0.501 * 10.0 ** (np.floor(np.log10(TABLE[shape])) + 1.0 - digits)
    assert (np.abs(found - TABLE[shape]) <= half_digit).all()


@given(shape=SHAPE, dial=DIAL, low=MULTIPLE, high=MULTIPLE)
def test_more_current_is_never_slower_and_time_is_proportional_to_the_dial(
    shape: str, dial: float, low: float, high: float
) -> None:
    low, high = sorted((low, high))
    times = operate_s(np.array([low, high]), SHAPES[shape], dial=dial)
    assert times[1] <= times[0]
    assert times == pytest.approx(dial * operate_s(np.array([low, high]), SHAPES[shape]), rel=1e-12)


@given(shape=SHAPE, dial=DIAL)
def test_at_and_below_pickup_it_never_trips(shape: str, dial: float) -> None:
    assert np.isinf(operate_s(np.array([0.0, 0.5, 1.0]), SHAPES[shape], dial=dial)).all()


def test_near_pickup_no_digit_is_lost() -> None:
    """With p small, M^p - 1 is about p·ln M: at M = 1 + 1e-9 the plain power has no correct digit beyond the sixth."""
    shape = SHAPES["moderately-inverse"]
    found = operate_s(np.array([1.0 + 1e-9]), shape)[0]
    exact = shape.a_s / (shape.p * np.log1p((1.0 + 1e-9) - 1.0)) + shape.b_s
    assert found == pytest.approx(exact, rel=1e-9)


@given(shape=SHAPE, dial=DIAL, multiple=st.floats(0.0, 0.99))
def test_disk_falls_back_in_the_reset_time(shape: str, dial: float, multiple: float) -> None:
    rate = rate_per_s(np.array([multiple]), SHAPES[shape], dial=dial)[0]
    assert -1.0 / rate == pytest.approx(dial * SHAPES[shape].reset_s / (1.0 - multiple**2), rel=1e-12)


@given(shape=SHAPE, dial=DIAL, multiple=MULTIPLE)
def test_disk_turns_once_in_the_time_to_trip(shape: str, dial: float, multiple: float) -> None:
    current = np.array([multiple])
    rate = rate_per_s(current, SHAPES[shape], dial=dial)
    assert rate * operate_s(current, SHAPES[shape], dial=dial) == pytest.approx(1.0, rel=1e-12)
    assert rate_per_s(np.array([1.0]), SHAPES[shape], dial=dial)[0] == 0.0
