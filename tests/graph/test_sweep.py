"""One sweep, 64 packed sweeps, and recursion over networkx give the same answer."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.graph.dependency import Node, graph_of
from twin.graph.sweep import compile_nodes, pack, sweep_of, unpack
from twin.model.fleet import Fleet


@st.composite
def k_of_n_nodes(draw: st.DrawFn) -> list[Node]:
    """Draw nodes that need any number of their parents, even more than they have; two belong to one thing."""
    nodes = []
    for i in range(draw(st.integers(1, 14))):
        above = draw(st.sets(st.integers(0, i - 1), max_size=9)) if i else set()
        needs = draw(st.integers(0, len(above) + (i % 7 == 6)))
        nodes.append(Node(f"n{i}", "thing", f"t{i // 2}", needs, tuple(f"n{parent}" for parent in above)))
    return draw(st.permutations(nodes))


def recursion(graph: nx.DiGraph, lost: set[str]) -> dict[str, bool]:
    """Say who is up by asking each node's parents, one by one."""
    up: dict[str, bool] = {}
    for node in reversed(list(nx.topological_sort(graph))):
        alive = sum(up[parent] for parent in graph[node])
        up[node] = graph.nodes[node]["thing"] not in lost and alive >= graph.nodes[node]["needs"]
    return up


@given(nodes=k_of_n_nodes(), data=st.data())
def test_a_sweep_is_recursion(nodes: list[Node], data: st.DataObject) -> None:
    graph, sweep = graph_of(nodes), compile_nodes(nodes)
    lost = data.draw(st.sets(st.sampled_from(sweep.things), max_size=3))
    assert dict(zip(sweep.names, sweep.without(lost).tolist(), strict=True)) == recursion(graph, lost)


@given(nodes=k_of_n_nodes(), seed=st.integers(0, 2**32 - 1))
def test_a_packed_sweep_is_64_sweeps(nodes: list[Node], seed: int) -> None:
    sweep = compile_nodes(nodes)
    worlds = np.random.default_rng(seed).random((64, len(sweep.names))) < 0.8
    packed = sweep.up(pack(worlds))
    assert np.array_equal(unpack(packed), np.array([sweep.up(world) for world in worlds]))


@settings(max_examples=60)
@given(data=st.data())
def test_losing_more_never_brings_anything_up(
    data: st.DataObject, random_fleets: st.SearchStrategy[Fleet]
) -> None:
    sweep = sweep_of(data.draw(random_fleets))
    lost = data.draw(st.sets(st.sampled_from(sweep.things), max_size=5))
    more = data.draw(st.sets(st.sampled_from(sweep.things), max_size=5))
    assert not (sweep.without(lost | more) & ~sweep.without(lost)).any()


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 200])
def test_after_answers_each_loss_for_the_watched_nodes(two_sites: Fleet, count: int) -> None:
    sweep = sweep_of(two_sites)
    things = sorted(sweep.nodes_of)
    losses = [(things[i % len(things)], things[i * 7 % len(things)]) for i in range(count)]
    watched = ["shop", "ams-r4", "db-data"]
    answer = sweep.after(losses, watched)
    assert answer.shape == (count, 3)
    for row, lost in zip(answer, losses, strict=True):
        alone = sweep.without(lost)
        assert row.tolist() == [bool(alone[sweep.index[name]]) for name in watched]


@given(rows=st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=1, max_size=64))
def test_pack_and_unpack_are_inverse(rows: list[list[bool]]) -> None:
    array = np.array(rows)
    assert np.array_equal(unpack(pack(array))[: len(rows)], array)


def test_a_wide_node_is_reduced_by_runs() -> None:
    nodes = [Node(str(i), "thing", str(i)) for i in range(300)]
    for name, width, needs in (("any", 100, 1), ("all", 150, 150), ("most", 300, 200), ("one", 40, 1)):
        nodes.append(Node(name, "thing", name, needs, tuple(str(i) for i in range(width))))
    sweep = compile_nodes(nodes)
    losses = [[str(i) for i in range(n)] for n in (0, 1, 39, 40, 99, 100, 101, 300)]
    expected = [[n < 100, n == 0, n <= 100, n < 40] for n in (0, 1, 39, 40, 99, 100, 101, 300)]
    assert sweep.after(losses, ["any", "all", "most", "one"]).tolist() == expected


def test_a_circle_is_refused() -> None:
    with pytest.raises(ValueError, match="circle"):
        compile_nodes([Node("a", "thing", "a", 1, ("b",)), Node("b", "thing", "b", 1, ("a",))])


def test_no_nodes_have_nothing_up() -> None:
    assert compile_nodes([]).without(()).shape == (0,)
