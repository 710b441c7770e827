"""The chiller against a published table of its model, and the laws of part load and fans."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.sim.laws.chiller import CURVES, DOE2_CENTRIFUGAL, derated, flow_power, linear_cop

# COP of the DOE-2 centrifugal set at part loads 1, 0.75, 0.5, 0.25, evaluated from its curves outside this project.
TABLE = {
    (6.67, 29.4): (5.51, 5.74, 5.55, 4.17),
    (6.67, 24.0): (6.18, 6.45, 6.24, 4.68),
    (10.0, 24.0): (6.48, 6.76, 6.54, 4.91),
    (6.67, 35.0): (4.81, 5.02, 4.86, 3.64),
}


@pytest.mark.parametrize(("at", "cops"), TABLE.items())
def test_cop_of_the_published_curves(at, cops):
    got = DOE2_CENTRIFUGAL.cop(np.array([1.0, 0.75, 0.5, 0.25]), *at)
    assert got == pytest.approx(np.array(cops), abs=0.006)


def test_the_reference_point_is_the_reference():
    assert float(DOE2_CENTRIFUGAL.capacity(6.67, 29.4)) == pytest.approx(1.0, abs=0.005)
    assert float(DOE2_CENTRIFUGAL.cop(1.0, 6.67, 29.4)) == pytest.approx(5.5, abs=0.02)


@pytest.mark.parametrize("curve", CURVES.values())
def test_hotter_condensers_cost_more_and_colder_water_too(curve):
    condensers = np.linspace(*curve.condenser_c, 23)
    assert (np.diff(curve.cop(0.7, 6.67, condensers)) < 0).all()
    waters = np.linspace(*curve.chilled_c, 11)
    assert (np.diff(curve.cop(0.7, waters, 29.4)) > 0).all()
    assert (np.diff(curve.capacity(waters, 29.4)) > 0).all()


@given(st.floats(-30.0, 60.0), st.floats(-30.0, 60.0))
def test_curves_are_not_extrapolated(chilled_c, condenser_c):
    low, high = DOE2_CENTRIFUGAL.chilled_c
    cold, hot = DOE2_CENTRIFUGAL.condenser_c
    edge = min(max(chilled_c, low), high), min(max(condenser_c, cold), hot)
    assert float(DOE2_CENTRIFUGAL.cop(0.5, chilled_c, condenser_c)) == float(DOE2_CENTRIFUGAL.cop(0.5, *edge))
    assert float(DOE2_CENTRIFUGAL.capacity(chilled_c, condenser_c)) > 0.5


def test_below_its_least_load_it_cycles():
    at = 6.67, 29.4
    assert float(DOE2_CENTRIFUGAL.cop(0.01, *at)) == float(DOE2_CENTRIFUGAL.cop(0.1, *at))


def test_derate_of_two_percent_per_kelvin_above_35_c():
    got = derated(np.array([20.0, 35.0, 40.0, 85.0, 200.0]), 35.0, 0.02)
    assert got == pytest.approx([1.0, 1.0, 0.9, 0.0, 0.0])


def test_linear_cop():
    assert float(linear_cop(35.0, 4.0, 0.025, t_ref_c=25.0)) == pytest.approx(3.0)


def test_half_the_flow_takes_an_eighth_of_the_power():
    assert flow_power(np.array([0.5, 1.0, 0.0])) == pytest.approx([0.125, 1.0, 0.0])
    assert float(flow_power(0.5, 2.5)) == pytest.approx(0.5**2.5)
