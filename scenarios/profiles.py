"""Piecewise-constant series, read at offsets into a window."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from twin.model.fleet import Fleet
from twin.model.series import Series

Floats = NDArray[np.float64]


def sample(series: Series, start: datetime, at_s: Floats) -> Floats:
    """Return the values of *series* at offsets from *start*; one that does not repeat holds its ends."""
    index = np.floor((at_s + (start - series.start).total_seconds()) / series.step_s).astype(np.int64)
    count = len(series.values)
    index = index % count if series.repeat else np.clip(index, 0, count - 1)
    return np.asarray(series.values, dtype=np.float64)[index]


def knots(series: Series, start: datetime, window_s: float) -> Floats:
    """Return the offsets into the window at which *series* may change, 0 included."""
    lead = (series.start - start).total_seconds() % series.step_s
    return np.unique(np.concatenate(([0.0], np.arange(lead, window_s, series.step_s))))


def peak_s(fleet: Fleet, start: datetime, window_s: float) -> float:
    """Return when in the window the users' total demand is highest (the first such time)."""
    profiles = {series.name: series for series in fleet.series}
    weight: dict[str, float] = {}
    for demand in fleet.demand:
        if demand.profile is not None:
            weight[demand.profile] = weight.get(demand.profile, 0.0) + demand.rate_per_s
    if not weight:
        return 0.0
    times = np.unique(np.concatenate([knots(profiles[name], start, window_s) for name in weight]))
    total = sum(rate * sample(profiles[name], start, times) for name, rate in weight.items())
    return float(times[int(np.argmax(total))])
