"""Water by the latent heat: the figures that handbooks give per kWh."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.sim.laws.water import evaporated_l_per_s, makeup_l_per_s

KWH_PER_S = 3.6e6


def test_litres_per_kwh_of_heat():
    assert float(evaporated_l_per_s(KWH_PER_S)) == pytest.approx(1.47, abs=0.005)
    assert float(makeup_l_per_s(KWH_PER_S, 5.0)) == pytest.approx(1.84, abs=0.005)
    assert float(makeup_l_per_s(KWH_PER_S, 3.0)) == pytest.approx(2.20, abs=0.005)


@given(st.floats(0.0, 1e9), st.floats(1.1, 20.0))
def test_salts_balance(rejected_w, cycles):
    """What comes in with one unit of salt per litre leaves as blow-down with `cycles` units per litre."""
    makeup = float(makeup_l_per_s(rejected_w, cycles))
    blown_down = makeup - float(evaporated_l_per_s(rejected_w))
    assert blown_down * cycles == pytest.approx(makeup)
