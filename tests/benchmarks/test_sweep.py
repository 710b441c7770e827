"""P6: the up/down sweep against recursion over networkx, one state at a time and 64 at a time.

`make bench` prints the ratios. What is asserted is what does not depend on the machine: equal answers, and
how many vector operations a sweep takes.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest

from tests.benchmarks.yardsticks import row as report
from twin.graph.dependency import Node, graph_of
from twin.graph.sweep import WORLDS, Sweep, compile_nodes

pytestmark = pytest.mark.benchmark

RACKS = 33_000


def estate() -> list[Node]:
    """Return 33 000 racks on 40 sites: 2 of 3 UPS, A/B panels, two switches a rack, a fabric, pools."""
    nodes = []

    def add(name: str, needs: int, *parents: str) -> str:
        nodes.append(Node(name, "thing", name, needs, parents))
        return name

    for s in range(40):
        grid = add(f"{s}-grid", 0)
        sources = [grid, add(f"{s}-gen", 0)]
        ups = [add(f"{s}-ups{i}", 1, *sources) for i in range(3)]
        boards = [add(f"{s}-msb{i}", 2, *ups) for i in range(8)]
        border = [add(f"{s}-border{i}", 1, *boards[:2]) for i in range(2)]
        fabric = [add(f"{s}-fabric{i}", 1, *border) for i in range(8)]
        for row in range(RACKS // 40 // 25):
            panels = [add(f"{s}-{row}-{x}", 1, boards[(2 * row + x) % 8]) for x in range(2)]
            for r in range(25):
                rack = f"{s}-{row}-r{r}"
                power = add(f"{rack}#power", 1, *panels)
                tor = [add(f"{rack}-tor{x}", 2, power, add(f"{rack}-up{x}", 1, *fabric)) for x in range(2)]
                network = add(f"{rack}#network", 1, *tor)
                add(rack, 2, power, network)
        for k in range(20):
            racks = [f"{s}-{row}-r{r}" for row in range(RACKS // 40 // 25) for r in range(k % 25, 25, 20)]
            add(f"pool{k}@{s}", 1, *racks)
    return nodes


@pytest.fixture(scope="module")
def compiled() -> tuple[nx.DiGraph, Sweep]:
    """Build and compile the estate once."""
    nodes = estate()
    started = time.perf_counter()
    graph = graph_of(nodes)
    built = time.perf_counter()
    sweep = compile_nodes(nodes)
    report(
        "dependency graph",
        f"{len(sweep.names):,} nodes, {len(sweep.child):,} edges, {len(sweep.parts)} parts",
        note=f"networkx {built - started:.2f} s, compile {time.perf_counter() - built:.2f} s",
    )
    return graph, sweep


def recursion(graph: nx.DiGraph, order: list[str], lost: set[str]) -> dict[str, bool]:
    """Answer as networkx users do: visit nodes in topological order, ask each one's parents."""
    up: dict[str, bool] = {}
    for node in order:
        needs = graph.nodes[node]["needs"]
        up[node] = node not in lost and sum(up[parent] for parent in graph[node]) >= needs
    return up


def seconds(call: Callable[[], object], repeat: int) -> float:
    """Return the best time of one call."""
    best = float("inf")
    for _ in range(repeat):
        started = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - started)
    return best


def test_sweeps_beat_recursion_over_networkx(compiled: tuple[nx.DiGraph, Sweep]) -> None:
    graph, sweep = compiled
    order = list(reversed(list(nx.topological_sort(graph))))
    rng = np.random.default_rng(7)
    losses = [tuple(rng.choice(sweep.names, size=20)) for _ in range(WORLDS)]
    naive_s = seconds(lambda: recursion(graph, order, set(losses[0])), 2)
    own = np.ones(len(sweep.names), dtype=bool)
    single_s = seconds(lambda: sweep.up(own), 20)
    words = np.full(len(sweep.names), 2**64 - 1, dtype=np.uint64)
    packed_s = seconds(lambda: sweep.up(words), 20) / WORLDS
    end_to_end_s = seconds(lambda: list(sweep.worlds(losses)), 10) / WORLDS
    for label, each_s, goal in (
        ("one state", single_s, ">= 50"),
        ("64 packed", packed_s, ">= 2 000"),
        ("64 packed, with their losses", end_to_end_s, ""),
    ):
        note = f"{1 / each_s:,.0f} states/s against {1 / naive_s:.1f}"
        report(f"P6 sweep, {label}", f"{naive_s / each_s:,.0f} x networkx", goal, note)
    answers = sweep.after(losses, sweep.names)
    for world in (0, 13, WORLDS - 1):
        expected = recursion(graph, order, set(losses[world]))
        assert dict(zip(sweep.names, answers[world].tolist(), strict=True)) == expected
        assert np.array_equal(sweep.without(losses[world]), answers[world])
    assert len(sweep.parts) <= 20, "a sweep is a handful of vector operations"
