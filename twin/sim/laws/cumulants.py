"""Times as three cumulants: mean, variance and third central moment, which add up when independent times do.

Where a quantile is wanted, the distribution is taken to be Pearson's type III: a gamma distribution, shifted so that all
three cumulants fit. It holds the exponential and the normal distribution exactly, and all gamma distributions between.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammainc, gammaincinv

from twin.graph.levels import Floats

_LEAST_SKEW = 1e-3  # below it the gamma distribution is normal, and its parameters overflow
_LEAST_SPREAD = 1e-6  # deviation over mean of a time that does not vary


@dataclass(frozen=True)
class Cumulants:
    """Mean `[s]`, variance `[s²]` and third cumulant `[s³]` of times, one entry for each."""

    mean: Floats
    variance: Floats
    third: Floats

    @classmethod
    def of_moments(cls, first: Floats, second: Floats, third: Floats) -> Cumulants:
        """From the moments about zero."""
        return cls(first, second - first**2, third - 3.0 * second * first + 2.0 * first**3)

    def rows(self) -> tuple[Floats, Floats, Floats]:
        """Mean, variance and third cumulant."""
        return self.mean, self.variance, self.third

    def plus(self, other: Cumulants) -> Cumulants:
        """Return those of the sum of independent times."""
        return Cumulants(self.mean + other.mean, self.variance + other.variance, self.third + other.third)

    def times(self, factor: Floats) -> Cumulants:
        """Return those of times that are `factor` as long."""
        return Cumulants(factor * self.mean, factor**2 * self.variance, factor**3 * self.third)

    def at(self, rows: Floats) -> Cumulants:
        """Return those of some entries."""
        return Cumulants(self.mean[rows], self.variance[rows], self.third[rows])

    def moments(self) -> tuple[Floats, Floats, Floats]:
        """Return the first three moments about zero."""
        second = self.variance + self.mean**2
        return self.mean, second, self.third + 3.0 * second * self.mean - 2.0 * self.mean**3

    def quantile(self, level: float) -> Floats:
        """Return the time `[s]` that a share `level` of the times does not exceed (Pearson III)."""
        shape, scale, shift = self.gamma()
        return shift + scale * gammaincinv(shape, level)

    def below(self, time_s: Floats) -> Floats:
        """Return the share of times that do not exceed `time_s` `[1]` (Pearson III)."""
        shape, scale, shift = self.gamma()
        return np.asarray(gammainc(shape, np.maximum(time_s - shift, 0.0) / scale))

    def gamma(self) -> tuple[Floats, Floats, Floats]:
        """Return shape 4/g², scale σg/2 and shift of the gamma distribution, g being the skewness."""
        deviation = np.sqrt(np.maximum(self.variance, (_LEAST_SPREAD * self.mean) ** 2 + 1e-60))
        skew = np.maximum(self.third / deviation**3, _LEAST_SKEW)
        shape, scale = 4.0 / skew**2, deviation * skew / 2.0
        return shape, scale, self.mean - shape * scale
