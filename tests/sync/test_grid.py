"""Carbon, price and weather as series: the right hours in UTC, and no quiet gap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from twin.model.errors import TraceError
from twin.sync.account import Account
from twin.sync.grid import (
    CARBON,
    PRICE,
    WEATHER,
    carbon_series,
    humidity_series,
    outdoor_series,
    price_series,
)
from twin.sync.options import Options
from twin.sync.surroundings import surroundings

START = datetime(2023, 6, 5, tzinfo=UTC)


def hours(first: datetime, count: int, step: timedelta = timedelta(hours=1)) -> list[datetime]:
    return [(first + i * step).replace(tzinfo=None) for i in range(count)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder like that of the data sets: values count the hours since a day before the start."""
    first = START - timedelta(days=1)
    times, values = hours(first, 120), [float(i) for i in range(120)]
    carbon = pl.DataFrame(
        {
            "region": ["DE-LU"] * 120 + ["GB"] * 120,
            "time_utc": times * 2,
            "ci_lca_g_kwh": values + [v + 1000 for v in values],
            "ci_direct_g_kwh": [v / 2 for v in values * 2],
        }
    )
    price = pl.DataFrame(
        {
            "region": ["IN-WE"] * 120,
            "time_utc": hours(first + timedelta(minutes=30), 120),
            "price_usd_mwh": [-v for v in values],
        }
    )
    weather = pl.DataFrame(
        {
            "region": ["DE-LU"] * 120,
            "time_local": hours(first, 120),
            "utc_offset_s": [7200] * 120,
            "temperature_2m": [v / 10 for v in values],
            "relative_humidity_2m": [100.0 - v / 4 for v in values],
        }
    )
    for source, table in ((CARBON, carbon), (PRICE, price), (WEATHER, weather)):
        (tmp_path / source.folder).mkdir()
        table.sample(fraction=1.0, shuffle=True, seed=1).write_parquet(tmp_path / source.folder / source.file)
    return tmp_path


def test_carbon_starts_at_the_hour_and_has_all_days(folder: Path) -> None:
    series = carbon_series(folder, "GB", START, 2)
    assert series.values == tuple(1000.0 + i for i in range(24, 72))
    assert (series.start, series.step_s, series.repeat, series.name) == (START, 3600.0, True, "carbon-GB")
    assert carbon_series(folder, "DE-LU", START, 1, kind="direct").values[0] == 12.0
    file = folder / CARBON.folder / CARBON.file
    assert carbon_series(file, "GB", START, 2) == carbon_series(file.parent, "GB", START, 2) == series


def test_a_start_within_an_hour_takes_the_value_that_holds_then(folder: Path) -> None:
    assert carbon_series(folder, "DE-LU", START + timedelta(minutes=59), 1).start == START
    half_past = price_series(folder, "IN-WE", START, 1)
    assert half_past.start == START - timedelta(minutes=30)
    assert half_past.values[:2] == (-23.0, -24.0)


def test_local_weather_is_turned_into_utc(folder: Path) -> None:
    series = outdoor_series(folder, "DE-LU", START, 1)
    # 00:00 UTC is 02:00 on the clock of the file, its 26th hour.
    assert (series.start, series.values[0], len(series.values)) == (START, 2.6, 24)
    humidity = humidity_series(folder, "DE-LU", START, 1)
    assert (humidity.start, humidity.values[0], len(humidity.values)) == (START, 0.935, 24)


def test_an_unknown_zone_is_named_with_its_neighbours(folder: Path) -> None:
    with pytest.raises(TraceError, match=r"there is no zone 'DE-LX' \(did you mean 'DE-LU'\?\)"):
        carbon_series(folder, "DE-LX", START)
    with pytest.raises(TraceError, match="the zones are DE-LU, GB"):
        carbon_series(folder, "Mars", START)


def test_too_few_hours_are_refused(folder: Path) -> None:
    with pytest.raises(TraceError, match="holds 96 of the 120 hours"):
        carbon_series(folder, "GB", START, 5)
    with pytest.raises(TraceError, match="holds 0 of the 24 hours"):
        carbon_series(folder, "GB", START + timedelta(days=400), 1)


def test_a_gap_a_repeated_hour_and_absurd_values_are_refused(folder: Path) -> None:
    file = folder / CARBON.folder / CARBON.file
    table = pl.read_parquet(file).filter(pl.col("region") == "GB").sort("time_utc")
    table.with_row_index().filter(pl.col("index") != 30).drop("index").write_parquet(file)
    with pytest.raises(TraceError, match="hours that are missing or stand twice"):
        carbon_series(file, "GB", START, 2)
    pl.concat([table, table[30:31]]).write_parquet(file)
    with pytest.raises(TraceError, match="hours that are missing or stand twice"):
        carbon_series(file, "GB", START, 2)
    bad = pl.Series(
        [float("nan") if i == 30 else None if i == 31 else -5.0 if i == 32 else 1.0 for i in range(120)]
    )
    table.with_columns(bad.alias("ci_lca_g_kwh")).write_parquet(file)
    with pytest.raises(TraceError) as caught:
        carbon_series(file, "GB", START, 2)
    assert [problem.where.rpartition(" ")[2] for problem in caught.value.problems] == [
        "2023-06-05T06:00Z",
        "2023-06-05T07:00Z",
        "2023-06-05T08:00Z",
    ]


def test_a_truncated_file_a_missing_column_and_a_missing_file_are_refused(
    folder: Path, tmp_path: Path
) -> None:
    file = folder / CARBON.folder / CARBON.file
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TraceError, match="is no Parquet file that can be read"):
        carbon_series(file, "GB", START)
    pl.DataFrame({"region": ["GB"], "time": [1]}).write_parquet(file)
    with pytest.raises(TraceError) as caught:
        carbon_series(file, "GB", START)
    assert [problem.what for problem in caught.value.problems] == [
        "there is no column 'time_utc'",
        "there is no column 'ci_lca_g_kwh'",
    ]
    with pytest.raises(TraceError, match="name the folder of the data sets with --grid"):
        carbon_series(tmp_path / "elsewhere", "GB", START)


def test_zones_that_were_chosen_are_measured_and_others_assumed(folder: Path) -> None:
    account = Account("test")
    around = surroundings(Options(carbon_zone="GB", grid=folder, days=1), folder / "data", account)
    assert around.region == {"carbon_series": "carbon-GB", "price_usd_per_mwh": 100.0}
    assert [note.of for note in around.notes] == ["regions.*.carbon_series", "series.carbon-GB.*"]
    assert {entry.what for entry in account.entries if entry.verb == "assumed"} == {
        "USD/MWh energy price",
        "°C outdoors",
    }


@pytest.mark.data
def test_real_series_have_the_published_means(data_dir: Path) -> None:
    start = datetime(2021, 1, 2, tzinfo=UTC)
    carbon = carbon_series(data_dir, "DE-LU", start, 364).values
    assert 300 < sum(carbon) / len(carbon) < 480
    price = price_series(data_dir, "DE-LU", start, 364).values
    # Published mean of 2021: 104 USD/MWh.
    assert sum(price) / len(price) == pytest.approx(115, abs=15)
    humidity = humidity_series(data_dir, "SG", start, 364).values
    assert 0.7 < sum(humidity) / len(humidity) < 0.9
    assert 0.0 <= min(humidity) <= max(humidity) <= 1.0
    outdoor = outdoor_series(data_dir, "SG", start, 364).values
    assert sum(outdoor) / len(outdoor) == pytest.approx(27.1, abs=0.4)
    # Singapore is warmest in its early afternoon, 5-7 h UTC.
    by_hour = [sum(outdoor[hour::24]) for hour in range(24)]
    assert by_hour.index(max(by_hour)) in (5, 6, 7)
