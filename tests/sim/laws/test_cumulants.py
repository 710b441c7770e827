"""Three cumulants: sums, moments, and the gamma distribution between the exponential and the normal one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearson3

from twin.sim.laws.cumulants import Cumulants

MEANS = st.floats(0.1, 10)


def single(mean: float, variance: float, third: float) -> Cumulants:
    return Cumulants(np.array([mean]), np.array([variance]), np.array([third]))


def test_the_ends_are_exact() -> None:
    assert single(2.0, 4.0, 16.0).quantile(0.99)[0] == pytest.approx(2.0 * math.log(100), rel=1e-9)
    assert single(2.0, 4.0, 0.0).quantile(0.99)[0] == pytest.approx(2.0 + 2.0 * 2.3263479, rel=1e-3)


@given(mean=MEANS, variance=MEANS, skew=st.floats(0.05, 4.0), level=st.floats(0.01, 0.999))
def test_against_scipys_own_distribution(mean: float, variance: float, skew: float, level: float) -> None:
    times = single(mean, variance, skew * variance**1.5)
    theirs = pearson3(skew, loc=mean, scale=math.sqrt(variance))
    quantile = times.quantile(level)
    assert quantile[0] == pytest.approx(theirs.ppf(level), rel=1e-6, abs=1e-6)
    assert times.below(quantile)[0] == pytest.approx(level, abs=1e-6)


@given(first=st.tuples(MEANS, MEANS, MEANS), second=st.tuples(MEANS, MEANS, MEANS), factor=MEANS)
def test_sums_and_scales(
    first: tuple[float, float, float], second: tuple[float, float, float], factor: float
) -> None:
    """Third central moments of independent times add; back from moments come the same cumulants."""
    both = single(*first).plus(single(*second)).times(np.array([factor]))
    again = Cumulants.of_moments(*both.moments())
    assert again.mean[0] == pytest.approx(factor * (first[0] + second[0]))
    assert again.variance[0] == pytest.approx(factor**2 * (first[1] + second[1]), rel=1e-6)
    assert again.third[0] == pytest.approx(factor**3 * (first[2] + second[2]), rel=1e-4, abs=1e-6 * factor**3)
