"""The world around a site: carbon intensity, price, outdoor temperature and humidity of a zone, as series.

Carbon and price files are in UTC, weather files in local time with an offset. A series starts at the first
value that holds at `start`, has `days` days of hourly values and repeats, so that a plan may run at any
date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import polars as pl

from twin.model.errors import Problem, TraceError, did_you_mean
from twin.model.series import Series

STEP = timedelta(hours=1)


@dataclass(frozen=True)
class _Source:
    """How a kind of series is stored: file, columns, the bounds of a plausible value, and its unit in ours."""

    folder: str
    file: str
    value: str
    time: str
    bounds: tuple[float, float]
    credit: str
    unit: float = 1.0


CARBON = _Source(
    "carbon-intensity-16-regions",
    "carbon_2021_2023.parquet",
    "ci_lca_g_kwh",
    "time_utc",
    (0.0, 5000.0),
    "Electricity Maps, life-cycle carbon intensity, g/kWh",
)
CARBON_DIRECT = _Source(
    CARBON.folder,
    CARBON.file,
    "ci_direct_g_kwh",
    "time_utc",
    (0.0, 5000.0),
    "Electricity Maps, direct carbon intensity, g/kWh",
)
PRICE = _Source(
    "electricity-price-22-regions",
    "price_2020_2023.parquet",
    "price_usd_mwh",
    "time_utc",
    (-2e4, 2e4),
    "wholesale price, USD/MWh",
)
WEATHER = _Source(
    "weather-regions",
    "weather_2021_2023.parquet",
    "temperature_2m",
    "time_local",
    (-90.0, 70.0),
    "Open-Meteo, air temperature at 2 m, °C",
)
HUMIDITY = _Source(
    WEATHER.folder,
    WEATHER.file,
    "relative_humidity_2m",
    "time_local",
    (0.0, 100.0),
    "Open-Meteo, relative humidity at 2 m",
    unit=0.01,
)


def carbon_series(
    path: Path,
    region: str,
    start: datetime,
    days: int = 28,
    *,
    kind: Literal["lifecycle", "direct"] = "lifecycle",
) -> Series:
    """Return the carbon intensity of a grid zone [g/kWh], hourly; *path* is the file or its folder."""
    return _series(CARBON if kind == "lifecycle" else CARBON_DIRECT, path, region, (start, days), "carbon")


def price_series(path: Path, region: str, start: datetime, days: int = 28) -> Series:
    """Return the wholesale price of a zone [USD/MWh], hourly; *path* is the file or its folder."""
    return _series(PRICE, path, region, (start, days), "price")


def outdoor_series(path: Path, region: str, start: datetime, days: int = 28) -> Series:
    """Return the outdoor temperature of a zone [°C], hourly; *path* is the file or its folder."""
    return _series(WEATHER, path, region, (start, days), "outdoor")


def humidity_series(path: Path, region: str, start: datetime, days: int = 28) -> Series:
    """Return the outdoor relative humidity of a zone (a share), hourly; *path* is the file or its folder."""
    return _series(HUMIDITY, path, region, (start, days), "humidity")


def _series(source: _Source, path: Path, region: str, span: tuple[datetime, int], noun: str) -> Series:
    start, days = span
    file = _locate(source, path)
    rows = _rows(source, file, region)
    first = start.astimezone(UTC).replace(tzinfo=None)
    chosen = rows.filter(
        (pl.col("time") > first - STEP) & (pl.col("time") <= first - STEP + timedelta(days=days))
    )
    values = chosen["value"].to_list()
    problems = _problems(chosen, source, f"{file} {region}", days)
    if problems:
        raise TraceError(problems)
    # Single precision in the file: keep what it means, not its binary tail.
    values = [float(f"{value * source.unit:.7g}") for value in values]
    return Series(
        name=f"{noun}-{region}",
        step_s=STEP.total_seconds(),
        values=tuple(values),
        start=chosen["time"][0].replace(tzinfo=UTC),
        repeat=True,
        source=f"{source.credit}, {region}",
    )


def _locate(source: _Source, path: Path) -> Path:
    """Return the file: *path* itself, or the file in *path*, or in the data set's own folder below it."""
    candidates = (path, path / source.file, path / source.folder / source.file)
    found = next((candidate for candidate in candidates if candidate.is_file()), None)
    if found is None:
        what = f"there is no {source.folder}/{source.file}"
        raise TraceError([Problem(str(path), what, "name the folder of the data sets with --grid")])
    return found


def _rows(source: _Source, file: Path, region: str) -> pl.DataFrame:
    """Return (time [UTC], value) of a zone, sorted. Cost: one filtered scan."""
    try:
        table = pl.scan_parquet(file)
        columns = table.collect_schema().names()
        needed = ["region", source.time, source.value] + (
            ["utc_offset_s"] if source.time == "time_local" else []
        )
        missing = [name for name in needed if name not in columns]
        if missing:
            mend = f"the columns are {', '.join(columns)}"
            raise TraceError(Problem(str(file), f"there is no column {name!r}", mend) for name in missing)
        offset = pl.col("utc_offset_s") if source.time == "time_local" else pl.lit(0)
        time = pl.col(source.time).cast(pl.Datetime("us")) - pl.duration(seconds=offset)
        rows = (
            table.filter(pl.col("region") == region)
            .select(time.alias("time"), pl.col(source.value).cast(pl.Float64).alias("value"))
            .sort("time")
            .collect()
        )
        zones = (
            []
            if rows.height
            else table.select("region").unique().sort("region").collect()["region"].to_list()
        )
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise TraceError([Problem(str(file), f"is no Parquet file that can be read: {reason}")]) from None
    if not rows.height:
        mend = did_you_mean(region, zones) or f"the zones are {', '.join(zones)}"
        raise TraceError([Problem(str(file), f"there is no zone {region!r}", mend)])
    return rows


def _problems(rows: pl.DataFrame, source: _Source, where: str, days: int) -> list[Problem]:
    """Return what is wrong with the chosen hours: too few, uneven, missing or absurd values."""
    expected = days * 24
    steps = rows["time"].diff().drop_nulls()
    if (steps != STEP).any():
        return [Problem(where, "has hours that are missing or stand twice")]
    if rows.height < expected:
        mend = "choose another --start, or fewer --days"
        return [Problem(where, f"holds {rows.height} of the {expected} hours that were asked for", mend)]
    low, high = source.bounds
    bad = rows.filter(
        pl.col("value").is_null() | ~pl.col("value").is_between(low, high) | pl.col("value").is_nan()
    )
    return [
        Problem(f"{where} {time:%Y-%m-%dT%H:%MZ}", f"{value} is not a value of {source.value}")
        for time, value in bad.iter_rows()
    ]
