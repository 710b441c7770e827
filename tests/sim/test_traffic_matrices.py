"""Measured traffic over real backbones: the twin's link loads are those of shortest paths by networkx, for every matrix."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import polars as pl
import pytest

from twin.graph.compile import compile_fleet
from twin.graph.levels import Floats
from twin.model.fleet import Fleet
from twin.sim.engine import Engine
from twin.sync.options import Options
from twin.sync.trafficmatrix import import_trafficmatrix

pytestmark = pytest.mark.data


def loads_by_networkx(
    fleet: Fleet, matrices: pl.DataFrame, names: dict[str, str]
) -> tuple[list[str], Floats]:
    """The backbone links, and the busier direction of each at every time [bit/s, (links, times)], from the table itself."""
    site = {switch.name: switch.site for switch in fleet.switches}
    graph = nx.Graph()
    for link in fleet.links:
        if site[link.a] != site[link.b]:
            graph.add_edge(site[link.a], site[link.b], seconds=link.latency_s, name=link.name)
    paths = dict(nx.all_pairs_dijkstra_path(graph, weight="seconds"))
    times = {time: i for i, time in enumerate(matrices["time"].unique().sort().to_list())}
    load: dict[tuple[str, str], Floats] = {}
    for (src, dst), rows in matrices.group_by("src", "dst"):
        sent = np.zeros(len(times))
        sent[[times[time] for time in rows["time"]]] = rows["demand_mbps"].to_numpy() * 1e6
        path = paths[names[str(src)]][names[str(dst)]]
        for hop in zip(path, path[1:], strict=False):
            load[hop] = load.get(hop, np.zeros(len(times))) + sent
    nothing = np.zeros(len(times))
    both = [np.maximum(load.get((a, b), nothing), load.get((b, a), nothing)) for a, b in graph.edges]
    return [name for _, _, name in graph.edges(data="name")], np.stack(both)


@pytest.mark.parametrize(
    ("network", "unit", "file"),
    [
        ("germany50", "Gbit/s", "germany50_daily_2005-02.parquet"),
        pytest.param("abilene", None, "abilene_5min_2004-03.parquet", marks=pytest.mark.slow),
    ],
)
def test_link_loads_are_those_of_shortest_paths(
    data_dir: Path, network: str, unit: str | None, file: str
) -> None:
    data = data_dir / "sndlib-measured-tm"
    fleet = import_trafficmatrix(data, Options(network=network, unit=unit)).fleet
    matrices = pl.read_parquet(data / file).with_columns(
        pl.col("src", "dst").cast(pl.String), pl.col("demand_mbps").cast(pl.Float64)
    )
    labels = sorted(set(matrices["src"]) | set(matrices["dst"]))
    assert fleet.as_of is not None and set(labels) <= {site.name for site in fleet.sites}
    names, expected = loads_by_networkx(fleet, matrices, {label: label for label in labels})
    compiled = compile_fleet(fleet, start=fleet.as_of)
    engine, step_s = Engine(compiled), fleet.series[0].step_s
    rows = [compiled.index["links"][name] for name in names]
    found, times = np.zeros_like(expected), step_s * np.arange(expected.shape[1])
    done = 0
    while done < len(times):
        block = engine.block(times[done : done + 64])
        found[:, done : done + len(block)] = block.link_load[rows]
        assert not block.traffic_lost_bps.any()
        done += len(block)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-3)
    share = found / compiled.network.link_capacity_bps[rows][:, None]
    print(f"{network}: {100 * share.max():.1f} % at most, {100 * share.mean():.2f} % on average")
    assert 0.05 < share.max() < 1.0
