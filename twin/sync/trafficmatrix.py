"""Measured traffic matrices over a backbone of SNDlib: traffic between sites that changes with every matrix.

A file `NETWORK_*.parquet` has the columns time (UTC), src, dst (node ids of the network) and demand_mbps, one row for
each pair and time. The network itself is the SNDlib file `NETWORK.json` of the folder `sndlib` beside the data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from twin.model.errors import Problem, TraceError, UsageError, did_you_mean
from twin.model.fleet import Fleet
from twin.model.network import Traffic
from twin.model.series import Note, Series
from twin.sync.account import Account, Imported
from twin.sync.backbone import HALF_FULL, build_backbone
from twin.sync.backbone_examples import backbone_examples
from twin.sync.options import Options
from twin.sync.sndlib import read_network
from twin.sync.surroundings import surroundings
from twin.sync.topology import MAX_BPS, Topology, busiest, with_latency

COLUMNS = ("time", "src", "dst", "demand_mbps")
NETWORKS = "sndlib"
MEGABIT = 1e6


@dataclass(frozen=True)
class Matrices:
    """Traffic `[bit/s, (times, pairs)]` of the pairs (indices of vertices) that send at all, from `start` every `step_s`."""

    start: datetime
    step_s: float
    pairs: tuple[tuple[int, int], ...]
    rate_bps: NDArray[np.float64]


def import_trafficmatrix(data: Path, options: Options) -> Imported:
    """Return the fleet of a backbone with its measured traffic; raise TraceError with every problem of its files."""
    file = _file(data, options.network)
    network = options.network or file.stem.partition("_")[0]
    account = Account(f"trafficmatrix ({file.name})")
    folder = options.grid or file.resolve().parent.parent
    topology, at = read_network(folder / NETWORKS / f"{network}.json", options, account)
    account.dropped(
        len(topology.traffic_bps), "demands of the network", "what was measured takes their place"
    )
    matrices = _matrices(file, at, account)
    topology = with_latency(topology, account)
    scale = _scale(topology, matrices, options.scale, account)
    bare = build_backbone(
        replace(topology, traffic_bps={}),
        surroundings(options, folder / NETWORKS, account),
        options=replace(options, start=matrices.start, scale=None),
        account=account,
    )
    fleet = _with_traffic(bare.fleet, matrices, scale, source=file.name)
    return Imported(fleet, account, *backbone_examples(fleet))


def _file(data: Path, network: str | None) -> Path:
    if not data.is_dir():
        return data
    known = {path.stem.partition("_")[0]: path for path in sorted(data.glob("*.parquet"))}
    if network in known:
        return known[network]
    names = ", ".join(known) or "it has no Parquet files"
    if network is None:
        raise UsageError(f"{data} is a folder: name one with --network ({names})")
    raise UsageError(
        f"there is no network {network!r} in {data} ({did_you_mean(network, [*known]) or f'one of {names}'})"
    )


def _matrices(file: Path, at: dict[str, int], account: Account) -> Matrices:
    rows = _rows(file)
    problems = [*_bad_ends(file, rows, at), *_bad_values(file, rows)]
    if problems:
        raise TraceError(problems)
    times = rows["time"].unique().sort()
    steps = times.diff().drop_nulls().dt.total_seconds(fractional=True).unique().to_list()
    if len(steps) != 1:
        what = f"the times are {', '.join(f'{step:g}' for step in sorted(steps)[:3]) or 'one'} s apart"
        raise TraceError(
            [Problem(f"{file}: time", what, "matrices at even steps are expected, two at least")]
        )
    sent = rows.filter((pl.col("demand_mbps") > 0) & (pl.col("src") != pl.col("dst")))
    account.read(len(times), "matrices", f"every {steps[0] / 60:g} min from {times[0]}")
    account.read(len(sent), "demands", "each from its source to its target at its time")
    account.dropped(len(rows) - len(sent), "demands", "of nothing, or of a node with itself")
    pairs = sent.select("src", "dst").unique(maintain_order=True).rows()
    row_of = {time: i for i, time in enumerate(times.to_list())}
    column_of = {pair: i for i, pair in enumerate(pairs)}
    rate_bps = np.zeros((len(times), len(pairs)))
    for time, source, target, mbps in sent.iter_rows():
        rate_bps[row_of[time], column_of[source, target]] = mbps * MEGABIT
    account.inferred(
        rate_bps.size - len(sent), "demands of nothing", "pairs that other matrices have, and these do not"
    )
    ends = tuple((at[source], at[target]) for source, target in pairs)
    return Matrices(times[0].replace(tzinfo=UTC), float(steps[0]), ends, rate_bps)


def _rows(file: Path) -> pl.DataFrame:
    """Return the four columns, ordered by time, source and target."""
    try:
        table = pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise TraceError([Problem(str(file), f"is no Parquet table: {error}")]) from None
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        mend = f"the columns are {', '.join(table.columns)}"
        raise TraceError(Problem(str(file), f"there is no column {name!r}", mend) for name in missing)
    if not table.schema["time"].is_temporal() or not table.schema["demand_mbps"].is_numeric():
        raise TraceError([Problem(str(file), "time is no time, or demand_mbps no number", "mend the types")])
    return table.select(
        pl.col("time").cast(pl.Datetime("us")),
        pl.col("src").cast(pl.String),
        pl.col("dst").cast(pl.String),
        pl.col("demand_mbps").cast(pl.Float64),
    ).sort("time", "src", "dst")


def _bad_ends(file: Path, rows: pl.DataFrame, at: dict[str, int]) -> list[Problem]:
    """Every node that the network does not have."""
    return [
        Problem(f"{file}: {column}", f"there is no node {name!r}", did_you_mean(name or "", sorted(at)))
        for column in ("src", "dst")
        for name in rows[column].unique().sort().to_list()
        if name not in at
    ]


def _bad_values(file: Path, rows: pl.DataFrame) -> list[Problem]:
    """Rows without a time, demands that are none, and pairs that stand twice in one matrix."""
    demand = pl.col("demand_mbps")
    wrong = {
        "has no time": pl.col("time").is_null(),
        "is not a demand": ~(demand.is_finite() & (demand >= 0) & (demand <= MAX_BPS / MEGABIT)).fill_null(
            False
        ),
        "stands twice in one matrix": pl.struct("time", "src", "dst").is_duplicated(),
    }
    problems = []
    for what, which in wrong.items():
        found = rows.filter(which)
        if len(found):
            time, source, target, mbps = found.row(0)
            where = f"{file}: {source} -> {target} at {time}"
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            problems.append(Problem(where, f"{mbps} Mbit/s {what}{more}"))
    return problems


def _scale(topology: Topology, matrices: Matrices, scale: float | None, account: Account) -> float:
    """Return the factor on all traffic: as chosen, else 1, or what makes the fullest link half full if it does not fit."""
    most = int(matrices.rate_bps.sum(axis=1).argmax())
    traffic_bps = dict(zip(matrices.pairs, matrices.rate_bps[most].tolist(), strict=True))
    found = busiest(replace(topology, traffic_bps=traffic_bps))
    load, a, b = found or (0.0, 0, 0)
    if scale is None:
        scale = 1.0 if load <= 1 else HALF_FULL / load
        why = "the matrix of most traffic " + ("fits" if load <= 1 else "would fill a link more than once")
        account.inferred(float(f"{scale:.4g}"), "is the factor on all demands", f"{why} (--scale)")
    else:
        account.assumed(scale, "is the factor on all demands", "as chosen")
    ends = f"{topology.vertices[a].name} -> {topology.vertices[b].name}"
    why = f"{ends}, in the matrix of most traffic, on fastest paths"
    account.inferred(float(f"{load * scale:.4g}"), "x its capacity: the fullest link", why)
    return scale


def _with_traffic(fleet: Fleet, matrices: Matrices, scale: float, *, source: str) -> Fleet:
    """Return the fleet with a row of traffic and a series for each pair: mean rate x share of the mean."""
    names = [site.name for site in fleet.sites]
    traffic, series = [], []
    for (a, b), rates in zip(matrices.pairs, matrices.rate_bps.T * scale, strict=True):
        mean_bps, name = float(rates.mean()), f"{names[a]}--{names[b]}"
        traffic.append(Traffic(source=names[a], target=names[b], rate_bps=mean_bps, profile=name))
        values = tuple((rates / mean_bps).tolist())
        series.append(
            Series(name=name, step_s=matrices.step_s, values=values, start=matrices.start, source=source)
        )
    notes = tuple(Note(of=f"{kind}.*", is_="measured", source=source) for kind in ("traffic", "series"))
    return fleet.model_copy(
        update={
            "traffic": tuple(traffic),
            "series": (*fleet.series, *series),
            "provenance": (*fleet.provenance, *notes),
        }
    )
