"""Measured traffic matrices: what was measured is what the fleet sends, at every time; every problem of a bad file."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.sync.test_sndlib import SMALL
from twin.graph.compile import compile_fleet
from twin.model.checks import check_fleet
from twin.model.errors import TraceError, UsageError
from twin.model.fleet import Fleet
from twin.sync.options import Options
from twin.sync.trafficmatrix import import_trafficmatrix

START = datetime(2004, 3, 1)
STEP = timedelta(minutes=5)
Row = tuple[Any, Any, Any, Any]
ROWS: list[Row] = [
    (START, "Berlin", "München", 400.0),
    (START, "München", "Berlin", 100.0),
    (START, "Hamburg", "Hamburg", 7.0),
    (START + STEP, "Berlin", "München", 200.0),
    (START + STEP, "Hamburg", "Köln (West)", 0.0),
    (START + 2 * STEP, "Hamburg", "München", 50.0),
    (START + 2 * STEP, "Berlin", "München", 600.0),
]


def written(folder: Path, rows: list[Row]) -> Path:
    """Lay out the folders of network and matrices; return that of the matrices."""
    (folder / "measured").mkdir()
    shutil.copytree(SMALL, folder / "sndlib")
    table = pl.DataFrame(rows, schema=["time", "src", "dst", "demand_mbps"], orient="row")
    table.write_parquet(folder / "measured" / "tiny_5min.parquet")
    return folder / "measured"


def sent_mbps(fleet: Fleet, minutes: float) -> dict[tuple[str, str], float]:
    """What the fleet sends between sites after some minutes [Mbit/s], where it sends anything."""
    compiled = compile_fleet(fleet, start=START.replace(tzinfo=UTC))
    sites, seconds = compiled.names["sites"], 60.0 * minutes
    rates = compiled.traffic.during(np.array([seconds]), compiled.demand.factors(seconds)[None])[:, 0] / 1e6
    ends = [(sites[pair // len(sites)], sites[pair % len(sites)]) for pair in compiled.traffic.pair]
    return {pair: rate for pair, rate in zip(ends, rates.tolist(), strict=True) if rate}


def test_every_matrix_is_sent_at_its_time(tmp_path: Path) -> None:
    """And the last one until they begin again."""
    fleet = import_trafficmatrix(written(tmp_path, ROWS), Options(network="tiny")).fleet
    assert check_fleet(fleet) == [] and fleet.as_of == START.replace(tzinfo=UTC)
    first = {("Berlin", "Munchen"): pytest.approx(400), ("Munchen", "Berlin"): pytest.approx(100)}
    last = {("Berlin", "Munchen"): pytest.approx(600), ("Hamburg", "Munchen"): pytest.approx(50)}
    assert sent_mbps(fleet, 0) == sent_mbps(fleet, 4.99) == sent_mbps(fleet, 15) == first
    assert sent_mbps(fleet, 5) == {("Berlin", "Munchen"): pytest.approx(200)}
    assert sent_mbps(fleet, 10) == sent_mbps(fleet, 14.99) == last
    compiled = compile_fleet(fleet, start=START.replace(tzinfo=UTC))
    assert compiled.traffic.knots(compiled.demand, 0.0, 1000.0).tolist() == [300.0, 600.0, 900.0]
    assert not fleet.services and not fleet.demand


def test_the_account_adds_up(tmp_path: Path) -> None:
    account = import_trafficmatrix(written(tmp_path, ROWS), Options(network="tiny")).account
    assert account.total("read", "matrices") == 3
    assert account.total("read", "demands") == 5 + 5  # the network's own, and those measured
    assert account.total("dropped", "demands of the network") == 2
    assert account.total("dropped", "demands") == 2 + 2
    # Berlin -> München takes its own link of 1 Gbit/s, 650 Mbit/s with what comes from Hamburg.
    assert account.total("inferred", "x its capacity: the fullest link") == pytest.approx(0.65)


def test_traffic_that_does_not_fit_is_scaled_unless_told_otherwise(tmp_path: Path) -> None:
    big = [(time, a, b, 10 * mbps) for time, a, b, mbps in ROWS]
    folder = written(tmp_path, big)
    scaled = import_trafficmatrix(folder, Options(network="tiny"))
    assert sent_mbps(scaled.fleet, 10)["Berlin", "Munchen"] == pytest.approx(6000 * 0.5 / 6.5)
    kept = import_trafficmatrix(folder / "tiny_5min.parquet", Options(scale=2.0))
    assert sent_mbps(kept.fleet, 10)["Berlin", "Munchen"] == pytest.approx(12_000)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(START, "Berlin", "Bonn", 1.0), *ROWS], "dst: there is no node 'Bonn'"),
        ([(START, "Berlin", "Hamburg", -1.0), *ROWS], r"-1.0 Mbit/s is not a demand"),
        ([(START, "Berlin", "Hamburg", float("nan")), *ROWS], "nan Mbit/s is not a demand"),
        ([(START, "Berlin", "Hamburg", None), *ROWS], "None Mbit/s is not a demand"),
        ([(None, "Berlin", "Hamburg", 1.0), *ROWS], "has no time"),
        ([ROWS[0], *ROWS], "stands twice in one matrix"),
        (ROWS[:4] + [(START + 3 * STEP, "Berlin", "Hamburg", 1.0)], "the times are 300, 600 s apart"),
        (ROWS[:2], "the times are one s apart"),
    ],
)
def test_files_that_are_wrong_are_refused(tmp_path: Path, rows: list[Row], said: str) -> None:
    with pytest.raises(TraceError, match=said):
        import_trafficmatrix(written(tmp_path, rows), Options(network="tiny"))


def test_what_is_no_table_of_matrices_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path, ROWS)
    (folder / "tiny_5min.parquet").write_text("time,src,dst\n")
    with pytest.raises(TraceError, match="is no Parquet table"):
        import_trafficmatrix(folder, Options(network="tiny"))
    pl.DataFrame({"time": [1], "src": ["a"]}).write_parquet(folder / "tiny_5min.parquet")
    with pytest.raises(TraceError, match="there is no column 'dst'"):
        import_trafficmatrix(folder, Options(network="tiny"))
    with pytest.raises(UsageError, match="did you mean 'tiny'"):
        import_trafficmatrix(folder, Options(network="tinny"))


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "unit", "matrices", "mean_mbps"), [("germany50", "Gbit/s", 21, 5500.469521)]
)
def test_real_matrices_keep_their_totals(
    data_dir: Path, name: str, unit: str, matrices: int, mean_mbps: float
) -> None:
    imported = import_trafficmatrix(data_dir / "sndlib-measured-tm", Options(network=name, unit=unit))
    assert imported.account.total("read", "matrices") == matrices
    sent = [sum(sent_mbps(imported.fleet, 1440.0 * day).values()) for day in range(matrices)]
    assert np.mean(sent) == pytest.approx(mean_mbps, rel=1e-6)
    assert check_fleet(imported.fleet) == []
