"""Inverse-time relays (IEEE C37.112): how fast the disk of an overcurrent relay turns, and how fast it comes back.

The relay holds an integral from 0 (at rest) to 1 (it trips). At constant current both ways are straight lines, so
that the crossing has a closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.graph.levels import Floats


@dataclass(frozen=True, slots=True)
class Shape:
    """Coefficients of an inverse-time shape: t(M) = TD·(a/(M^p − 1) + b); `reset_s` is t_r, the reset from 1 at no current."""

    a_s: float
    b_s: float
    p: float
    reset_s: float


# a, b, p as printed in C37.112 (read second-hand, four sources agree); reset_s from memory (C37.112-1996).
SHAPES: dict[str, Shape] = {
    "moderately-inverse": Shape(0.0515, 0.1140, 0.02, 4.85),
    "very-inverse": Shape(19.61, 0.491, 2.0, 21.6),
    "extremely-inverse": Shape(28.2, 0.1217, 2.0, 29.1),
}


def operate_s(multiple: Floats, shape: Shape, *, dial: float = 1.0) -> Floats:
    """Return the time to trip `[s]` from rest at a constant current.

    Parameters
    ----------
    multiple : current in multiples of pickup, M `[1, any shape]`.
    shape : the coefficients a, b `[s]` and p `[1]`.
    dial : time dial TD `[1]`.

    Notes
    -----
    t = TD·(a/(M^p − 1) + b) for M > 1, infinite at or below pickup; M^p − 1 is taken as expm1(p·ln M), which keeps
    its digits near pickup. Source: IEEE C37.112-2018, equation for the operating time.
    """
    found = np.full(np.shape(multiple), np.inf)
    above = multiple > 1.0
    found[above] = dial * (shape.a_s / np.expm1(shape.p * np.log(multiple[above])) + shape.b_s)
    return found


def rate_per_s(multiple: Floats, shape: Shape, *, dial: float = 1.0) -> Floats:
    """Return how fast the integral moves `[1/s]`: 1/t(M) above pickup, −(1 − M²)/(TD·t_r) below (disk emulation).

    Source: IEEE C37.112, integral of dt/t(M) = 1 at the trip; reset time TD·t_r/(1 − M²) for M < 1.
    """
    squared = np.minimum(multiple, 1.0) ** 2
    return 1.0 / operate_s(multiple, shape, dial=dial) - (1.0 - squared) / (dial * shape.reset_s)
