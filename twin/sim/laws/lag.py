"""First-order lag: a value that closes the gap to its target exponentially, and the steps in which a run follows it.

Between two settles of a run everything stands still. A value x that follows x' = (target − x)/τ is therefore held at its
mean over the step ahead, and a step lasts until the gap has shrunk by `STEP`: the integral of x over a whole step is
exact, whatever τ and the gap.
"""

from __future__ import annotations

from math import log

import numpy as np

from twin.graph.levels import Floats

STEP = 0.25  # part of the gap that one step closes
NEAR = 0.01  # a gap below this part of the scale is no gap any more
STEP_OVER_TAU = -log(1.0 - STEP)
_MEAN_OF_GAP = STEP / STEP_OVER_TAU


def relaxed(value: Floats, target: Floats | float, seconds: float, tau_s: Floats) -> Floats:
    """Return x after `seconds`: target + (x − target)·e^{−t/τ}; a τ of zero arrives at once.

    `value` and `target` have one unit; `tau_s` is in s. Shapes broadcast.
    """
    left = np.exp(-np.divide(seconds, tau_s, out=np.full(np.shape(tau_s), np.inf), where=tau_s > 0))
    return target + (value - target) * left


def held(value: Floats, target: Floats | float) -> Floats:
    """Return the mean of x over the step ahead, in which STEP of the gap closes: target + gap·STEP/−ln(1 − STEP)."""
    return target + (value - target) * _MEAN_OF_GAP


def step_s(value: Floats, target: Floats | float, tau_s: Floats, scale: Floats | float) -> Floats:
    """Return the seconds until STEP of the gap is closed: −τ·ln(1 − STEP); infinite where the gap is below NEAR·scale."""
    moving = np.abs(value - target) > NEAR * scale
    return np.where(moving, STEP_OVER_TAU * tau_s, np.inf)


def snapped(value: Floats, target: Floats | float, scale: Floats | float) -> Floats:
    """Return x, and the target where the gap is below NEAR·scale: the lag has arrived."""
    return np.where(np.abs(value - target) > NEAR * scale, value, target)
