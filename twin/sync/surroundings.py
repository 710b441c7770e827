"""Regions and their series for an import: from the zones that were chosen, or assumed constants."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.model.series import Note, Series
from twin.sync.account import Account
from twin.sync.grid import carbon_series, humidity_series, outdoor_series, price_series
from twin.sync.options import Options

CARBON_G_PER_KWH = 350.0  # world default of the GreenSKU parameters
PRICE_USD_PER_MWH = 100.0  # about the German wholesale mean of 2023


@dataclass(frozen=True)
class Surroundings:
    """What all regions and sites of an import share: fields of their records, series, and their sources."""

    region: dict[str, Any]
    site: dict[str, Any]
    series: tuple[Series, ...]
    notes: tuple[Note, ...]


def surroundings(options: Options, data: Path, account: Account) -> Surroundings:
    """Return carbon, price and weather as chosen; the data sets stand beside *data* by default."""
    folder = options.grid or data.resolve().parent
    span = options.start, options.days
    region: dict[str, Any] = {}
    site: dict[str, Any] = {}
    series: list[Series] = []
    notes: list[Note] = []

    def add(one: Series, of: str) -> str:
        series.append(one)
        notes.extend(
            Note(of=pattern, is_="measured", source=one.source) for pattern in (of, f"series.{one.name}.*")
        )
        account.read(
            len(one.values), f"hours of {one.name}", f"{one.source}, from {one.start:%Y-%m-%d}, repeating"
        )
        return one.name

    if options.carbon_zone:
        region["carbon_series"] = add(
            carbon_series(folder, options.carbon_zone, *span), "regions.*.carbon_series"
        )
    else:
        region["carbon_g_per_kwh"] = CARBON_G_PER_KWH
        account.assumed(CARBON_G_PER_KWH, "g/kWh carbon intensity", "no --carbon-zone was given")
    if options.price_zone:
        region["price_series"] = add(
            price_series(folder, options.price_zone, *span), "regions.*.price_series"
        )
    else:
        region["price_usd_per_mwh"] = PRICE_USD_PER_MWH
        account.assumed(PRICE_USD_PER_MWH, "USD/MWh energy price", "no --price-zone was given")
    if options.weather_zone:
        site["outdoor_series"] = add(
            outdoor_series(folder, options.weather_zone, *span), "sites.*.outdoor_series"
        )
        site["humidity_series"] = add(
            humidity_series(folder, options.weather_zone, *span), "sites.*.humidity_series"
        )
    else:
        site["outdoor_c"] = 20.0
        account.assumed(20, "°C outdoors", "no --weather-zone was given")
    return Surroundings(region, site, tuple(series), tuple(notes))
