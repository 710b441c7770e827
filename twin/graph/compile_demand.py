"""Demand, carbon, price and weather as arrays over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from twin.graph.levels import Bools, Floats, Ints
from twin.model.fleet import Fleet
from twin.model.series import Series

YEAR_S = 31557600.0


@dataclass(frozen=True)
class SeriesArray:
    """A piecewise-constant series on the run's clock: value `i` holds from `offset_s + i * step_s` on."""

    offset_s: float
    step_s: float
    values: Floats
    repeat: bool

    def knots(self, start_s: float, until_s: float) -> Floats:
        """Return the times in (start, until) at which the value changes, computed the same way for any start."""
        first = int((start_s - self.offset_s) // self.step_s) + 1
        last = int(np.ceil((until_s - self.offset_s) / self.step_s))
        steps = np.arange(first, last)
        now, before = steps, steps - 1
        if self.repeat:
            now, before = now % len(self.values), before % len(self.values)
        now, before = np.clip(now, 0, len(self.values) - 1), np.clip(before, 0, len(self.values) - 1)
        changed = self.values[now] != self.values[before]
        times = self.offset_s + steps[changed] * self.step_s
        return times[(times > start_s) & (times < until_s)]


@dataclass(frozen=True)
class FlatSeries:
    """All series end to end, so that one look-up reads them all: `first[i]` is where series i begins in `values`."""

    offset_s: Floats
    step_s: Floats
    length: Ints
    first: Ints
    repeat: Bools
    values: Floats

    @classmethod
    def of(cls, series: tuple[SeriesArray, ...]) -> FlatSeries:
        """Join the series, and behind them the constant 1."""
        rows = (*series, SeriesArray(0.0, 1.0, np.ones(1), True))
        length = np.array([len(row.values) for row in rows], dtype=np.int64)
        return cls(
            np.array([row.offset_s for row in rows]),
            np.array([row.step_s for row in rows]),
            length,
            np.cumsum(length) - length,
            np.array([row.repeat for row in rows]),
            np.concatenate([row.values for row in rows]),
        )

    def at(self, time_s: float | Floats) -> Floats:
        """Return the value of every series at a time (before the first and after the last value: the nearest)."""
        position = np.floor_divide(time_s - self.offset_s, self.step_s).astype(np.int64)
        inside = np.where(
            self.repeat, position % self.length, np.minimum(np.maximum(position, 0), self.length - 1)
        )
        return self.values[self.first + inside]


@dataclass(frozen=True)
class DemandArrays:
    """Base demand `[1/s, (K, G)]` at time zero (growth included), and the series that shape it.

    `profile` is an index into `series` (-1: constant); carbon, price, outdoor and humidity have one entry per region / site:
    a constant and an index of a series (-1: the constant holds).
    """

    base: Floats
    profile: Ints
    growth_per_s: Floats
    series: tuple[SeriesArray, ...]
    flat: FlatSeries
    carbon: Floats
    carbon_series: Ints
    price: Floats
    price_series: Ints
    outdoor: Floats
    outdoor_series: Ints
    humidity: Floats
    humidity_series: Ints

    def factors(self, time_s: float | Floats) -> Floats:
        """Values of all series at a time, with 1 appended for "no series" (index -1)."""
        return self.flat.at(time_s)

    def at(self, time_s: float, factors: Floats | None = None) -> Floats:
        """Demand `[1/s, (K, G)]` at a time: base x profile x (1 + growth)^t (`factors` when already known)."""
        rate = self.base * (self.factors(time_s) if factors is None else factors)[self.profile]
        return rate * np.exp(self.growth_per_s * time_s) if self.growth_per_s.any() else rate

    def during(self, times_s: Floats, factors: Floats) -> Floats:
        """Demand `[1/s, (T, K, G)]` at several times, given the values of the series then `[T, series]`."""
        rate: Floats = self.base * np.take(factors, self.profile, axis=1)
        if self.growth_per_s.any():
            for one, time_s in zip(rate, times_s.tolist(), strict=True):
                one *= np.exp(self.growth_per_s * time_s)
        return rate

    def knots(self, start_s: float, until_s: float) -> Floats:
        """Times in (start, until) at which any demand profile or weather series changes, sorted."""
        used = np.unique(np.r_[self.profile.ravel(), self.outdoor_series, self.humidity_series])
        times = [self.series[i].knots(start_s, until_s) for i in used if i >= 0]
        return np.unique(np.concatenate(times)) if times else np.zeros(0)

    def grid_knots(self, start_s: float, until_s: float) -> Floats:
        """Times in (start, until) at which a carbon intensity or a price changes, sorted."""
        used = np.unique(np.r_[self.carbon_series, self.price_series])
        times = [self.series[i].knots(start_s, until_s) for i in used if i >= 0]
        return np.unique(np.concatenate(times)) if times else np.zeros(0)


def compile_demand(
    fleet: Fleet, names: dict[str, tuple[str, ...]], index: dict[str, dict[str, int]], *, start: datetime
) -> DemandArrays:
    """Compile demand and the other series onto a clock that starts at `start`."""
    series_at = {series.name: i for i, series in enumerate(fleet.series)}
    shape = (len(fleet.services), len(fleet.regions))
    base, growth = np.zeros(shape), np.zeros(shape)
    profile = np.full(shape, -1, dtype=np.int64)
    age_y = (start - fleet.as_of).total_seconds() / YEAR_S if fleet.as_of else 0.0
    for row in fleet.demand:
        cell = index["services"][row.service], index["regions"][row.region]
        base[cell] = row.rate_per_s * (1.0 + row.growth_per_year) ** age_y
        growth[cell] = np.log1p(max(row.growth_per_year, -0.999999)) / YEAR_S
        profile[cell] = -1 if row.profile is None else series_at[row.profile]
    regions = {region.name: region for region in fleet.regions}
    sites = {site.name: site for site in fleet.sites}
    by_region = [regions[name] for name in names["regions"]]
    by_site = [sites[name] for name in names["sites"]]
    series = tuple(_series(series, start) for series in fleet.series)
    return DemandArrays(
        base=base,
        profile=profile,
        growth_per_s=growth,
        series=series,
        flat=FlatSeries.of(series),
        carbon=np.array([r.carbon_g_per_kwh or 0.0 for r in by_region]),
        carbon_series=_indices([r.carbon_series for r in by_region], series_at),
        price=np.array([r.price_usd_per_mwh or 0.0 for r in by_region]),
        price_series=_indices([r.price_series for r in by_region], series_at),
        outdoor=np.array([s.outdoor_c for s in by_site]),
        outdoor_series=_indices([s.outdoor_series for s in by_site], series_at),
        humidity=np.array([np.nan if s.humidity is None else s.humidity for s in by_site]),
        humidity_series=_indices([s.humidity_series for s in by_site], series_at),
    )


def _series(series: Series, start: datetime) -> SeriesArray:
    return SeriesArray(
        (series.start - start).total_seconds(), series.step_s, np.array(series.values), series.repeat
    )


def _indices(names: list[str | None], at: dict[str, int]) -> Ints:
    return np.array([-1 if name is None else at[name] for name in names], dtype=np.int64)
