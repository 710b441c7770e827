"""Chillers: what they can remove, and the power that it takes.

The EnergyPlus "electric EIR" model: capacity and energy input ratio are quadratic in the temperature of the chilled
water that leaves and of the condenser water that enters; part load is quadratic in its ratio.

    capacity = Q_ref CAPFT(Te, Tc)          P = Q_ref CAPFT EIRFT(Te, Tc) EIRFPLR(PLR) / COP_ref

Curves are not extrapolated: temperatures outside the range of the fit are taken at its edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.graph.levels import Floats

Number = float | Floats
Six = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class ChillerCurve:
    """Coefficients of one chiller, its reference COP and the range of its fit."""

    cop_ref: float
    capft: Six
    eirft: Six
    eirfplr: tuple[float, float, float]
    chilled_c: tuple[float, float]
    condenser_c: tuple[float, float]
    least_load: float

    def capacity(self, chilled_c: Number, condenser_c: Number) -> Floats:
        """Heat that it can remove at these temperatures, as a ratio to its reference capacity."""
        return _biquadratic(self.capft, *self._clipped(chilled_c, condenser_c))

    def cop(self, load: Number, chilled_c: Number, condenser_c: Number) -> Floats:
        """Heat removed per electric energy at `load`, the ratio of the heat to the capacity at these temperatures.

        Below `least_load` the chiller cycles: it draws in proportion to the heat, at the COP of `least_load`.
        """
        load = np.clip(load, self.least_load, 1.0)
        a, b, c = self.eirfplr
        ratio = _biquadratic(self.eirft, *self._clipped(chilled_c, condenser_c))
        return np.asarray(load * self.cop_ref / (ratio * (a + b * load + c * load**2)))

    def _clipped(self, chilled_c: Number, condenser_c: Number) -> tuple[Floats, Floats]:
        return np.clip(chilled_c, *self.chilled_c), np.clip(condenser_c, *self.condenser_c)


# Coefficients: library of EnergyPlus / Modelica Buildings, data set "DOE-2 Centrifugal 5.50 COP" (6.67 / 29.4 C).
DOE2_CENTRIFUGAL = ChillerCurve(
    cop_ref=5.5,
    capft=(0.257896, 0.0389016, -0.00021708, 0.0468684, -0.00094284, -0.00034344),
    eirft=(0.933884, -0.058212, 0.00450036, 0.00243, 0.000486, -0.001215),
    eirfplr=(0.222903, 0.313387, 0.463710),
    chilled_c=(5.0, 10.0),
    condenser_c=(24.0, 35.0),
    least_load=0.1,
)
CURVES: dict[str, ChillerCurve] = {"doe2-centrifugal": DOE2_CENTRIFUGAL}


def derated(outdoor_c: Number, from_c: Number, per_k: Number) -> Floats:
    """Share of its rated heat that a plant still removes: it falls by `per_k` for each kelvin above `from_c`, to 0."""
    return np.clip(1.0 - np.asarray(per_k) * np.maximum(np.asarray(outdoor_c) - from_c, 0.0), 0.0, 1.0)


def linear_cop(outdoor_c: Number, reference: Number, slope_per_k: Number, *, t_ref_c: Number) -> Floats:
    """COP of a plant without a curve: reference (1 - slope (T - T_ref))."""
    return np.asarray(reference) * (1.0 - np.asarray(slope_per_k) * (np.asarray(outdoor_c) - t_ref_c))


def flow_power(flow: Number, exponent: float = 3.0) -> Floats:
    """Power of a fan or pump at a flow, both as a share of full speed: flow ~ n, pressure ~ n^2, power ~ n^3."""
    return np.asarray(np.asarray(flow, dtype=float) ** exponent)


def _biquadratic(six: Six, chilled_c: Floats, condenser_c: Floats) -> Floats:
    a, b, c, d, e, f = six
    te, tc = chilled_c, condenser_c
    return np.asarray(a + b * te + c * te**2 + d * tc + e * tc**2 + f * te * tc)
