"""P7: max-min fair sharing against progressive filling in NumPy that freezes once per round.

`make bench` prints the ratios. What is asserted is that both give the same rates.
"""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from tests.benchmarks.yardsticks import cpu_s
from tests.benchmarks.yardsticks import row as report
from tests.sim.laws.test_maxmin import one_freeze
from twin.graph.levels import Floats
from twin.sim.laws.maxmin import Hops, max_min

pytestmark = pytest.mark.benchmark

FLOWS, NODES, LINKS = 1000, 54, 240


@pytest.fixture(scope="module")
def backbone() -> tuple[Hops, Floats]:
    """Return the hops of 1 000 fastest paths, and the capacities, of a backbone of near neighbours: 54 sites, 240 directions."""
    rng = np.random.default_rng(7)
    place = rng.random((NODES, 2))
    distance = np.linalg.norm(place[:, None] - place, axis=2)
    near = [(a, b) for a, b in zip(*np.triu_indices(NODES, 1), strict=True)]
    near.sort(key=lambda pair: distance[pair])
    joined = set(nx.minimum_spanning_tree(nx.from_numpy_array(distance)).edges)
    joined |= set(near[: LINKS // 2])
    edges = sorted(joined, key=lambda pair: distance[pair])[: LINKS // 2]
    graph = nx.Graph()
    graph.add_nodes_from(range(NODES))
    graph.add_weighted_edges_from((int(a), int(b), float(distance[a, b])) for a, b in edges)
    slot = {pair: i for i, (a, b) in enumerate(graph.edges) for pair in ((a, b),)}
    slot |= {(b, a): i + LINKS // 2 for (a, b), i in slot.items()}
    every = [path for _, ends in nx.all_pairs_dijkstra_path(graph) for path in ends.values() if len(path) > 1]
    paths = [every[i] for i in rng.choice(len(every), FLOWS, replace=False)]
    hops = [[slot[hop] for hop in zip(path, path[1:], strict=False)] for path in paths]
    flow = np.repeat(np.arange(FLOWS), [len(row) for row in hops])
    link = np.concatenate(hops)
    return Hops(flow, link, np.ones(len(link))), rng.choice([10e9, 40e9, 100e9], LINKS)


@pytest.mark.parametrize(("what", "mean_bps"), [("what they want", 3e9), ("all they can get", np.inf)])
def test_many_freezes_per_round_beat_one(backbone: tuple[Hops, Floats], what: str, mean_bps: float) -> None:
    hops, capacity = backbone
    wishes = np.random.default_rng(7).lognormal(0.0, 1.0, FLOWS) * min(mean_bps, 1e15)
    ours_s = cpu_s(lambda: max_min(wishes, capacity, hops), 20)
    naive_s = cpu_s(lambda: one_freeze(wishes, capacity, hops), 3)
    rates, expected = (
        max_min(wishes, capacity, hops),
        one_freeze(wishes, capacity, hops),
    )
    held = np.mean(rates < wishes)
    report(
        f"P7 max-min, flows that send {what}",
        f"{naive_s / ours_s:.1f} x one freeze per round",
        ">= 8",
        f"{ours_s * 1e3:.1f} ms, {len(hops.flow):,} hops, {100 * held:.0f} % of the flows are held back",
    )
    assert rates == pytest.approx(expected, rel=1e-9)
    assert held > 0.1
