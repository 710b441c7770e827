"""Traffic between sites that no service makes, as arrays over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from twin.graph.compile_demand import YEAR_S, DemandArrays
from twin.graph.levels import Floats, Ints
from twin.model.fleet import Fleet


@dataclass(frozen=True)
class TrafficArrays:
    """The rows of the table `traffic`: pair = source·S + target, class, and rate `[bit/s]` at time zero.

    `profile` is an index into the series of the demand (-1: constant).
    """

    pair: Ints
    tier: Ints
    base_bps: Floats
    profile: Ints
    growth_per_s: Floats

    def during(self, times_s: Floats, factors: Floats) -> Floats:
        """Rate `[bit/s, (rows, T)]` at several times, given the values of the series then `[T, series]`."""
        rate: Floats = self.base_bps[:, None] * np.take(factors, self.profile, axis=1).T
        if self.growth_per_s.any():
            rate *= np.exp(self.growth_per_s[:, None] * times_s)
        return rate

    def knots(self, demand: DemandArrays, start_s: float, until_s: float) -> Floats:
        """Times in (start, until) at which any of it changes, sorted."""
        times = [demand.series[i].knots(start_s, until_s) for i in np.unique(self.profile) if i >= 0]
        return np.unique(np.concatenate(times)) if times else np.zeros(0)


def compile_traffic(fleet: Fleet, index: dict[str, dict[str, int]], *, start: datetime) -> TrafficArrays:
    """Compile the table onto a clock that starts at `start`. Cost: one pass over it."""
    series_at = {series.name: i for i, series in enumerate(fleet.series)}
    age_y = (start - fleet.as_of).total_seconds() / YEAR_S if fleet.as_of else 0.0
    site, rows = index["sites"], fleet.traffic
    pair = [site[row.source] * len(site) + site[row.target] for row in rows]
    base = [row.rate_bps * (1.0 + row.growth_per_year) ** age_y for row in rows]
    growth = [np.log1p(max(row.growth_per_year, -0.999999)) / YEAR_S for row in rows]
    profile = [-1 if row.profile is None else series_at[row.profile] for row in rows]
    return TrafficArrays(
        pair=np.array(pair, dtype=np.int64),
        tier=np.array([row.tier for row in rows], dtype=np.int64),
        base_bps=np.array(base, dtype=np.float64),
        profile=np.array(profile, dtype=np.int64),
        growth_per_s=np.array(growth, dtype=np.float64),
    )
