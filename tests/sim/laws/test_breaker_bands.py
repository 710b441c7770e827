"""Bands: points of makers' dials, I2t, edges that keep their order, and interpolation that knows power laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.sim.laws.breaker_bands import Bands, Edge, opening_s, rates_per_s, tabulated_s

EXACT = Edge(pickup=1.0, delay=1.0, threshold=1.0, open_s=1e-9)
FAST, SLOW = Edge(1.05, 0.8, 0.9, 0.01), Edge(1.2, 1.0, 1.1, 0.05)
DIALS = st.builds(
    Bands,
    long_s=st.sampled_from((0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 16.0, 20.0, 24.0)),
    short=st.sampled_from((1.5, 2.0, 4.0, 10.0, np.inf)),
    short_s=st.sampled_from((0.0, 0.1, 0.2, 0.4)),
    short_i2t=st.booleans(),
    instantaneous=st.sampled_from((11.0, 15.0, np.inf)),
)


def at(multiple: float, bands: Bands, edge: Edge) -> float:
    return float(opening_s(np.array([multiple]), bands, edge)[0])


@pytest.mark.parametrize("dial", (0.5, 1, 2, 4, 8, 12, 16, 20, 24))
def test_long_time_dial_is_seconds_at_six_times_pickup(dial: float) -> None:
    """The dials of the Micrologic 5.0A; at 1.5 times the pickup an I2t line takes (6/1.5)^2 = 16 times as long."""
    assert at(6.0, Bands(long_s=dial), EXACT) == pytest.approx(dial)
    assert at(1.5, Bands(long_s=dial), EXACT) == pytest.approx(16.0 * dial)


@given(bands=DIALS, multiple=st.floats(1.3, 40.0))
def test_long_time_lets_through_a_constant_i2t(bands: Bands, multiple: float) -> None:
    alone = Bands(long_s=bands.long_s)
    assert at(multiple, alone, EXACT) * multiple**2 == pytest.approx(36.0 * bands.long_s)


def test_short_time_flat_and_ramped() -> None:
    flat = Bands(long_s=24.0, short=4.0, short_s=0.4)
    ramp = Bands(long_s=24.0, short=4.0, short_s=0.4, short_i2t=True)
    assert at(3.9, flat, EXACT) == pytest.approx(24.0 * 36.0 / 3.9**2)
    assert at(4.0, flat, EXACT) == at(20.0, flat, EXACT) == pytest.approx(0.4)
    assert at(5.0, ramp, EXACT) == pytest.approx(1.6)
    assert at(10.0, ramp, EXACT) == at(20.0, ramp, EXACT) == pytest.approx(0.4)


def test_edges_of_a_dial() -> None:
    """A 12 s dial trips at 6 Ir between 9.6 and 12 s, and at 1.1 Ir maybe (after 285.6 s) or never."""
    bands = Bands(long_s=12.0, instantaneous=10.0)
    assert (at(6.0, bands, FAST), at(6.0, bands, SLOW)) == (pytest.approx(9.6), pytest.approx(12.0))
    assert at(1.1, bands, FAST) == pytest.approx(0.8 * 12.0 * 36.0 / 1.21)
    assert np.isinf(at(1.1, bands, SLOW)) and np.isinf(at(1.04, bands, FAST))
    assert at(9.5, bands, FAST) == 0.01 and at(9.5, bands, SLOW) == pytest.approx(12.0 * 36.0 / 9.5**2)
    assert at(11.0, bands, SLOW) == 0.05


@given(bands=DIALS, low=st.floats(0.0, 40.0), high=st.floats(0.0, 40.0))
def test_more_current_is_never_slower_and_the_fast_edge_never_later(
    bands: Bands, low: float, high: float
) -> None:
    low, high = sorted((low, high))
    for edge in (FAST, SLOW):
        assert at(high, bands, edge) <= at(low, bands, edge)
    assert at(low, bands, FAST) <= at(low, bands, SLOW)


@given(bands=DIALS, multiple=st.floats(0.0, 40.0))
def test_integrals_reach_one_when_the_breaker_opens(bands: Bands, multiple: float) -> None:
    rates = rates_per_s(np.array([multiple]), bands, FAST, cool_s=600.0)[0]
    opens = min((1.0 / rate for rate in rates if rate > 0), default=np.inf)
    assert opens == pytest.approx(at(multiple, bands, FAST))
    if multiple < 1.05:
        assert rates[0] == pytest.approx(-1.0 / 600.0)


def test_points_are_met_and_two_of_them_make_a_power_law() -> None:
    multiples, seconds = np.array([1.1, 2.0, 7.0]), np.array([3600.0, 120.0, 0.083])
    assert tabulated_s(multiples, multiples, seconds) == pytest.approx(seconds)
    assert np.isinf(tabulated_s(np.array([0.0, 1.0999]), multiples, seconds)).all()
    assert tabulated_s(np.array([50.0]), multiples, seconds)[0] == pytest.approx(0.083)
    ends = np.array([1.2, 9.0])
    inner = np.array([1.3, 2.0, 5.5])
    assert tabulated_s(inner, ends, 432.0 / ends**2) == pytest.approx(432.0 / inner**2)


@given(multiple=st.floats(1.1, 20.0), more=st.floats(1.001, 3.0))
def test_falling_points_make_a_falling_curve(multiple: float, more: float) -> None:
    multiples, seconds = np.array([1.1, 1.5, 3.0, 20.0]), np.array([7000.0, 100.0, 99.0, 0.05])
    found = tabulated_s(np.array([multiple, multiple * more]), multiples, seconds)
    assert found[1] < found[0] or multiple * more > 20.0 and found[1] <= found[0]
