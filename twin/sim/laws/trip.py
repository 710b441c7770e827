"""A declared trip curve as physics: its two edges, and the integrals that carry it through changing current.

A device holds two integrals in [0, 1], *slow* (the disk of a relay, the thermal memory of a breaker) and *quick* (the
timer of its short-time and instantaneous elements). Under constant current both move in straight lines, and the device
opens when the first arrives at 1.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from twin.graph.levels import Floats
from twin.model.protection import TripCurve
from twin.sim.laws.breaker_bands import Bands, Edge, opening_s, rates_per_s, tabulated_s
from twin.sim.laws.relay import SHAPES, Shape, operate_s
from twin.sim.laws.relay import rate_per_s as disk_rate_per_s

# A UPS that carries its load by the static bypass: 110 % for ever, then 125 % for 2 min, 150 % for 10 s, 700 % for 5
# cycles (Staco FirstLine manual, p. 32). Where the curve begins, 1 h just above 110 %, is assumed.
BYPASS = TripCurve(
    name="static-bypass",
    kind="points",
    pickup=1.1,
    points=(
        (1.0001, 3600.0, 3600.0),
        (1.25 / 1.1, 120.0, 120.0),
        (1.5 / 1.1, 10.0, 10.0),
        (7 / 1.1, 0.083, 0.083),
    ),
)


def times_s(curve: TripCurve, multiple: Floats, *, edge: Literal["fast", "slow"]) -> Floats:
    """Return when a device opens `[s]` from rest at a constant current, in multiples of its pickup (infinite: never)."""
    if curve.kind == "points":
        return _by_points(curve, multiple, 1 if edge == "fast" else 2)
    if curve.kind == "bands":
        return opening_s(multiple, bands_of(curve), edge_of(curve, edge))
    opens_s = curve.opens_slow_s if edge == "slow" else 0.0
    return operate_s(multiple, shape_of(curve), dial=curve.time_dial) + opens_s


def integral_rates(curve: TripCurve, multiple: Floats) -> Floats:
    """Return how fast the two integrals move `[1/s, (n, 2)]` on the fast edge, at currents in multiples of pickup `[(n,)]`."""
    if curve.kind == "bands":
        return rates_per_s(multiple, bands_of(curve), edge_of(curve, "fast"), cool_s=curve.cool_s)
    rates = np.zeros((len(multiple), 2))
    if curve.kind == "relay":
        rates[:, 0] = disk_rate_per_s(multiple, shape_of(curve), dial=curve.time_dial)
    else:
        time_s = _by_points(curve, multiple, 1)
        rates[:, 0] = np.where(np.isfinite(time_s), 1.0 / time_s, -1.0 / curve.cool_s)
    return rates


def least_multiple(curve: TripCurve) -> float:
    """Return the multiple of pickup up to which nothing gathers, on the fast edge."""
    if curve.kind == "points":
        return float(np.nextafter(curve.points[0][0], 0.0))
    if curve.kind == "bands":
        least = min(
            curve.pickup_fast, *(p * (1.0 - curve.threshold_band) for p in _thresholds(curve)), np.inf
        )
        return float(np.nextafter(least, 0.0))
    return 1.0


def corners(curve: TripCurve) -> Floats:
    """Return the multiples of pickup at which a curve bends or jumps, on either edge."""
    if curve.kind == "points":
        return np.array([point[0] for point in curve.points])
    if curve.kind == "bands":
        band = curve.threshold_band
        jumps = [p * factor for p in _thresholds(curve) for factor in (1.0 - band, 1.0 + band)]
        return np.array([curve.pickup_fast, curve.pickup_slow, *jumps])
    return np.array([1.0])


def shape_of(curve: TripCurve) -> Shape:
    """Return the coefficients of a relay."""
    shape = SHAPES[curve.shape]
    return shape if curve.disk_reset_s is None else replace(shape, reset_s=curve.disk_reset_s)


def bands_of(curve: TripCurve) -> Bands:
    """Return the dials of a trip unit."""
    return Bands(
        long_s=curve.long_delay_s,
        short=curve.short_pickup or np.inf,
        short_s=curve.short_delay_s,
        short_i2t=curve.short_i2t,
        instantaneous=curve.instantaneous or np.inf,
    )


def edge_of(curve: TripCurve, edge: Literal["fast", "slow"]) -> Edge:
    """Return one edge of the bands of a trip unit."""
    if edge == "fast":
        return Edge(curve.pickup_fast, curve.delay_fast, 1.0 - curve.threshold_band, curve.opens_fast_s)
    return Edge(curve.pickup_slow, curve.delay_slow, 1.0 + curve.threshold_band, curve.opens_slow_s)


def _thresholds(curve: TripCurve) -> list[float]:
    return [p for p in (curve.short_pickup, curve.instantaneous) if p is not None]


def _by_points(curve: TripCurve, multiple: Floats, column: int) -> Floats:
    points = np.array(curve.points)
    return tabulated_s(multiple, points[:, 0], points[:, column])
