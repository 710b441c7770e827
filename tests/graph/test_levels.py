"""Level arrays against naive recursion: who is alive, how loads split over feeds, how they roll up."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.graph.levels import build_levels


class Case(NamedTuple):
    """A feed graph with its state, by old node and in the order of the edges."""

    edges: list[tuple[int, int, float]]
    standby: list[bool]
    needs: list[int]
    own: list[bool]
    edge_up: list[bool]
    load: list[float]

    def alive(self, node: int) -> bool:
        """Whether a node is alive: its own state, and enough feeders over edges that are up."""
        feeders = [e for e, (child, _, _) in enumerate(self.edges) if child == node]
        live = sum(self.edge_up[e] and self.alive(self.edges[e][1]) for e in feeders)
        return self.own[node] and (not feeders or live >= self.needs[node])

    def share(self, edge: int) -> float:
        """The part of its child's load that an edge carries."""
        child = self.edges[edge][0]
        live = [
            e
            for e, (c, parent, _) in enumerate(self.edges)
            if c == child and self.edge_up[e] and self.alive(parent)
        ]
        if edge not in live or not self.alive(child):
            return 0.0
        if self.standby[child]:
            return float(edge == live[0])
        total = sum(self.edges[e][2] for e in live)
        return self.edges[edge][2] / total if total else 1 / len(live)

    def total(self, node: int) -> float:
        """The load of a node: its own, and what its children draw from it."""
        drawn = (
            self.share(e) * self.total(child)
            for e, (child, parent, _) in enumerate(self.edges)
            if parent == node
        )
        return self.load[node] + sum(drawn)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw an acyclic feed graph in any numbering, now and then with several edges between two nodes."""
    nodes = draw(st.integers(1, 9))
    place = draw(st.permutations(range(nodes)))
    pairs = st.tuples(st.integers(0, nodes - 1), st.integers(0, nodes - 1)).filter(
        lambda pair: pair[0] < pair[1]
    )
    drawn = draw(st.lists(pairs, max_size=16)) if nodes > 1 else []
    weights = st.sampled_from((0.0, 0.25, 0.5, 1.0))
    edges = [(place[below], place[above], draw(weights)) for below, above in drawn]
    each = st.lists(st.booleans(), min_size=nodes, max_size=nodes)
    needs = draw(st.lists(st.integers(1, 3), min_size=nodes, max_size=nodes))
    own = draw(st.lists(st.sampled_from((True, True, True, False)), min_size=nodes, max_size=nodes))
    edge_up = draw(st.lists(st.sampled_from((True, True, False)), min_size=len(edges), max_size=len(edges)))
    load = draw(st.lists(st.sampled_from((0.0, 1.0, 2.5)), min_size=nodes, max_size=nodes))
    return Case(edges, draw(each), needs, own, edge_up, load)


@given(case=cases())
def test_sweep_and_shares_and_roll_up_are_those_of_recursion(case: Case) -> None:
    nodes = len(case.own)
    levels, number = build_levels(nodes, case.edges, np.array(case.standby), np.array(case.needs))
    old = np.argsort(number)
    order = _edge_order(case, number, levels.child.tolist(), levels.parent.tolist(), levels.base.tolist())
    edge_up = np.array([case.edge_up[e] for e in order], dtype=bool)

    alive = levels.sweep(np.array(case.own)[old], edge_up)
    assert alive[number].tolist() == [case.alive(node) for node in range(nodes)]

    share = levels.shares(alive, edge_up)
    assert share == pytest.approx([case.share(e) for e in order])

    load = np.array(case.load)[old]
    child, factor = levels.child[levels.to_parent], share[levels.to_parent]
    for part in levels.up:
        flow = load[child[part.first : part.last]] * factor[part.first : part.last]
        load[part.nodes] += np.add.reduceat(flow, part.starts)
    assert load[number] == pytest.approx([case.total(node) for node in range(nodes)])


@given(case=cases())
def test_every_live_child_has_all_its_load_carried(case: Case) -> None:
    nodes = len(case.own)
    levels, number = build_levels(nodes, case.edges, np.array(case.standby), np.array(case.needs))
    own = np.array(case.own)[np.argsort(number)]
    alive = levels.sweep(own)
    carried = np.bincount(levels.child, weights=levels.shares(alive), minlength=nodes)
    fed = np.isin(np.arange(nodes), levels.child)
    assert carried[fed & alive] == pytest.approx(np.ones(int((fed & alive).sum())))
    assert not carried[~alive].any()


def test_a_circle_is_refused() -> None:
    with pytest.raises(ValueError, match="circle"):
        build_levels(2, [(0, 1, 1.0), (1, 0, 1.0)], np.zeros(2, dtype=bool), np.ones(2, dtype=np.int64))


def test_a_feed_without_a_share_carries_all_when_it_is_the_last() -> None:
    edges = [(0, 1, 1.0), (0, 2, 0.0)]
    levels, number = build_levels(3, edges, np.zeros(3, dtype=bool), np.ones(3, dtype=np.int64))
    own = np.ones(3, dtype=bool)
    own[number[1]] = False
    assert levels.shares(levels.sweep(own)).tolist() == [0.0, 1.0]


def _edge_order(
    case: Case, number: np.ndarray, child: list[int], parent: list[int], base: list[float]
) -> list[int]:
    """Say which authored edge each compiled edge is: a child's edges keep their order."""
    left = {
        node: [e for e, edge in enumerate(case.edges) if edge[0] == node] for node in range(len(case.own))
    }
    old = np.argsort(number)
    order = [left[int(old[c])].pop(0) for c in child]
    for e, above, share in zip(order, parent, base, strict=True):
        assert (number[case.edges[e][1]], case.edges[e][2]) == (above, share)
    return order
