"""Declared trip curves: each kind follows its law, both edges, and its integrals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.model.protection import TripCurve
from twin.sim.laws.trip import BYPASS, corners, integral_rates, least_multiple, times_s

CURVES = (
    TripCurve(name="relay", kind="relay", shape="extremely-inverse", time_dial=2.0),
    TripCurve(name="bands", kind="bands", short_pickup=4.0, short_i2t=True, instantaneous=12.0),
    TripCurve(name="early", kind="bands", pickup_fast=3.0, pickup_slow=3.5, short_pickup=2.0),
    TripCurve(name="points", kind="points", points=((1.1, 3600, 7200), (2.0, 60, 100), (10.0, 0.02, 0.1))),
    BYPASS,
)
CURVE = st.sampled_from(CURVES)


@given(curve=CURVE, multiple=st.floats(0.0, 30.0))
def test_integrals_fill_in_the_time_of_the_fast_edge(curve: TripCurve, multiple: float) -> None:
    at = np.array([multiple])
    rate = float(integral_rates(curve, at).max())
    fast = float(times_s(curve, at, edge="fast")[0])
    assert (1.0 / rate if rate > 0 else np.inf) == pytest.approx(fast)
    assert float(times_s(curve, at, edge="slow")[0]) >= fast


@given(curve=CURVE, multiple=st.floats(0.0, 30.0))
def test_nothing_gathers_up_to_the_least_multiple_and_something_does_above(
    curve: TripCurve, multiple: float
) -> None:
    gathers = bool((integral_rates(curve, np.array([multiple])) > 0).any())
    assert gathers == (multiple > least_multiple(curve))


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_between_corners_a_curve_has_no_jump(curve: TripCurve) -> None:
    """A fine grid changes by little from point to point, but at the corners."""
    grid = np.geomspace(1.0, 30.0, 200_001)
    for edge in ("fast", "slow"):
        times = times_s(curve, grid, edge=edge)
        known = np.isfinite(times)
        ratio = times[known][:-1] / times[known][1:]
        jumps = grid[known][1:][ratio > 1.01]
        near = (
            np.abs(jumps[:, None] / corners(curve) - 1.0).min(axis=1) < 3e-3
            if len(jumps)
            else np.array([True])
        )
        assert near.all()


def test_edges_lie_on_both_sides_of_what_is_dialled() -> None:
    """Dialled to open at once at 10: on the fast edge it does so from 9 on, on the slow edge only from 11 on."""
    curve = TripCurve(name="c", kind="bands", long_delay_s=12.0, instantaneous=10.0)
    at = np.array([8.9, 9.1, 10.9, 11.1])
    long_s = 12.0 * 36.0 / at**2
    assert times_s(curve, at, edge="fast") == pytest.approx([0.8 * long_s[0], 0.01, 0.01, 0.01])
    assert times_s(curve, at, edge="slow") == pytest.approx([*long_s[:3], 0.05])


def test_bypass_is_that_of_the_maker() -> None:
    """110 % for ever, 125 % for 2 min, 150 % for 10 s, 700 % for 5 cycles of 60 Hz, in multiples of the rating."""
    of_rating = np.array([1.10, 1.25, 1.50, 7.00]) / BYPASS.pickup
    assert times_s(BYPASS, of_rating, edge="fast") == pytest.approx([np.inf, 120.0, 10.0, 5 / 60], rel=5e-3)


def test_reset_time_of_a_relay_can_be_declared() -> None:
    """At no current the disk falls from 1 to 0 in dial times reset."""
    curve = TripCurve(name="r", kind="relay", time_dial=3.0, disk_reset_s=10.0)
    assert integral_rates(curve, np.array([0.0]))[0, 0] == pytest.approx(-1.0 / 30.0)
    usual = TripCurve(name="r", kind="relay", time_dial=3.0)
    assert integral_rates(usual, np.array([0.0]))[0, 0] == pytest.approx(-1.0 / (3.0 * 21.6))
