"""Free cooling by temperature arithmetic, and over the measured weather of three climates."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.sim.laws.economizer import free_share
from twin.sim.laws.psychrometrics import wet_bulb_c


@pytest.mark.parametrize(
    ("outdoor_c", "share"), [(0.0, 1.0), (9.0, 1.0), (12.0, 0.5), (15.0, 0.0), (30.0, 0.0)]
)
def test_water_of_15_c_returning_at_21_c_with_an_approach_of_6_k(outdoor_c, share):
    assert float(free_share(outdoor_c, 6.0, 15.0, range_k=6.0)) == pytest.approx(share)


@given(st.floats(-20, 45), st.floats(1, 10), st.floats(5, 30), st.floats(2, 12), st.floats(0, 5))
def test_warmer_water_and_colder_air_are_more_free(outdoor_c, approach_k, supply_c, range_k, more_k):
    share = float(free_share(outdoor_c, approach_k, supply_c, range_k=range_k))
    assert 0.0 <= share <= 1.0
    assert float(free_share(outdoor_c, approach_k, supply_c + more_k, range_k=range_k)) >= share
    assert float(free_share(outdoor_c + more_k, approach_k, supply_c, range_k=range_k)) <= share
    assert float(free_share(outdoor_c, approach_k + more_k, supply_c, range_k=range_k)) <= share


# Shares of the hours of 2021-23 with a dry bulb below 24 C, a wet bulb below 21 C and one below 15 C, worked out
# outside this project from the same weather.
HOURS = {
    "SG": (0.02, 0.0, 0.0),
    "DE-LU": (0.93, 1.0, 0.81),
    "GB": (0.98, 1.0, 0.86),
    "US-TEX-ERCO": (0.63, 0.68, 0.44),
}


@pytest.mark.parametrize("zone", HOURS)
def test_hours_of_free_cooling_in_measured_weather(data_dir: Path, zone: str):
    table = pl.read_parquet(data_dir / "weather-regions" / "weather_2021_2023.parquet")
    rows = table.filter(pl.col("region") == zone)
    dry_c = rows["temperature_2m"].to_numpy().astype(float)
    wet_c = wet_bulb_c(dry_c, rows["relative_humidity_2m"].to_numpy().astype(float) / 100.0)
    # Water of 21 C behind an approach of 6 K is wholly free up to a wet bulb of 15 C.
    full = free_share(wet_c, 6.0, 21.0, range_k=6.0) == 1.0
    shares = [float(hours.mean()) for hours in (dry_c < 24.0, wet_c < 21.0, full)]
    assert shares == pytest.approx(HOURS[zone], abs=0.01)
