"""The triangular distribution, against SciPy's and against an integral of its own density."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import triang

from twin.records.triangular import chance_above, mean_above

numbers = st.floats(0.0, 1e4)
ends = st.tuples(numbers, numbers, numbers).map(sorted)


@given(ends, numbers)
def test_it_agrees_with_scipy(ends: list[float], supply: float) -> None:
    low, mode, high = ends
    assume(high - low > 1e-3)
    reference = triang((mode - low) / (high - low), loc=low, scale=high - low)
    assert chance_above(supply, low, mode, high) == pytest.approx(reference.sf(supply), abs=1e-9)


@pytest.mark.parametrize("supply", [0.0, 90.0, 100.0, 105.0, 110.0, 120.0, 139.0, 140.0, 150.0])
def test_what_is_short_on_average_is_the_integral_of_the_risk(supply: float) -> None:
    low, mode, high = 100.0, 110.0, 140.0
    integral, _ = quad(
        lambda x: chance_above(x, low, mode, high), supply, 160.0, points=[low, mode, high], limit=200
    )
    assert mean_above(supply, low, mode, high) == pytest.approx(integral, rel=1e-7, abs=1e-9)


def test_by_hand() -> None:
    # Symmetric on 0..2: at the mode one half; above it (2 - 1.5)²/2 = 1/8.
    assert chance_above(1.0, 0.0, 1.0, 2.0) == pytest.approx(0.5)
    assert chance_above(1.5, 0.0, 1.0, 2.0) == pytest.approx(0.125)
    assert mean_above(1.0, 0.0, 1.0, 2.0) == pytest.approx(1.0 / 6.0)


@pytest.mark.parametrize(("supply", "chance", "short"), [(4.0, 1.0, 1.0), (5.0, 0.0, 0.0), (6.0, 0.0, 0.0)])
def test_a_certain_demand_is_above_or_not(supply: float, chance: float, short: float) -> None:
    assert chance_above(supply, 5.0, 5.0, 5.0) == chance
    assert mean_above(supply, 5.0, 5.0, 5.0) == short


@given(ends, numbers, numbers)
def test_more_supply_is_never_more_risk(ends: list[float], one: float, other: float) -> None:
    low, mode, high = ends
    less, more = sorted((one, other))
    assert (
        0.0
        <= chance_above(more, low, mode, high)
        <= chance_above(less, low, mode, high) + 1e-12
        <= 1.0 + 1e-9
    )
    assert mean_above(more, low, mode, high) <= mean_above(less, low, mode, high) + 1e-6
    assert mean_above(less, low, mode, high) >= (low + mode + high) / 3 - less - 1e-6
    assert math.isfinite(mean_above(less, low, mode, high))


def test_ends_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="not in this order"):
        chance_above(1.0, 3.0, 2.0, 4.0)
