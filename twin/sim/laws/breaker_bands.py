"""Low-voltage breakers: bands of long-time, short-time and instantaneous tripping, and curves given by points.

Makers print a band between two edges, not a line: a breaker may open anywhere within it. What must not trip is judged
by the *fast* edge, what must have tripped (coordination) by the *slow* one. Currents are multiples M of the long-time
pickup Ir.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.graph.levels import Floats

I2T_REFERENCE = 6.0  # the long-time delay is dialled in seconds at 6 Ir
RAMP_END = 10.0  # an I2t short-time delay is the dialled one from 10 Ir on


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge of the band: factors on the dials, and the least time in which contacts part.

    `pickup` is the multiple of Ir at which the long-time element starts; `delay` scales the dialled delays,
    `threshold` the short-time and instantaneous pickups.
    """

    pickup: float
    delay: float
    threshold: float
    open_s: float


@dataclass(frozen=True, slots=True)
class Bands:
    """The dials of a trip unit: delays in seconds, pickups in multiples of Ir (infinite: switched off)."""

    long_s: float
    short: float = np.inf
    short_s: float = 0.0
    short_i2t: bool = False
    instantaneous: float = np.inf


def long_time_s(multiple: Floats, delay_s: float) -> Floats:
    """Return the long-time delay `[s]`: t = delay·36/M², so that I²t is constant and t(6) = delay.

    Source: the dial in seconds at 6 Ir, Schneider Micrologic 5.0A/6.0A manual 48049-136 (2012).
    """
    return delay_s * I2T_REFERENCE**2 / multiple**2


def short_time_s(multiple: Floats, delay_s: float, *, i2t: bool) -> Floats:
    """Return the short-time delay `[s]`: flat, or with I²t on falling as delay·100/M² until 10 Ir. Source: as above."""
    return (
        delay_s * (RAMP_END / np.minimum(multiple, RAMP_END)) ** 2
        if i2t
        else np.full(np.shape(multiple), delay_s)
    )


def opening_s(multiple: Floats, bands: Bands, edge: Edge) -> Floats:
    """Return when the breaker opens `[s]` from cold at a constant current: the soonest of its elements (inf: never)."""
    long, quick = _elements(multiple, bands, edge)
    return np.minimum(long, quick)


def rates_per_s(multiple: Floats, bands: Bands, edge: Edge, *, cool_s: float) -> Floats:
    """Return how fast the two integrals move `[1/s, (n, 2)]`: thermal memory (long-time), and the quick elements.

    Above pickup an integral grows by 1/t(M). Below it the thermal memory falls from 1 to 0 in `cool_s` (about 10 min:
    Eaton Digitrip 1150 manual, LTM), the timer of the quick elements in the time that contacts need.
    """
    long, quick = _elements(multiple, bands, edge)
    return np.stack(
        [
            np.where(np.isfinite(long), 1.0 / long, -1.0 / cool_s),
            np.where(np.isfinite(quick), 1.0 / quick, -1.0 / edge.open_s),
        ],
        axis=-1,
    )


def tabulated_s(multiple: Floats, multiples: Floats, seconds: Floats) -> Floats:
    """Return the time to open `[s]` on a curve through points, straight on log-log paper.

    Infinite below the first point; the last point's time beyond the last. I²t lines are straight there, so two points
    reproduce one exactly.
    """
    inside = multiple >= multiples[0]
    logs = np.interp(np.log(np.where(inside, multiple, multiples[0])), np.log(multiples), np.log(seconds))
    return np.where(inside, np.exp(logs), np.inf)


def _elements(multiple: Floats, bands: Bands, edge: Edge) -> tuple[Floats, Floats]:
    """Time to open `[s]` by the long-time element alone, and by the quicker of short-time and instantaneous."""
    driven = np.maximum(multiple, edge.pickup)
    long = np.maximum(long_time_s(driven, bands.long_s * edge.delay), edge.open_s)
    short = np.maximum(short_time_s(driven, bands.short_s * edge.delay, i2t=bands.short_i2t), edge.open_s)
    quick = np.where(multiple >= bands.short * edge.threshold, short, np.inf)
    quick = np.where(multiple >= bands.instantaneous * edge.threshold, edge.open_s, quick)
    return np.where(multiple >= edge.pickup, long, np.inf), quick
