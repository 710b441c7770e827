"""The wet bulb against the psychrometric equation solved numerically, and against the fit's own published check."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from twin.sim.laws.psychrometrics import humidity_when_warmed, saturation_pa, wet_bulb_c

SEA_LEVEL_PA = 101_325.0


def wet_bulb_by_balance(dry_c: float, humidity: float) -> float:
    """Where vapour and sensible heat balance: e = es(Tw) - 6.62e-4 p (T - Tw), the equation of the ventilated psychrometer."""
    vapour = humidity * float(saturation_pa(dry_c))
    return float(
        brentq(
            lambda wet: float(saturation_pa(wet)) - 6.62e-4 * SEA_LEVEL_PA * (dry_c - wet) - vapour,
            dry_c - 40.0,
            dry_c + 1e-9,
        )
    )


def test_the_published_example():
    assert float(wet_bulb_c(20.0, 0.5)) == pytest.approx(13.7, abs=0.005)


def test_saturation_is_that_of_the_steam_tables():
    """0, 20 and 40 C; the form is good to 0.4 %."""
    assert float(saturation_pa(0.0)) == pytest.approx(611.0, rel=4e-3)
    assert float(saturation_pa(20.0)) == pytest.approx(2339.0, rel=4e-3)
    assert float(saturation_pa(40.0)) == pytest.approx(7384.0, rel=4e-3)


@pytest.mark.parametrize("dry_c", [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0])
@pytest.mark.parametrize("humidity", [0.2, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_within_the_published_error_of_the_balance(dry_c, humidity):
    """-1 to +0.65 K, and 0.1 K for the balance, which has a psychrometer constant of its own."""
    error = float(wet_bulb_c(dry_c, humidity)) - wet_bulb_by_balance(dry_c, humidity)
    assert -1.1 <= error <= 0.75


def test_mean_error_is_the_published_one():
    errors = [
        abs(float(wet_bulb_c(float(t), rh / 100.0)) - wet_bulb_by_balance(float(t), rh / 100.0))
        for t in range(-20, 51, 5)
        for rh in range(10, 100, 10)
        if t > -10 or rh > 40  # Stull's figure leaves the cold and dry corner out
    ]
    assert np.mean(errors) == pytest.approx(0.28, abs=0.15)


@given(st.floats(-20.0, 50.0), st.floats(0.0, 1.0))
def test_never_above_the_dry_bulb(dry_c, humidity):
    assert float(wet_bulb_c(dry_c, humidity)) <= dry_c


@given(st.floats(10.0, 49.0), st.floats(0.1, 0.97))
def test_wetter_air_has_a_higher_wet_bulb(dry_c, humidity):
    """Below 10 C or 10 % the fit is within its error, but not monotone."""
    assert float(wet_bulb_c(dry_c, humidity + 0.01)) >= float(wet_bulb_c(dry_c, humidity)) - 1e-9


@given(st.floats(0.0, 35.0), st.floats(0.1, 0.99), st.floats(0.0, 15.0))
def test_air_that_is_warmed_keeps_its_moisture(dry_c, humidity, warmer_k):
    drier = float(humidity_when_warmed(dry_c, humidity, warmer_k))
    assert drier <= humidity * (1 + 1e-12)
    assert drier * float(saturation_pa(dry_c + warmer_k)) == pytest.approx(
        humidity * float(saturation_pa(dry_c))
    )
    # Its wet bulb rises, but less than the dry bulb does (up to the error of the fit).
    rise_k = float(wet_bulb_c(dry_c + warmer_k, drier)) - float(wet_bulb_c(dry_c, humidity))
    assert -0.7 <= rise_k <= warmer_k + 0.7


def test_air_that_is_cooled_to_its_dew_point_is_wet_and_stays_so():
    assert float(humidity_when_warmed(20.0, 0.9, -15.0)) == 1.0
